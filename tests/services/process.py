"""A server process: started, waited for until it is ready, stopped; killed with the test process if that dies."""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from worker.embedded.leash import leashed


class ServerProcess:
    """One run of a server; make another object for another run.

    Args:
        command: The program and its arguments.
        log: Where its output goes.
        ready: Whether it serves; asked again and again.
        within: Seconds until it must be ready.
        env: Its environment; by default ours.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        ready: Callable[[], bool],
        within: float = 60,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                leashed(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                start_new_session=True,
            )
        try:
            self._until(ready, within, command)
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id, also when it is over."""
        return self._process.pid

    def stop(self) -> None:
        """Ask it to stop, and kill it if it takes longer than ten seconds; nothing happens the second time."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def _until(self, ready: Callable[[], bool], within: float, command: Sequence[str | Path]) -> None:
        deadline = time.monotonic() + within
        while not ready():
            ended = self._process.poll()
            if ended is not None or time.monotonic() > deadline:
                fact = f"not ready after {within} seconds" if ended is None else f"ended with {ended}"
                raise RuntimeError(f"{command[0]} {fact}; its log ends with:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether the address answers a GET with success."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - always http, of a server of ours
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
