"""How commands print: tables and text for people, JSON for programs.

What is printed came from outside, so it is never read as markup, and cannot steer the terminal. Rich leaves colour
away by itself where stdout is no terminal, or NO_COLOR is set.
"""

import io
import json
import re
import sys
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.durations import show_duration

_PIPED_WIDTH = 4096
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BREAK = re.compile(r"\s*[\r\n]\s*")
_UNSHOWN = "\N{REPLACEMENT CHARACTER}"
_BRIEF = timedelta(seconds=10)
_COLOURS = {
    "healed": "green",
    "recovered": "green",
    "kept": "green",
    "healthy": "green",
    "observed": "cyan",
    "running": "blue",
    "waiting": "yellow",
    "rejected": "yellow",
    "undone": "yellow",
    "inconclusive": "yellow",
}
_OTHERWISE = "red"


def console() -> Console:
    """A console on stdout."""
    return _on(sys.stdout)


def on_stderr() -> Console:
    """A console on stderr, for what stands beside the output."""
    return _on(sys.stderr)


def print_json(value: object, *, lines: bool = False) -> None:
    """Print JSON, and nothing else that a program would have to skip; with `lines`, on one line of its own."""
    typer.echo(json.dumps(value, indent=None if lines else 2))


def say(text: str) -> None:
    """Tell a person beside the output: on stderr, so that what is piped stays clean."""
    typer.echo(_CONTROL.sub(_UNSHOWN, text), err=True)


def plain(text: object) -> str:
    """Text that came from outside, in one line and without characters that steer a terminal."""
    return _CONTROL.sub(_UNSHOWN, _BREAK.sub(" ", str(text)))


def state(word: str, shown: str = "") -> Text:
    """A state, outcome, fate or verdict in its colour; `shown` instead of the word itself."""
    return Text(plain(shown or word).replace("_", " "), style=_COLOURS.get(word, _OTHERWISE))


def grid(*headers: str, whole: Collection[str] = ()) -> Table:
    """A table without lines, so that it can be cut with awk too. The columns in `whole` are never broken."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(headers), header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold", no_wrap=header in whole)
    return table


def moment(at: datetime) -> str:
    """A moment, in UTC as everywhere in the system."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def took(time: timedelta) -> str:
    """How long something took: to the tenth of a second while that matters."""
    digits = 1 if time < _BRIEF else 0
    return show_duration(timedelta(seconds=round(time.total_seconds(), digits)))


def _on(stream: TextIO) -> Console:
    """Lines are never broken where nobody would see them as such: in a pipe."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    width = None if stream.isatty() else _PIPED_WIDTH
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)
