"""The command line. Commands import what they need when they run, so that ``--help`` is there at once."""

from worker.leaving import leave


def main() -> None:
    """Run the command that the arguments name, and leave."""
    from worker.cli.app import app  # noqa: PLC0415 - typer is not needed to leave

    try:
        app()
    except SystemExit as end:
        leave(end.code)
    except KeyboardInterrupt:
        leave(130)
    leave(0)
