"""What a shell is, whether it is on this machine or behind SSH, and what both ways have in common."""

import re
import shlex
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from temporalio.exceptions import CancelledError

from models.errors import GiveUpError, NotAllowedError, SelfhealError, TryAgainError
from models.host import Host
from models.model import Model

KEPT = 64 * 1024
"""Bytes of each output that are kept: the last ones, where a command says why it failed."""

BEAT = 1.0
"""Seconds between two beats while a command runs."""

DRAIN = 0.5
"""Seconds that output is still read once a command has ended: what it left running may hold it open for ever."""

GRACE = 2.0
"""Seconds between asking processes to end and killing them."""

Beat = Callable[[], None]
"""Called about once a second while something is waited for. What it raises ends the wait."""

NOT_FOUND = 127
"""Exit code for a program that is not there, as shells have it."""

_SUDO_REFUSES = re.compile(
    r"^sudo: (a password is required|a terminal is required|sorry, you must have a tty|no tty present)"
    r"|^Sorry, user |is not in the sudoers file|may not run sudo|is not allowed to run sudo",
    re.MULTILINE,
)
"""What sudo 1.8 and 1.9 say when they do not run a command; a mere ``sudo: unable to resolve host`` is none of it."""

_SUDO_FINDS_NOTHING = re.compile(r"^sudo: .*: command not found$", re.MULTILINE)
_SUDO_IS_MISSING = re.compile(r"\bsudo: (not found|command not found|No such file)", re.MULTILINE)
_SHOWN = 200
_ARGUMENT_SHOWN = 80


class Ran(Model):
    """How a command ended.

    Attributes:
        code: its exit code; 128 and the signal's number if a signal ended it; 127 if there is no such command.
        out: the last 64 KiB of its output.
        err: likewise of its error output.
    """

    code: int
    out: str = ""
    err: str = ""

    @property
    def complaint(self) -> str:
        """The end of what it said, for an error's text."""
        return (self.err.strip() or self.out.strip() or "it said nothing")[-_SHOWN * 4 :]


class Shell(Protocol):
    """Runs commands on one host."""

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: timedelta,
        stdin: bytes | None = None,
        beat: Beat = ...,
        become: bool = True,
    ) -> Ran:
        """Run an argument list and wait for its end. No word of it is ever read by a shell.

        Args:
            argv: the program and its arguments.
            timeout: after this the command and all it started are ended.
            stdin: its input; none means empty.
            beat: called about once a second; what it raises ends the command.
            become: whether the host's own `become` counts; False means as the user who logs in.

        Raises:
            TryAgainError: the host cannot be reached, the connection was lost, or the time is up.
            NotAllowedError: sudo refuses.
            GiveUpError: the host cannot be trusted, or does not trust us, or `argv` cannot be run anywhere.
        """
        ...


def quiet() -> None:
    """A beat for where nobody listens."""


def calm(beat: Beat) -> Beat:
    """The same beat without what it raises, for ending things once it has raised: the activity still lives."""

    def beats() -> None:
        with suppress(CancelledError, SelfhealError):
            beat()

    return beats


class Tail:
    """The end of an output of any length."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._bytes = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Add what came."""
        self._bytes += chunk
        if len(self._bytes) > 2 * self._kept:
            del self._bytes[: -self._kept]

    @property
    def text(self) -> str:
        """What was kept; bytes that are not UTF-8 become U+FFFD."""
        return bytes(self._bytes[-self._kept :]).decode(errors="replace")


def as_root(host: Host, argv: Sequence[str]) -> tuple[str, ...]:
    """The argument list behind ``sudo -n`` where the host wants it; sudo never asks, it refuses."""
    return ("sudo", "-n", "--", *argv) if host.become else tuple(argv)


def runnable(argv: Sequence[str]) -> tuple[str, ...]:
    """The same argument list.

    Raises:
        GiveUpError: no program can be given these arguments.
    """
    if not argv:
        raise GiveUpError("an empty argument list runs nothing: name a program")
    for argument in argv:
        if "\0" in argument:
            raise GiveUpError(f"{argument!r} holds a NUL, which no program can be given: take it out")
    return tuple(argv)


def shown(argv: Sequence[str]) -> str:
    """An argument list as people read it, shortened."""
    short = (f"{argument[:_ARGUMENT_SHOWN]}…" if len(argument) > _ARGUMENT_SHOWN else argument for argument in argv)
    text = shlex.join(short).replace("\n", "\\n")
    return f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text


def expected(host: Host, argv: Sequence[str], ran: Ran, codes: Collection[int] = (0,)) -> Ran:
    """The same result, if its exit code is one of these.

    Raises:
        GiveUpError: it is not.
    """
    if ran.code in codes:
        return ran
    raise GiveUpError(
        f"{shown(argv)!r} on host {host.name!r} ended with {ran.code}: {ran.complaint}. Run it there by hand to see why"
    )


def overdue(host: Host, argv: Sequence[str], timeout: timedelta) -> TryAgainError:
    """The error for a command that did not end in time."""
    return TryAgainError(
        f"{shown(argv)!r} on host {host.name!r} did not end within {timeout.total_seconds():g}s and was ended: "
        "see there what it waits for"
    )


def behind_sudo(host: Host, argv: Sequence[str], ran: Ran) -> Ran:
    """How a command ended that sudo was to run: as if there were no sudo, unless sudo itself refused.

    Args:
        host: where it ran.
        argv: the command without sudo.
        ran: how sudo ended.

    Raises:
        NotAllowedError: sudo refuses, or there is none.
    """
    if ran.code == NOT_FOUND and _SUDO_IS_MISSING.search(ran.err):
        raise NotAllowedError(
            f"host {host.name!r} has no sudo to run {shown(argv)!r}: install it, or set become of the host to false"
        )
    if ran.code == 1 and _SUDO_REFUSES.search(ran.err):
        user = host.user or "the worker's user"
        raise NotAllowedError(
            f"sudo on host {host.name!r} refuses {shown(argv)!r} ({ran.err.strip()[-_SHOWN:]}): "
            f"allow {user!r} this command with NOPASSWD in /etc/sudoers.d, or set become of the host to false"
        )
    if ran.code == 1 and _SUDO_FINDS_NOTHING.search(ran.err):
        return ran.model_copy(update={"code": NOT_FOUND})
    return ran
