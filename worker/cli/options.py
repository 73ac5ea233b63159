"""Options that several commands share. Each is also an environment variable; `worker.settings` reads those."""

from pathlib import Path
from typing import Annotated, Any

import typer

Policies = Annotated[
    Path | None,
    typer.Option("--policies", help="Policy file; ./policies.yaml if there is one. [env: SELFHEAL_POLICIES]"),
]
Runbooks = Annotated[
    list[Path] | None,
    typer.Option("--runbooks", help="Own runbooks, a file or a folder; may be repeated. [env: SELFHEAL_RUNBOOKS]"),
]
StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", help="Where state is kept. [env: SELFHEAL_STATE_DIR]"),
]
GatewayHost = Annotated[
    str | None, typer.Option("--gateway-host", help="Address to listen on; 127.0.0.1. [env: SELFHEAL_GATEWAY_HOST]")
]
GatewayPort = Annotated[
    int | None, typer.Option("--gateway-port", help="Port for alerts; 8080. [env: SELFHEAL_GATEWAY_PORT]")
]
TemporalPort = Annotated[
    int | None, typer.Option("--temporal-port", help="The embedded server's; 7233. [env: SELFHEAL_TEMPORAL_PORT]")
]
UiPort = Annotated[int | None, typer.Option("--ui-port", help="The Temporal UI's; 8233. [env: SELFHEAL_UI_PORT]")]
LogLevel = Annotated[
    str | None, typer.Option("--log-level", help="debug, info, warning or error. [env: SELFHEAL_LOG_LEVEL]")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings(**options: Any) -> Any:  # noqa: ANN401 - Settings, imported when needed
    """The settings, with the options that were given on the command line.

    Raises:
        typer.Exit: an option or variable is wrong; what and which was said.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - not needed for --help

    from worker.cli.running import fail  # noqa: PLC0415
    from worker.settings import Settings  # noqa: PLC0415

    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise fail(f"--{name.replace('_', '-')} (SELFHEAL_{name.upper()}): {first['msg']}", code=2) from error
