"""``selfheal runbooks``: what the system can heal, and a start for what it cannot yet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import options

if TYPE_CHECKING:
    from worker.cli.scaffolding import Scaffold

app = typer.Typer(help="Runbooks: how one class of failure is healed.", no_args_is_help=True)

_CODES = "0 done; 1 it cannot be done, and why is said; 2 the command was not understood."


@app.command("list", epilog=f"JSON: runbooks, each with name, summary, handles, targets. Exit codes: {_CODES}")
def list_(*, runbooks: options.Runbooks = None, json: options.Json = False) -> None:
    """List the runbooks that there are."""
    from worker.cli.console import console, grid, print_json  # noqa: PLC0415 - not needed for --help
    from worker.cli.known import known_runbooks  # noqa: PLC0415

    infos, _ = known_runbooks(options.settings(runbooks=runbooks))
    if json:
        keys = ("name", "summary", "handles", "targets")
        print_json({"runbooks": [{key: getattr(info, key) for key in keys} for info in infos.values()]})
        return
    table = grid("RUNBOOK", "HANDLES", "TARGETS", "SUMMARY")
    for info in infos.values():
        table.add_row(info.name, ", ".join(info.handles) or "-", ", ".join(info.targets), info.summary)
    console().print(table)


@app.command(
    epilog=f"JSON: name, summary, handles, targets, description, parameters, remediations, source. Exit codes: {_CODES}"
)
def show(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The runbook's name.")],
    runbooks: options.Runbooks = None,
    json: options.Json = False,
) -> None:
    """Show one runbook: what it is for, what a policy may set, what it may do."""
    import inspect  # noqa: PLC0415 - not needed for --help

    from models.policy_faults import nearest  # noqa: PLC0415
    from worker.cli.console import console, print_json  # noqa: PLC0415
    from worker.cli.describing import describe, page  # noqa: PLC0415
    from worker.cli.known import known_runbooks  # noqa: PLC0415
    from worker.cli.running import fail  # noqa: PLC0415

    infos, classes = known_runbooks(options.settings(runbooks=runbooks))
    if name not in infos:
        raise fail(f"no runbook is named {name!r}{nearest(name, list(infos)) or '; see selfheal runbooks list'}")
    shown = describe(infos[name], classes[name])
    if json:
        print_json(shown.model_dump(mode="json"))
    else:
        console().print(page(shown, inspect.getdoc(infos[name].parameters) or ""))


@app.command(epilog=f"Exit codes: {_CODES}")
def new(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Names the failure, in CamelCase: QueueStuck.")],
    folder: Annotated[
        Path | None,
        typer.Option("--dir", help="Where to write it; else into this project if we are in it, or the current folder."),
    ] = None,
) -> None:
    """Write a new runbook and its passing test, to be made your own."""
    import selfheal  # noqa: PLC0415 - not needed for --help
    from models.errors import SelfhealError  # noqa: PLC0415
    from worker.cli.known import known_runbooks  # noqa: PLC0415
    from worker.cli.running import fail  # noqa: PLC0415
    from worker.cli.scaffolding import check_name, place, write  # noqa: PLC0415

    infos, _ = known_runbooks(options.settings(runbooks=[]))
    try:
        check_name(name, infos, selfheal.__all__)
        scaffold = place(name, folder, Path.cwd())
        write(scaffold)
    except SelfhealError as error:
        raise fail(error.message) from error
    typer.echo(_next(scaffold))


def _next(scaffold: "Scaffold") -> str:
    """What its author does now."""
    runbook, test = _near(scaffold.runbook), _near(scaffold.test)
    option = f" --runbooks {_near(Path(scaffold.serve))}" if scaffold.serve else ""
    policy = scaffold.runbook.stem.replace("_", "-")
    steps = [
        f"run its test       python -m pytest {test}",
        "make it yours      first the facts and the test's tables, then propose and verify, then the remediation",
        f"give it a policy   - {{name: {policy}, runbook: {scaffold.name}, autonomy: observe}}",
        f"check that         selfheal policies check policies.yaml{option}",
        f"let it work        selfheal up{option}",
    ]
    if scaffold.register:
        where = _near(scaffold.runbook.parent / "__init__.py")
        steps.insert(0, f"register it        in {where}: {'  and  '.join(scaffold.register)}")
    lines = [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    return "\n".join([f"Wrote {runbook} and {test}. What next:", *lines])


def _near(path: Path) -> Path:
    """The path from here, if it is below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
