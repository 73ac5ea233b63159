"""What is known about a file system, from what the script ``filesystem`` prints on its host."""

import re
from pathlib import PurePosixPath

from models.errors import GiveUpError
from models.model import Model
from models.target import Filesystem

_DF = re.compile(r"^.+?\s+(?P<size>\d+)\s+(?P<used>\d+)\s+(?P<available>-?\d+)\s+(?:\d+%|-)\s+(?P<mount>/.*)$")
"""A line of ``df -P``, as POSIX lays it down; the name of the device may hold blanks."""

_ROTATED = re.compile(
    r"^.*(?:log|messages|secure|err|error|out)"
    r"[.-](?:\d{1,3}|\d{8}(?:[-T]?\d{2,6})?|\d{4}-\d{2}-\d{2}(?:[-T_.]\d{2}(?:[-:]?\d{2}){0,2})?)$"
)
"""Names that logrotate and its like give: the log's own name, then a count or a date (with or without a time)."""

_GROWING = 10


class RotatedLog(Model):
    """A log that nothing writes to any more and that is not packed."""

    path: str
    bytes: int


class Cache(Model):
    """A declared cache and what its content takes."""

    path: str
    bytes: int


class Growth(Model):
    """Something that grows.

    Attributes:
        bytes: what it takes now.
        per_second: bytes a second, over the few seconds of one reading.
    """

    path: str
    bytes: int
    per_second: float


class Aside(Model):
    """The folder for what is moved aside.

    Attributes:
        available: bytes that are left there.
        elsewhere: it is on another file system, so moving something there makes room here.
    """

    path: str
    available: int
    elsewhere: bool


class FilesystemState(Model):
    """A file system on its host.

    Attributes:
        size, used, available: bytes; available to ordinary users, so a reserve for root is in none of the two.
        mounted: it is really mounted there; if not, the numbers are those of the file system around it.
        logs: rotated logs that can be packed, largest first, at most 200.
        caches: the declared caches that are there.
        growth: what grows, fastest first: declared folders, and the biggest things right below the mount.
        aside: where caches can be moved to, if that is declared.
    """

    size: int
    used: int
    available: int
    mounted: bool
    logs: tuple[RotatedLog, ...] = ()
    caches: tuple[Cache, ...] = ()
    growth: tuple[Growth, ...] = ()
    aside: Aside | None = None

    @property
    def used_share(self) -> float:
        """How full it is, 0 to 1, of what ordinary users can fill."""
        total = self.used + self.available
        return self.used / total if total > 0 else 1.0


def rotated(path: str) -> bool:
    """Whether this is the name of a rotated log that is not packed."""
    return _ROTATED.match(PurePosixPath(path).name) is not None


def filesystem_state(filesystem: Filesystem, printed: str) -> FilesystemState:
    """The state of a file system.

    Args:
        filesystem: what is declared about it.
        printed: what the script ``filesystem`` printed.

    Raises:
        GiveUpError: the host does not know it.
    """
    lines = [line.split("\t") for line in printed.splitlines()]
    first = {line[0]: line[1:] for line in reversed(lines)}
    space = _DF.match("\t".join(first.get("space", [])))
    if space is None:
        raise GiveUpError(
            f"host {filesystem.place!r} knows no file system at {filesystem.mount!r}: correct mount of the target"
        )
    return FilesystemState(
        size=int(space["size"]),
        used=int(space["used"]),
        available=max(0, int(space["available"])),
        mounted=space["mount"] == first["root"][0],
        logs=tuple(
            RotatedLog(path=path, bytes=int(size))
            for kind, size, _, *rest in (line for line in lines if line[0] == "log" and len(line) == 4)  # noqa: PLR2004
            if rotated(path := rest[0].replace("//", "/"))
        ),
        caches=tuple(
            Cache(path=line[2], bytes=int(line[1]) * 1024)
            for line in lines
            if line[0] == "cache" and line[1].isdecimal()
        ),
        growth=_growth(lines, first["root"][0]),
        aside=_aside(filesystem, first),
    )


def _aside(filesystem: Filesystem, first: dict[str, list[str]]) -> Aside | None:
    room = _DF.match("\t".join(first.get("aside", [])))
    if filesystem.aside is None or room is None:
        return None
    return Aside(path=filesystem.aside, available=max(0, int(room["available"])), elsewhere="elsewhere" in first)


def _growth(lines: list[list[str]], root: str) -> tuple[Growth, ...]:
    """What is larger in the second sample than in the first."""
    at = {line[1]: float(line[2]) for line in lines if line[0] == "at"}
    seconds = at.get("2", 0) - at.get("1", 0)
    if seconds <= 0:
        return ()
    sizes: dict[str, dict[str, int]] = {"1": {}, "2": {}}
    for line in lines:
        if line[0] == "size" and line[2].isdecimal():
            sizes[line[1]]["\t".join(line[3:])] = int(line[2]) * 1024
    grown = [
        Growth(path=path, bytes=size, per_second=round((size - sizes["1"][path]) / seconds, 1))
        for path, size in sizes["2"].items()
        if path != root and size > sizes["1"].get(path, size)
    ]
    return tuple(sorted(grown, key=lambda growth: -growth.per_second)[:_GROWING])
