"""The worker's own machine, without any shell in between."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from activities.hosts.shell import (
    BEAT,
    DRAIN,
    GRACE,
    NOT_FOUND,
    Beat,
    Ran,
    Tail,
    as_root,
    behind_sudo,
    overdue,
    quiet,
    runnable,
)
from models.errors import GiveUpError, NotAllowedError
from models.host import Host

_KEPT_VARIABLES = (
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PATH",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
)
"""What a login would have set. The rest of the worker's environment, its secrets among it, is nobody's business."""

_TICK = 0.1
_CHUNK = 65536
_SIGNALLED = 128


class LocalShell:
    """Runs commands on this machine, in the home folder as SSH does."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: timedelta,
        stdin: bytes | None = None,
        beat: Beat = quiet,
        become: bool = True,
    ) -> Ran:
        """See `Shell.run`."""
        sudo = become and self._host.become
        words = as_root(self._host, runnable(argv)) if sudo else runnable(argv)
        try:
            process = subprocess.Popen(  # noqa: S603 - an argument list that the policy's author wrote, without a shell
                words,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ} | {"LC_ALL": "C"},
                cwd=_home(),
                start_new_session=True,
            )
        except FileNotFoundError:
            missing = Ran(code=NOT_FOUND, err=f"{words[0]}: not found")
            return behind_sudo(self._host, argv, missing) if sudo else missing
        except PermissionError as error:
            raise NotAllowedError(
                f"{words[0]!r} may not be run by the worker's user: make it executable, or set become of the host"
            ) from error
        except OSError as error:
            raise GiveUpError(f"{words[0]!r} cannot be run on the worker's machine: {error}") from error
        ran = None
        try:
            ran = _attend(process, stdin or b"", timeout, beat)
        finally:
            if ran is None:
                self._end(process)
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        if ran is None:
            raise overdue(self._host, argv, timeout)
        return behind_sudo(self._host, argv, ran) if sudo else ran

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End the command and all that it started; what ignores being asked is killed."""
        self._signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        self._signal(process, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)

    def _signal(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        except PermissionError:
            # What sudo started belongs to root, so only sudo can end it.
            kill = as_root(self._host, ("kill", "-s", number.name.removeprefix("SIG"), "--", f"-{process.pid}"))
            with suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(kill, check=False, capture_output=True, timeout=GRACE)  # noqa: S603 - as above


def _home() -> Path:
    home = Path.home()
    return home if home.is_dir() else Path("/")


def _attend(process: subprocess.Popen[bytes], stdin: bytes, timeout: timedelta, beat: Beat) -> Ran | None:
    """Feed and read a process until it ends; None if it does not in time."""
    out, err = Tail(), Tail()
    deadline = time.monotonic() + timeout.total_seconds()
    next_beat = time.monotonic() + BEAT
    ended: float | None = None
    with selectors.DefaultSelector() as pipes:
        for pipe, tail in ((process.stdout, out), (process.stderr, err)):
            if pipe:
                os.set_blocking(pipe.fileno(), False)
                pipes.register(pipe, selectors.EVENT_READ, tail)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
            pipes.register(process.stdin, selectors.EVENT_WRITE)
        while True:
            now = time.monotonic()
            code = process.poll()
            if code is not None:
                ended = ended or now
                if not pipes.get_map() or now > ended + DRAIN:
                    return Ran(code=code if code >= 0 else _SIGNALLED - code, out=out.text, err=err.text)
            elif now > deadline:
                return None
            if now > next_beat:
                beat()
                next_beat = now + BEAT
            if pipes.get_map():
                stdin = _move(pipes, stdin)
            else:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_TICK)


def _move(pipes: selectors.BaseSelector, stdin: bytes) -> bytes:
    """Move what can be moved without waiting for more than a tick; answers what is left of the input."""
    for key, _ in pipes.select(_TICK):
        if isinstance(key.data, Tail):
            with suppress(BlockingIOError):
                chunk = os.read(key.fd, _CHUNK)
                key.data.feed(chunk)
                if not chunk:
                    pipes.unregister(key.fileobj)
            continue
        try:
            stdin = stdin[os.write(key.fd, stdin[:_CHUNK]) :]
        except BlockingIOError:
            continue
        except BrokenPipeError:  # it does not want to read more
            stdin = b""
        if not stdin:
            pipes.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]  # a pipe of Popen, not a number
    return stdin
