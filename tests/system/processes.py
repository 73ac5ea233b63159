"""A `selfheal` process as a person or systemd starts it: it can be asked to stop, and killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.services.waiting import eventually
from worker.embedded.leash import leashed

SELFHEAL = Path(sys.executable).with_name("selfheal")


class Process:
    """One run of a command. It dies with the tests, whatever ends them.

    Args:
        arguments: of ``selfheal``.
        log: where its output goes; that of this run is `said`.
        env: its whole environment.
    """

    def __init__(self, arguments: Sequence[str], *, log: Path, env: Mapping[str, str]) -> None:
        self._log = log
        self._begin = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                leashed([SELFHEAL, *arguments]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def said(self) -> str:
        """What it has said so far, on stdout and stderr."""
        return self._log.read_bytes()[self._begin :].decode(errors="replace")

    def terminate(self) -> None:
        """Ask it to stop."""
        self._process.terminate()

    def kill(self) -> None:
        """End it with -9, and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    async def ended(self, within: float = 40) -> int:
        """Its exit code, once it has ended by itself."""

        async def over() -> bool:
            return not self.running

        await eventually(over, within)
        return self._process.returncode

    async def stop(self) -> None:
        """Ask it to stop and wait for that; kill it if it does not."""
        if self.running:
            self.terminate()
        try:
            await self.ended()
        finally:
            if self.running:
                self.kill()


def children(parent: int, name: str) -> list[int]:
    """The processes of this name that a process started and that still run; from proc(5)'s stat."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            before, _, after = stat.read_text().rpartition(")")
        except OSError:  # gone meanwhile
            continue
        pid, _, command = before.partition(" (")
        state, of = after.split()[:2]
        if int(of) == parent and command == name and state != "Z":
            found.append(int(pid))
    return found


def kill(pid: int) -> None:
    """End a process that a test started indirectly, with -9."""
    os.kill(pid, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead but not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
