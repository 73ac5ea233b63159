"""The connections to all hosts: opened when first needed, shared by all threads, replaced when they die."""

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

import paramiko

from activities.hosts.login import alive, log_in
from activities.hosts.shell import BEAT, Beat
from models.errors import GiveUpError
from models.host import Host

T = TypeVar("T")

_COMMANDS = 8
"""Commands at a time on one connection; OpenSSH's sshd takes 10 (MaxSessions), and some of them may be ending."""

_Login = tuple[str | None, int, str | None, str | None, str | None]


class Line:
    """One connection, perhaps still being opened, and how many commands use it."""

    def __init__(self, login: _Login, client: Future[paramiko.SSHClient]) -> None:
        self.login = login
        self.client = client
        self.busy = 0

    @property
    def usable(self) -> bool:
        """Whether it is being opened, or is open."""
        return not self.client.done() or (self.client.exception() is None and alive(self.client.result()))

    def close(self) -> None:
        """Hang up, now or as soon as it is open."""
        self.client.add_done_callback(_hang_up)


class Lines:
    """All connections of this process, by how one logs in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[_Login, list[Line]] = {}
        self._closed = False

    def take(self, host: Host, beat: Beat, *, fresh: bool = False) -> Line:
        """A connection with room for one more command; give it back afterwards.

        Args:
            host: whom to reach.
            beat: called about once a second while it is being opened.
            fresh: open a new one.

        Raises:
            TryAgainError: nobody answers, or not in time.
            GiveUpError: one side does not trust the other, or the worker stops.
        """
        login = (host.address, host.port, host.user, host.key, host.known_hosts)
        with self._lock:
            if self._closed:
                raise GiveUpError(f"host {host.name!r} is not asked any more: the worker's connections are closed")
            lines = self._lines.setdefault(login, [])
            lines[:] = [line for line in lines if line.usable or line.busy]
            free = [line for line in lines if line.usable and line.busy < _COMMANDS]
            if fresh or not free:
                # A thread of its own: opening may take longer than a heartbeat may be late.
                line = Line(login, in_background(lambda: log_in(host)))
                lines.append(line)
            else:
                line = free[0]
            line.busy += 1
        try:
            patiently(line.client, beat)
        except BaseException:
            self.give_back(line)
            raise
        return line

    def give_back(self, line: Line) -> None:
        """End the use of a connection. It stays open for the next command if it is the only one."""
        with self._lock:
            line.busy -= 1
            lines = self._lines.get(line.login, [])
            if line.busy or not line.client.done():
                return
            spare = any(other is not line and other.usable for other in lines)
            if spare or self._closed or not line.usable:
                if line in lines:
                    lines.remove(line)
                line.close()

    def close(self) -> None:
        """Hang up on everyone; commands that run there lose their connection."""
        with self._lock:
            self._closed = True
            lines = [line for lines in self._lines.values() for line in lines]
            self._lines.clear()
        for line in lines:
            line.close()


def in_background(call: Callable[[], T]) -> Future[T]:
    """Start a call that may block, in a thread that does not keep the process alive."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for it
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=work, name="selfheal-ssh", daemon=True).start()
    return future


def patiently(future: Future[T], beat: Beat, deadline: float = math.inf) -> T:
    """Wait for a result, with a beat about each second; what the beat raises ends the wait, not the call.

    Args:
        future: the call.
        beat: called about once a second.
        deadline: until when to wait, by `time.monotonic`.

    Raises:
        TimeoutError: there is no result until then.
    """
    while True:
        try:
            return future.result(timeout=max(0.0, min(BEAT, deadline - time.monotonic())))
        except TimeoutError:
            if future.done() or time.monotonic() >= deadline:
                raise
            beat()


def _hang_up(client: Future[paramiko.SSHClient]) -> None:
    if client.exception() is None:
        with suppress(OSError, EOFError):
            client.result().close()
