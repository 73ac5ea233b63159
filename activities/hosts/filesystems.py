"""File systems on hosts: what fills them, and making room in the folders that were declared for it."""

import hashlib
from datetime import timedelta

from pydantic import Field

from activities.hosts.connection import Connections
from activities.hosts.filesystem_state import FilesystemState, filesystem_state, rotated
from activities.hosts.pulse import attended
from activities.hosts.scripts import script
from activities.hosts.shell import Beat, Ran
from activities.step import changes, reads
from models.change import Change
from models.errors import GiveUpError, TryAgainError
from models.host import AbsolutePath
from models.model import Model
from models.target import Filesystem

_READ = script("filesystem")
_COMPRESS = script("guard", "logs", "compress")
_RESTORE = script("guard", "logs", "restore")
_ASIDE = script("guard", "cache", "aside")
_BACK = script("guard", "cache", "back")

_REFUSED = 65
_PAUSE = 3
"""Seconds between the two samples that growth is measured by."""

_READ_TIME = timedelta(minutes=4)
_CHANGE_TIME = timedelta(minutes=55)
_TRY = timedelta(hours=1)
_WITHIN = timedelta(hours=3)
_FILES = 200


class CompressLogs(Change):
    """Pack rotated logs with gzip, each beside itself.

    Attributes:
        files: paths as `FilesystemState.logs` has them.
    """

    filesystem: Filesystem
    files: tuple[AbsolutePath, ...] = Field(max_length=_FILES)

    @property
    def count(self) -> int:
        """How many files."""
        return len(self.files)


class RestoreLogs(Change):
    """Unpack what `CompressLogs` packed.

    Attributes:
        files: the same paths, without ``.gz``.
    """

    filesystem: Filesystem
    files: tuple[AbsolutePath, ...] = Field(max_length=_FILES)

    @property
    def count(self) -> int:
        """How many files."""
        return len(self.files)


class Skipped(Model):
    """A file that was left as it was, and why."""

    path: str
    reason: str


class LogsChanged(Model):
    """What became of the files.

    Attributes:
        files: those that are now as was asked for, by this try or an earlier one.
        bytes: room that this try made, or took when unpacking.
    """

    files: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    bytes: int


class MoveAside(Change):
    """Move the content of a declared cache, not the folder itself, to `filesystem.aside`.

    Attributes:
        moved_key: with the cache's path, names what was moved, for `MoveBack`; the change's own key when left empty.
    """

    filesystem: Filesystem
    cache: AbsolutePath
    moved_key: str = ""


class MovedAside(Model):
    """Where the content of a cache is now.

    Attributes:
        path: the folder with it.
        bytes: what it takes.
    """

    path: str
    bytes: int


class MoveBack(Change):
    """Bring back what `MoveAside` moved.

    Attributes:
        moved_key: the same as there.
    """

    filesystem: Filesystem
    cache: AbsolutePath
    moved_key: str


class MovedBack(Model):
    """What came back.

    Attributes:
        kept: paths in the cache, at most 100, that hold something newer; the old content stays aside for them.
    """

    kept: tuple[str, ...] = ()


class FilesystemActivities:
    """Reads file systems and makes room in them."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    @reads(
        "read {mount} on {place}",
        timeout=timedelta(minutes=5),
        within=timedelta(minutes=15),
        heartbeat=timedelta(seconds=10),
    )
    def read_filesystem(self, filesystem: Filesystem) -> FilesystemState:
        """Read how full it is, what could be packed or moved, and what grows, which takes a few seconds.

        Raises:
            GiveUpError: it is not there.
            NotAllowedError: sudo refuses ``sh``.
            TryAgainError: the host does not answer.
        """
        argv = (filesystem.mount, filesystem.aside or "", str(_PAUSE), str(len(filesystem.logs)))
        with attended() as beat:
            ran = self._run(filesystem, _READ, (*argv, *filesystem.logs, *filesystem.caches), beat, within=_READ_TIME)
        return filesystem_state(filesystem, ran.out)

    @changes("pack {count} rotated logs on {filesystem.place}", timeout=_TRY, within=_WITHIN)
    def compress_logs(self, change: CompressLogs) -> LogsChanged:
        """Pack rotated logs, the smallest first; an original goes only when its packed copy was read back.

        What is gone, open, linked elsewhere or not where it was declared is skipped.

        Raises:
            GiveUpError: a path is not in a declared folder of logs, or no name of a rotated log; nothing was packed.
            TryAgainError: the connection was lost.
        """
        with attended() as beat:
            return self._logs(change.filesystem, _COMPRESS, change.files, beat)

    @changes("unpack {count} rotated logs on {filesystem.place}", timeout=_TRY, within=_WITHIN)
    def restore_logs(self, change: RestoreLogs) -> LogsChanged:
        """Unpack logs with the mode and times they had; what was never packed stays as it is.

        Raises:
            GiveUpError: a path is not in a declared folder of logs, or there is no room.
            TryAgainError: the connection was lost.
        """
        with attended() as beat:
            return self._logs(change.filesystem, _RESTORE, change.files, beat)

    @changes("move {cache} on {filesystem.place} aside", timeout=_TRY, within=_WITHIN)
    def move_aside(self, change: MoveAside) -> MovedAside:
        """Move a cache's content to another file system; it leaves this one when its copy was compared.

        Raises:
            GiveUpError: it is no declared cache, there is no room, or it cannot be copied; nothing was moved.
            TryAgainError: the connection was lost.
        """
        words = _cache_words(change.filesystem, change.cache, change.moved_key or change.key)
        with attended() as beat:
            ran = self._run(change.filesystem, _ASIDE, words, beat)
        _, kilobytes, path = ran.out.strip().split("\t", 2)
        return MovedAside(path=path, bytes=int(kilobytes) * 1024)

    @changes("move {cache} on {filesystem.place} back", timeout=_TRY, within=_WITHIN)
    def move_back(self, change: MoveBack) -> MovedBack:
        """Bring a cache's content back; nothing happens if it was never moved. What is newer in the cache stays.

        Raises:
            GiveUpError: it is no declared cache, or there is no room.
            TryAgainError: the connection was lost.
        """
        words = _cache_words(change.filesystem, change.cache, change.moved_key)
        with attended() as beat:
            ran = self._run(change.filesystem, _BACK, words, beat)
        return MovedBack(kept=tuple(ran.out.splitlines()))

    def _logs(self, filesystem: Filesystem, text: str, files: tuple[str, ...], beat: Beat) -> LogsChanged:
        rows = [f"{index}\t{_folder(filesystem, file)}\t{file}\n" for index, file in enumerate(files)]
        ran = self._run(filesystem, text, (filesystem.mount,), beat, stdin="".join(rows).encode())
        lines = [line.split("\t") for line in ran.out.splitlines()]
        done = {int(index): int(size) for word, size, index in lines if word == "done"}
        if failed := [f"{files[int(index)]!r}: {reason}" for word, reason, index in lines if word == "failed"]:
            raise GiveUpError(
                f"{len(failed)} logs on host {filesystem.place!r} were left packed: {'; '.join(failed)[:2000]}"
            )
        skipped = {int(index): reason for word, reason, index in lines if word == "skipped"}
        return LogsChanged(
            files=tuple(file for index, file in enumerate(files) if index in done),
            skipped=tuple(Skipped(path=files[index], reason=reason) for index, reason in sorted(skipped.items())),
            bytes=sum(done.values()),
        )

    def _run(
        self,
        filesystem: Filesystem,
        text: str,
        words: tuple[str, ...],
        beat: Beat,
        *,
        stdin: bytes | None = None,
        within: timedelta = _CHANGE_TIME,
    ) -> Ran:
        shell = self._connections.shell(filesystem.host)
        ran = shell.run(("sh", "-c", text, "selfheal", *words), timeout=within, stdin=stdin, beat=beat)
        if ran.code == 0:
            return ran
        where = f"{filesystem.mount!r} on host {filesystem.place!r}"
        if ran.code == _REFUSED:
            raise GiveUpError(f"nothing was changed on {where}: {ran.complaint}")
        raise TryAgainError(f"the script for {where} ended with {ran.code}: {ran.complaint}")


def _folder(filesystem: Filesystem, file: str) -> str:
    """The declared folder of logs that a file lies in.

    Raises:
        GiveUpError: there is none, or the file has no name of a rotated log.
    """
    if not rotated(file):
        raise GiveUpError(f"{file!r} is not named like a rotated log (x.log.1, x.log-20260101): leave it out")
    for folder in filesystem.logs:
        if file.startswith(f"{folder}/"):
            return folder
    raise GiveUpError(f"{file!r} is in none of the logs of {filesystem.mount!r}: declare its folder, or leave it out")


def _cache_words(filesystem: Filesystem, cache: str, moved_key: str) -> tuple[str, ...]:
    """What the scripts for caches are told.

    Raises:
        GiveUpError: the cache was not declared, or what is to be moved has no name.
    """
    if cache not in filesystem.caches or filesystem.aside is None:
        raise GiveUpError(f"{cache!r} is no cache of {filesystem.mount!r}: declare it in caches, with aside")
    if not moved_key:
        raise GiveUpError(f"moving {cache!r} needs a key: run it by the engine's `do`, or set moved_key")
    name = hashlib.sha256(f"{cache}\n{moved_key}".encode()).hexdigest()[:32]
    return (filesystem.mount, cache, filesystem.aside, name)
