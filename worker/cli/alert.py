"""``selfheal alert``: an alert by hand, through the same door as everybody else's."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from worker.cli import options

app = typer.Typer(help="Alerts by hand.", no_args_is_help=True)


class _Status(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


class _Source(StrEnum):
    GENERIC = "generic"
    ALERTMANAGER = "alertmanager"


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise typer.BadParameter(f"{text!r} must be KEY=VALUE")
    return key, value


@app.command(
    epilog="JSON: name, fingerprint, result, refused, execution, policy, target, detail, until, fields. "
    "Exit codes: 0 it started, joined or resolved an execution, or was taken; 3 it was refused or matched nothing; "
    "1 it could not be sent, and why is said; 2 the command was not understood."
)
def send(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The alert's name, such as ServiceUnhealthy.")],
    label: Annotated[list[str] | None, typer.Option(metavar="K=V", help="A label; may be repeated.")] = None,
    annotation: Annotated[list[str] | None, typer.Option(metavar="K=V", help="An annotation; may be repeated.")] = None,
    status: Annotated[_Status, typer.Option(help="Whether it begins or is over.")] = _Status.FIRING,
    source: Annotated[_Source, typer.Option(help="Whose door it goes through, in whose format.")] = _Source.GENERIC,
    gateway: Annotated[
        str | None,
        typer.Option(envvar="SELFHEAL_GATEWAY", metavar="URL", help="Where the gateway is; http://127.0.0.1:8080."),
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="SELFHEAL_TOKEN", help="The door's token; others see it in the process list.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with the token; else the one in the state folder.")
    ] = None,
    state_dir: options.StateDir = None,
    json: options.Json = False,
) -> None:
    """Send an alert, and tell what became of it. The same name and labels are the same alert, firing or resolved."""
    from worker.cli.console import console, print_json  # noqa: PLC0415 - not needed for --help
    from worker.cli.running import fail  # noqa: PLC0415
    from worker.cli.sending import Door, NotSentError, body_for, post, token_for  # noqa: PLC0415

    labels, annotations = dict(map(_pair, label or [])), dict(map(_pair, annotation or []))
    settings = options.settings(state_dir=state_dir)
    try:
        door = Door.of(settings, gateway, source.value)
        given = token_for(settings, source.value, token_file, token)
        sent = post(door, given, body_for(source.value, name, status.value, labels, annotations))
    except NotSentError as error:
        raise fail(str(error)) from error
    if json:
        print_json(sent.answer)
    else:
        console().print(sent.text)
    if not sent.useful:
        raise typer.Exit(3)
