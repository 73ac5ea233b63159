"""The command line as people and programs run it: in a process of its own, on a terminal or in a pipe."""

import asyncio
import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.services.waiting import eventually

PROGRAM = Path(sys.executable).with_name("selfheal")


@dataclass(frozen=True)
class Ended:
    """A command that is over."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the command prints
        """What it printed on stdout, which must be JSON and nothing else."""
        return json.loads(self.out)


class Selfheal:
    """Runs `selfheal` against one Temporal server, with nothing of the surrounding configuration.

    Args:
        folder: where it is run.
        env: variables beside the inherited ones.
        program: what is run, if not `selfheal`.
    """

    def __init__(self, folder: Path, env: Mapping[str, str], program: Path = PROGRAM) -> None:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SELFHEAL_", "TEMPORAL_", "_SELFHEAL", "COLUMNS", "NO_COLOR", "FORCE_COLOR"))
        }
        self.folder = folder
        self.program = program
        self.env = {**inherited, **env}

    async def __call__(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Ended:
        """Run it in a pipe to its end."""
        process = await asyncio.create_subprocess_exec(
            self.program,
            *arguments,
            cwd=self.folder,
            env={**self.env, **(env or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Ended(process.returncode or 0, out.decode(), err.decode())

    def terminal(self, *arguments: str | Path, env: Mapping[str, str] | None = None, columns: int = 200) -> "Terminal":
        """Run it on a terminal, as an asynchronous context."""
        return Terminal([str(self.program), *map(str, arguments)], self.folder, {**self.env, **(env or {})}, columns)


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, command: list[str], folder: Path, env: Mapping[str, str], columns: int) -> None:
        self._command = command
        self._folder = folder
        self._env = {**env, "TERM": "xterm-256color"}
        self._columns = columns
        self._seen = bytearray()

    async def __aenter__(self) -> Self:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 60, self._columns, 0, 0))
        self._process = await asyncio.create_subprocess_exec(
            *self._command, cwd=self._folder, env=self._env, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)

    @property
    def screen(self) -> str:
        """All that was printed, with the codes that steer a terminal."""
        return self._seen.decode(errors="replace")

    async def sees(self, text: str) -> None:
        """Wait until this was printed."""

        async def printed() -> bool:
            return text in self.screen

        await eventually(printed)

    def types(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    async def ended(self) -> int:
        """Wait for its exit code."""
        return await self._process.wait()

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the command closed its end
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
        self._seen += data
