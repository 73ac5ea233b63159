"""The folder in which the embedded server keeps its database and log, for one server at a time."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from worker.embedded.errors import EmbeddedServerError
from worker.embedded.locks import try_lock

_PATIENCE = 3.0  # seconds; the server of a process that was just killed may need a moment to be gone
_LOG_LIMIT = 10_000_000  # bytes; a larger log is set aside at start


class StateFolder:
    """The state folder: `temporal.db`, `temporal.log` and the lock."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.database = self.path / "temporal.db"
        self.log = self.path / "temporal.log"

    @contextlib.asynccontextmanager
    async def claimed(self) -> AsyncIterator[int]:
        """Make the folder and hold its lock.

        Yields:
            The lock's descriptor: a server that inherits it holds the folder for as long as it lives.

        Raises:
            EmbeddedServerError: It cannot be written to, or another server uses it.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = (self.path / "lock").open("a+")
        except OSError as error:
            raise self._unusable(error) from error
        with file:
            await self._lock(file)
            yield file.fileno()

    async def _lock(self, file: IO[str]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                while not try_lock(file):  # noqa: ASYNC110 - the kernel has no asynchronous lock
                    await asyncio.sleep(0.05)
        except TimeoutError:
            file.seek(0)
            raise EmbeddedServerError(
                f"The state folder {self.path} is in use by the Temporal server that process {file.read() or '?'} "
                "started. Stop that one, or choose another folder with --state-dir or SELFHEAL_STATE_DIR."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()

    def open_log(self) -> IO[bytes]:
        """The log to append to; one that has grown large is kept as `temporal.log.1`.

        Raises:
            EmbeddedServerError: It cannot be written to.
        """
        try:
            if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))
            return self.log.open("ab")
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> EmbeddedServerError:
        return EmbeddedServerError(
            f"The state folder {self.path} cannot be used: {error.strerror} ({error.filename}). "
            "Choose another with --state-dir or SELFHEAL_STATE_DIR."
        )

    def end_of_log(self) -> str:
        """The log's last lines, for an error."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(f"  {line[:500]}" for line in lines[-5:])
