"""``selfheal demo``: break a small real service four times and watch it heal."""

import typer

from worker.cli import options


def demo(state_dir: options.StateDir = None, json: options.Json = False) -> None:  # noqa: FBT002 - typer makes it a flag
    """Break a small real service four times and watch it heal. Exits 1 unless each scene ends as told."""
    from worker.cli.running import run  # noqa: PLC0415 - not needed for --help
    from worker.demo.show import show  # noqa: PLC0415

    if not run(show(options.settings(state_dir=state_dir), json=json)):
        raise typer.Exit(1)
