"""``selfheal executions``: what is being healed and what was."""

from typing import Annotated

import typer

from worker.cli import options

app = typer.Typer(help="Look at executions: durable runs of a runbook against one target.", no_args_is_help=True)

_ID = typer.Argument(
    metavar="ID",
    help="The execution's id, or a part of it that no other recent one has, or the id of its open approval request.",
)
_Id = Annotated[str, _ID]
_CODES = "0 done; 1 it cannot be told, and why is said; 2 the command was not understood."


def _outcomes(incomplete: str) -> list[str]:
    from models.outcome import Ending  # noqa: PLC0415 - not needed for --help

    return [ending.value for ending in Ending if ending.value.startswith(incomplete)]


def _known_outcome(outcome: str | None) -> str | None:
    if outcome is not None and outcome not in _outcomes(""):
        raise typer.BadParameter(f"{outcome!r} is none of {', '.join(_outcomes(''))}")
    return outcome


@app.command("list", epilog=f"JSON: executions, more. Exit codes: {_CODES}")
def list_(
    *,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are under way.")] = False,
    runbook: Annotated[str | None, typer.Option(help="Only those of this runbook.")] = None,
    target: Annotated[str | None, typer.Option(help="Only those on this target, such as service:local/shop.")] = None,
    policy: Annotated[str | None, typer.Option(help="Only those under this policy.")] = None,
    outcome: Annotated[
        str | None,
        typer.Option(
            help="Only those that ended so, such as healed or escalated.",
            callback=_known_outcome,
            autocompletion=_outcomes,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at the most.")] = 30,
    temporal_port: options.TemporalPort = None,
    json: options.Json = False,
) -> None:
    """List executions, the newest first."""
    from worker.cli.finding import Where  # noqa: PLC0415 - not needed for --help
    from worker.cli.listing import show_list  # noqa: PLC0415
    from worker.cli.running import run  # noqa: PLC0415

    where = Where(open_only=open_only, runbook=runbook, target=target, policy=policy, outcome=outcome)
    run(show_list(options.settings(temporal_port=temporal_port), where, limit, json=json))


@app.command(
    epilog="JSON: execution, summary, progress (null when no worker answers), result, failure, steps, note. "
    f"Exit codes: {_CODES}"
)
def show(*, id_: _Id, temporal_port: options.TemporalPort = None, json: options.Json = False) -> None:
    """Show one execution: what was found, what was tried, what it waits for."""
    from worker.cli.running import run  # noqa: PLC0415 - not needed for --help
    from worker.cli.showing import show as show_one  # noqa: PLC0415

    run(show_one(options.settings(temporal_port=temporal_port), id_, json=json))


@app.command(
    epilog="JSON: one object on each line, its kind being execution, story, request or end. "
    "Exit codes: 0 healed, recovered or observed; 3 it ended otherwise; 130 left with Ctrl-C; "
    "1 it cannot be told, and why is said; 2 the command was not understood."
)
def watch(*, id_: _Id, temporal_port: options.TemporalPort = None, json: options.Json = False) -> None:
    """Follow one execution to its end. Ctrl-C leaves it running."""
    from worker.cli.console import say  # noqa: PLC0415 - not needed for --help
    from worker.cli.running import run  # noqa: PLC0415
    from worker.cli.watching import watch as watch_one  # noqa: PLC0415

    try:
        well = run(watch_one(options.settings(temporal_port=temporal_port), id_, json=json))
    except KeyboardInterrupt:
        say("\nYou left; the execution goes on.")
        raise typer.Exit(130) from None
    if not well:
        raise typer.Exit(3)
