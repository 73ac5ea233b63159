"""A machine behind SSH. Arguments pass its login shell quoted by `shlex.join`, and nothing else is ever put there."""

import re
import select
import shlex
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import timedelta

import paramiko

from activities.hosts.lines import Line, Lines, in_background, patiently
from activities.hosts.scripts import script
from activities.hosts.shell import (
    BEAT,
    DRAIN,
    GRACE,
    Beat,
    Ran,
    Tail,
    as_root,
    behind_sudo,
    calm,
    overdue,
    quiet,
    runnable,
    shown,
)
from models.errors import SelfhealError, TryAgainError
from models.host import Host

_SESSION = script("session")
_END = script("end")
_GREETING = re.compile(rb"(?:^|\n)selfheal ([0-9]+)\n")
_TICK = 0.1
_CHUNK = 65536
_NO_STATUS = -1


class SshShell:
    """Runs commands on a host over connections that it shares."""

    def __init__(self, host: Host, lines: Lines) -> None:
        self._host = host
        self._lines = lines

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
        deadline = time.monotonic() + timeout.total_seconds()
        with self._channel(beat) as channel:
            command = shlex.join(("sh", "-c", _SESSION, "selfheal", *words))
            session = _Session(channel)
            try:
                # exec_command waits for the host's answer with no time limit of its own.
                patiently(in_background(lambda: channel.exec_command(command)), beat, deadline)
                ended = session.attend(stdin or b"", deadline, beat)
            except (paramiko.SSHException, OSError, EOFError) as error:
                # Whether it broke or fell silent, nobody else should be given this connection.
                channel.get_transport().close()
                raise self._lost(argv) from error
            except BaseException:
                self._end(session, beat)
                raise
            if not ended:
                self._end(session, beat)
                raise overdue(self._host, argv, timeout)
            code = channel.recv_exit_status()
            if code == _NO_STATUS:
                raise self._lost(argv)
            ran = Ran(code=code, out=session.out.text, err=session.err.text)
        return behind_sudo(self._host, argv, ran) if sudo else ran

    @contextmanager
    def _channel(self, beat: Beat) -> Iterator[paramiko.Channel]:
        """A channel on a connection that stands: one that died unnoticed is replaced, as nothing ran there yet."""
        try:
            line, channel = self._opened(beat, fresh=False)
        except (paramiko.SSHException, OSError, EOFError):
            try:
                line, channel = self._opened(beat, fresh=True)
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise TryAgainError(
                    f"host {self._host.name!r} lets us in but opens no session ({error}): see the log of its sshd"
                ) from error
        try:
            yield channel
        finally:
            channel.close()
            self._lines.give_back(line)

    def _opened(self, beat: Beat, *, fresh: bool) -> tuple[Line, paramiko.Channel]:
        line = self._lines.take(self._host, beat, fresh=fresh)
        opening = in_background(lambda: _session_on(line, self._host.connect_timeout))
        try:
            return line, patiently(opening, beat)
        except BaseException:
            opening.add_done_callback(_leave)
            self._lines.give_back(line)
            raise

    def _lost(self, argv: Sequence[str]) -> TryAgainError:
        return TryAgainError(
            f"the connection to host {self._host.name!r} was lost while {shown(argv)!r} ran: see whether the host is up"
        )

    def _end(self, session: "_Session", beat: Beat) -> None:
        """End what runs there, as closing a channel alone ends nothing."""
        # A slow login may not even have begun it; nothing must begin once we said that it was ended.
        group = session.greeted(time.monotonic() + self._host.connect_timeout.total_seconds(), calm(beat))
        if group is None:
            return
        sudo = as_root(self._host, ())
        with suppress(SelfhealError):  # the reason for ending it is what gets told
            self.run(
                ("sh", "-c", _END, "selfheal", str(group), *sudo),
                timeout=timedelta(seconds=5 * GRACE),
                beat=calm(beat),
                become=False,
            )


def _session_on(line: Line, within: timedelta) -> paramiko.Channel:
    transport = line.client.result().get_transport()
    if transport is None:
        raise EOFError("the connection is closed")
    return transport.open_session(timeout=within.total_seconds())


def _leave(opening: Future[paramiko.Channel]) -> None:
    """Close a channel that nobody waits for any more: sshd counts it."""
    if opening.exception() is None:
        opening.result().close()


class _Session:
    """What came of one command so far."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._greeting: bytes | None = b""
        self._group: int | None = None
        self.out = Tail()
        self.err = Tail()

    def attend(self, stdin: bytes, deadline: float, beat: Beat) -> bool:
        """Feed and read until the command ends; False if it does not until then."""
        channel = self._channel
        waiting = select.poll()
        waiting.register(channel.fileno(), select.POLLIN)
        next_beat = time.monotonic() + BEAT
        ended: float | None = None
        if not stdin:
            channel.shutdown_write()
        while True:
            moved = self._read()
            if stdin and channel.send_ready():
                with suppress(OSError):  # it does not want to read more
                    stdin = stdin[channel.send(stdin[:_CHUNK]) :]
                    moved = True
                if not stdin:
                    channel.shutdown_write()
            now = time.monotonic()
            if channel.exit_status_ready():
                ended = ended or now
                if not moved and (channel.eof_received or channel.closed or now > ended + DRAIN):
                    return True
            elif now > deadline:
                return False
            if now > next_beat:
                beat()
                next_beat = now + BEAT
            if not moved:
                self._wait(waiting, ended)

    def greeted(self, deadline: float, beat: Beat) -> int | None:
        """The process group that the command runs in, as soon as that is known; None if it never is."""
        next_beat = time.monotonic() + BEAT
        while self._group is None and not self._channel.closed and time.monotonic() < deadline:
            if time.monotonic() > next_beat:
                beat()
                next_beat = time.monotonic() + BEAT
            if not self._read():
                time.sleep(_TICK)
        return self._group

    def _wait(self, waiting: select.poll, ended: float | None) -> None:
        if self._channel.eof_received and not ended:
            self._channel.status_event.wait(_TICK)
        else:
            waiting.poll(_TICK * 1000)

    def _read(self) -> bool:
        """Take what has come; whether anything had."""
        moved = False
        while self._channel.recv_ready():
            self._hear(self._channel.recv(_CHUNK))
            moved = True
        while self._channel.recv_stderr_ready():
            self.err.feed(self._channel.recv_stderr(_CHUNK))
            moved = True
        return moved

    def _hear(self, chunk: bytes) -> None:
        """Output, from our greeting on: what the login shell's own files print before it is not the command's."""
        if self._greeting is None:
            self.out.feed(chunk)
            return
        self._greeting += chunk
        if greeted := _GREETING.search(self._greeting):
            self._group = int(greeted[1])
            self.out.feed(self._greeting[greeted.end() :])
            self._greeting = None
