"""Following an execution to its end: on a terminal a page that stays up to date, in a pipe lines as they come."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

from rich.live import Live
from rich.text import Text
from temporalio.client import Client

from models.outcome import Ending, Entry, Outcome, Progress
from worker.cli.console import console, plain, print_json, say
from worker.cli.finding import ExecutionRow, find
from worker.cli.reading import ShownExecution, ask, ended, read
from worker.cli.rendering import ending, page, question, story_line
from worker.connecting import connect
from worker.settings import Settings

WELL = frozenset({Ending.HEALED, Ending.RECOVERED, Ending.OBSERVED})
"""The endings after which nobody needs to do anything."""

_EVERY = timedelta(seconds=0.5)


async def watch(settings: Settings, text: str, *, json: bool) -> bool:
    """Show an execution until it ends.

    Args:
        settings: where Temporal is.
        text: its id, as `find` takes it.
        json: print JSON, one line for each thing that happens.

    Returns:
        Whether it ended well.
    """
    client = await connect(settings)
    execution = await find(client, text)
    if sys.stdout.isatty() and not json:
        outcome = await _live(client, execution)
    else:
        outcome = await _Lines(json=json).follow(client, execution)
    return outcome is not None and outcome.ending in WELL


async def _live(client: Client, execution: ExecutionRow) -> Outcome | None:
    out = console()
    shown = ShownExecution(execution=execution)
    with Live(page(shown), console=out, auto_refresh=False, vertical_overflow="crop") as live:
        async for _ in _ticks(client, execution):
            shown = await read(client, execution.id, execution.run)
            live.update(page(shown), refresh=True)
        # What did not fit on the screen while it was live is there to be scrolled back to.
        live.update(Text(), refresh=True)
    out.print(page(shown))
    return shown.result


async def _ticks(client: Client, execution: ExecutionRow) -> AsyncIterator[None]:
    """Now and then until the execution ends, and once more after that."""
    end = asyncio.create_task(ended(client, execution.id, execution.run))
    try:
        while not end.done():
            yield
            await asyncio.wait({end}, timeout=_EVERY.total_seconds())
        await end
        yield
    finally:
        end.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await end


class _Lines:
    """Prints what is new since the last look."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._last: Entry | None = None
        self._asked = ""
        self._note = ""

    async def follow(self, client: Client, execution: ExecutionRow) -> Outcome | None:
        """Print an execution until it ends."""
        self._begin(execution)
        handle = client.get_workflow_handle(execution.id, run_id=execution.run)
        async for _ in _ticks(client, execution):
            progress, note = await ask(handle)
            self._tell(progress, note)
        shown = await read(client, execution.id, execution.run)
        self._end(shown)
        return shown.result

    def _begin(self, execution: ExecutionRow) -> None:
        if self._json:
            print_json({"kind": "execution", **execution.model_dump(mode="json")}, lines=True)
        else:
            console().print(plain(execution.id))

    def _tell(self, progress: Progress | None, note: str) -> None:
        if note and note != self._note:
            say(note)
        self._note = note
        if progress is None:
            return
        for entry in _new(progress.story, self._last):
            self._last = entry
            if self._json:
                print_json({"kind": "story", **entry.model_dump(mode="json")}, lines=True)
            else:
                console().print(story_line(entry))
        if progress.request and progress.request.id != self._asked:
            self._asked = progress.request.id
            if self._json:
                print_json({"kind": "request", **progress.request.model_dump(mode="json")}, lines=True)
            else:
                console().print(question(progress.request))

    def _end(self, shown: ShownExecution) -> None:
        if self._json:
            print_json({"kind": "end", **shown.model_dump(mode="json", exclude={"progress"})}, lines=True)
        elif shown.result:
            console().print(ending(shown.result))
        else:
            console().print(f"Ended without an outcome: {plain(shown.failure)}")


def _new(story: tuple[Entry, ...], last: Entry | None) -> tuple[Entry, ...]:
    """What came after the last entry that was told. A long story keeps its first entry and its newest ones."""
    return story[story.index(last) + 1 :] if last in story else tuple(e for e in story if not last or e.at > last.at)
