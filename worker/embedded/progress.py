"""Telling what a slow first start is doing: fetching or building the server takes up to minutes."""

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

_PLAIN_DETAIL_EVERY = 15.0  # seconds: a log of a build should be readable, not a list of a thousand packages


class Progress(Protocol):
    """Hears how far a slow start has come."""

    def step(self, text: str) -> None:
        """Begin a step, such as building."""

    def detail(self, text: str) -> None:
        """Say where the step is, such as the package being built; may be called very often."""


class Silent:
    """Progress that nobody watches."""

    def step(self, text: str) -> None:
        """Ignore it."""

    def detail(self, text: str) -> None:
        """Ignore it."""


class Display:
    """Progress on stderr: a spinner with the elapsed time on a terminal, a line now and then elsewhere.

    Nothing is shown before the first step, so a start with nothing to fetch stays silent.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}", style="dim", markup=False),
            console=self._console,
            transient=True,
        )
        self._task = self._live.add_task("", detail="")
        self._began = self._said = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def step(self, text: str) -> None:
        """Show the step and start its clock."""
        self._began = self._said = time.monotonic()
        if self._console.is_terminal:
            self._live.reset(self._task, description=text, detail="")
            self._live.start()
        else:
            self._console.print(f"{text} …", markup=False, highlight=False, soft_wrap=True)

    def detail(self, text: str) -> None:
        """Show the detail, at most every 15 seconds where it would make a line of its own."""
        now = time.monotonic()
        if self._console.is_terminal:
            self._live.update(self._task, detail=text)
        elif now - self._said >= _PLAIN_DETAIL_EVERY:
            self._said = now
            self._console.print(f"  {now - self._began:.0f} s: {text}", markup=False, highlight=False, soft_wrap=True)
