"""``selfheal policies``: is the policy file right, and what will it do."""

from pathlib import Path
from typing import Annotated

import typer

from worker.cli import options

app = typer.Typer(help="The policy file: which alerts start which runbook.", no_args_is_help=True)


@app.command(
    epilog="JSON: file, ok, problems and warnings (each with file, line, column, field, message), policies (each with "
    "name, on, does, asks, limits, tells). Exit codes: 0 it can be used, even with warnings; 1 it has mistakes; "
    "2 the command was not understood."
)
def check(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy file.")],
    runbooks: options.Runbooks = None,
    json: options.Json = False,
) -> None:
    """Check a policy file, and tell what each policy will do."""
    from worker.cli.checking import check_file  # noqa: PLC0415 - not needed for --help
    from worker.cli.console import console, print_json  # noqa: PLC0415
    from worker.cli.known import known_runbooks  # noqa: PLC0415

    infos, _ = known_runbooks(options.settings(runbooks=runbooks))
    checked = check_file(file, infos)
    if json:
        print_json(checked.model_dump(mode="json"))
    else:
        console().print(checked.page())
    if not checked.ok:
        raise typer.Exit(1)


@app.command(epilog="Exit codes: 0 done; 2 the command was not understood.")
def schema() -> None:
    """Print the JSON Schema of the policy file, for editors."""
    from models.policy_schema import policy_schema  # noqa: PLC0415 - not needed for --help
    from worker.cli.console import print_json  # noqa: PLC0415

    print_json(policy_schema())
