"""The pages of the documentation as tests read them: blocks of code, tables, links and headings."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
PAGES = (*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *sorted(ROOT.glob("docs/*.md")))

_BLOCK = re.compile(r"(?:^`([\w./-]+)`:\n)?^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        file: the name in the line before it, such as ``policies.yaml``; empty where there is none.
    """

    page: Path
    line: int
    language: str
    file: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page, in its order; only those in these languages, if any are named."""
    text = page.read_text()
    found = [
        Block(page, text.count("\n", 0, match.start()) + 1, match[3], match[1] or "", dedent(match[4]))
        for match in _BLOCK.finditer(text)
    ]
    return [block for block in found if block.language in languages or not languages]


def all_blocks(*languages: str) -> list[Block]:
    """The blocks of all pages."""
    return [block for page in PAGES for block in blocks(page, *languages)]


def table(page: Path, *, below: str) -> list[list[str]]:
    """The rows of the first table below a line that begins so, or of the one whose head is that line."""
    lines = page.read_text().split("\n")
    begin = next((number for number, line in enumerate(lines) if line.startswith(below)), None)
    assert begin is not None, f"{page.name} has no line that begins with {below!r}"
    in_table = takewhile(lambda line: line.startswith("|"), dropwhile(lambda line: line[:1] != "|", lines[begin:]))
    return [
        [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")] for line in list(in_table)[2:]
    ]


def code(cell: str) -> list[str]:
    """What stands in backticks."""
    return _SPAN.findall(cell)


def first_code(rows: list[list[str]], column: int = 0) -> list[str]:
    """The first thing in backticks of each row's cell in a column."""
    return [code(row[column])[0] for row in rows]


def links(page: Path) -> list[str]:
    """Where the page leads to, and the pictures it shows; not what is in blocks of code."""
    return _LINK.findall(_prose(page))


def anchors(page: Path) -> set[str]:
    """The headings of a page as fragments of its address."""
    return {_anchor(heading) for heading in _HEADING.findall(_prose(page))}


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each line of a shell block."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if line.strip():
            yield shlex.split(line, comments=True)


def spans(page: Path, beginning: str) -> Iterator[list[str]]:
    """The words of each command in the running text that begins so."""
    for span in code(_prose(page)):
        if span.startswith(beginning):
            yield shlex.split(span)


def _prose(page: Path) -> str:
    return _BLOCK.sub("", page.read_text())


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")
