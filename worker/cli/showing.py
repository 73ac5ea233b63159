"""What ``selfheal executions show`` prints."""

from worker.cli.console import console, print_json, say
from worker.cli.finding import find
from worker.cli.reading import read
from worker.cli.rendering import page
from worker.connecting import connect
from worker.settings import Settings


async def show(settings: Settings, text: str, *, json: bool) -> None:
    """Print one execution."""
    client = await connect(settings)
    execution = await find(client, text)
    shown = await read(client, execution.id, execution.run)
    if json:
        print_json(shown.model_dump(mode="json"))
        if shown.note:
            say(shown.note)
    else:
        console().print(page(shown))
