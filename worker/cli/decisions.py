"""``selfheal approve`` and ``selfheal reject``: a person's answer."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import options

if TYPE_CHECKING:
    from models.decision import Decision
    from worker.cli.deciding import Asked
    from worker.settings import Settings

_DOES_NOT_COUNT = 4

_Id = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The approval request's id; or an execution's, for the request that it has open, after a look at it.",
    ),
]
_Reason = Annotated[str, typer.Option(help="Why; it is kept in the execution's story.")]
_By = Annotated[str, typer.Option(envvar="SELFHEAL_USER", help="Who decides; the user of this machine.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask back.")]
_Signal = Annotated[bool, typer.Option("--signal", help="Leave the answer for when a worker is back.")]


def approve(
    *,
    id_: _Id,
    reason: _Reason = "",
    by: _By = "",
    yes: _Yes = False,
    signal: _Signal = False,
    temporal_port: options.TemporalPort = None,
    json: options.Json = False,
) -> None:
    """Let an execution do what it asks for.

    Exit codes: 0 the answer counts (with --signal: is left with Temporal); 4 it does not, and why is said; 1 it could
    not be given; 2 the command was not understood.
    """
    settings = options.settings(temporal_port=temporal_port)
    _answer(settings, id_, approved=True, reason=reason, by=by, yes=yes, signal=signal, json=json)


def reject(
    *,
    id_: _Id,
    reason: _Reason = "",
    by: _By = "",
    yes: _Yes = False,
    signal: _Signal = False,
    temporal_port: options.TemporalPort = None,
    json: options.Json = False,
) -> None:
    """Forbid an execution what it asks for.

    Exit codes: 0 the answer counts (with --signal: is left with Temporal); 4 it does not, and why is said; 1 it could
    not be given; 2 the command was not understood.
    """
    settings = options.settings(temporal_port=temporal_port)
    _answer(settings, id_, approved=False, reason=reason, by=by, yes=yes, signal=signal, json=json)


def _answer(
    settings: "Settings", text: str, *, approved: bool, reason: str, by: str, yes: bool, signal: bool, json: bool
) -> None:
    # Asking back happens outside the event loop: inside, Ctrl-C would not end the prompt.
    from worker.cli.console import console, plain, print_json, say  # noqa: PLC0415 - not needed for --help
    from worker.cli.deciding import DoesNotCountError, asked, leave_signal, send  # noqa: PLC0415
    from worker.cli.running import fail, run  # noqa: PLC0415

    try:
        found = run(asked(settings, text))
        if text != found.request:
            _confirm(found, approved=approved, yes=yes)
        decision = _decision(found.request, approved=approved, by=by, reason=reason)
        if signal:
            run(leave_signal(settings, found.execution, decision))
            say(f"Left with Temporal for {found.execution.id}: whether it counts shows when a worker is back.")
            return
        decided = run(send(settings, found.execution, decision))
    except DoesNotCountError as error:
        raise fail(str(error), _DOES_NOT_COUNT) from error
    if decided is None:
        _nobody(settings, found, decision)
    elif json:
        print_json({"execution": found.execution.id, **decided.model_dump(mode="json")})
    else:
        word = "Approved" if approved else "Rejected"
        console().print(f"{word} by {plain(decision.by)}: request {decision.request} of {plain(found.execution.id)}")


def _confirm(found: "Asked", *, approved: bool, yes: bool) -> None:
    """Show what an execution asks, and ask back."""
    from worker.cli.console import on_stderr  # noqa: PLC0415 - not needed for --help
    from worker.cli.rendering import question  # noqa: PLC0415
    from worker.cli.running import fail  # noqa: PLC0415

    if found.question:
        on_stderr().print(question(found.question))
    if yes:
        return
    if not sys.stdin.isatty():
        raise fail(f"{found.execution.id} asks {found.request}: name that request, or add --yes", 2)
    if not found.question:
        raise fail(f"no worker can say what {found.execution.id} asks: name the request {found.request}, or add --yes")
    typer.confirm("Approve it?" if approved else "Reject it?", abort=True, err=True)


def _decision(request: str, *, approved: bool, by: str, reason: str) -> "Decision":
    import getpass  # noqa: PLC0415 - not needed for --help

    from pydantic import ValidationError  # noqa: PLC0415

    from models.decision import Decision  # noqa: PLC0415
    from worker.cli.running import fail  # noqa: PLC0415

    try:
        return Decision(request=request, approved=approved, by=by or getpass.getuser(), reason=reason)
    except (OSError, KeyError) as error:
        raise fail("who decides is not known here: say it with --by or SELFHEAL_USER", 2) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise fail(f"--{first['loc'][0]}: {first['msg']}", 2) from error


def _nobody(settings: "Settings", found: "Asked", decision: "Decision") -> None:
    """No worker took the answer: offer to leave it as a signal."""
    from worker.cli.console import say  # noqa: PLC0415 - not needed for --help
    from worker.cli.deciding import leave_signal, patience  # noqa: PLC0415
    from worker.cli.running import fail, run  # noqa: PLC0415

    text = f"no worker took the answer within {patience()}; it may still be taken when one is back"
    if not sys.stdin.isatty():
        verb = "approve" if decision.approved else "reject"
        raise fail(f"{text}. To leave it for sure: selfheal {verb} {decision.request} --signal --reason WHY")
    say(f"{text}.")
    typer.confirm("Leave it with Temporal for sure, as a signal?", abort=True, err=True)
    run(leave_signal(settings, found.execution, decision))
    say("Left; whether it counts shows when a worker is back.")
