"""Changes made by a command: at most once for each key, whatever dies meanwhile.

An activity may run twice: its worker is killed, or the connection is cut, after the command had its effect and before
Temporal learnt of it. So the command is not run by the activity. It is run by a small supervisor on the host, in a
session of its own, which first claims a mark named by the key:

    MARKS/<sha256 of the key>/
        claim     who runs it: process id, its time of birth, the machine's boot; made by link(2), so by one only
        note      when, the key and the command, for people
        out, err  what it said
        asked     why it is to end early: cancelled, timeout
        result    its exit code and how it ended; renamed into place, so whole or absent

Whoever comes first begins it, and everyone waits for the result. A claim without a result whose supervisor is gone
(the machine was rebooted, somebody killed it) means that nobody knows what was done, and nobody does it again.

The scripts need a POSIX shell and the usual tools, of GNU or busybox, with ``setsid`` and Linux's ``/proc``.
"""

import hashlib
import math
import shlex
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from temporalio.exceptions import CancelledError

from activities.hosts.scripts import script
from activities.hosts.shell import Beat, Ran, Shell, as_root, behind_sudo, calm, quiet, runnable, shown
from models.errors import GiveUpError, SelfhealError, UnknownEffectError
from models.host import Host

COMMAND_TIME = timedelta(minutes=4)
"""How long a change made by a command may take: less than one try of its activity."""

_ONCE = script("mark", "once")
_STOP = script("mark", "stop")
_SUPERVISE = script("supervise")
_MARGIN = timedelta(seconds=20)


def run_once(
    shell: Shell, host: Host, key: str, argv: Sequence[str], *, timeout: timedelta = COMMAND_TIME, beat: Beat = quiet
) -> Ran:
    """Run a command on a host unless it was begun with this key before; either way answer how it ended.

    Args:
        shell: the way to the host.
        host: the host, for its marks and its `become`; only the command itself runs as root.
        key: names this one step of one execution.
        argv: the command.
        timeout: counted from when it began; after that it is ended, also if nobody waits for it any more.
        beat: called about once a second. A CancelledError from it ends the command; any other error leaves it to the
            next try.

    Raises:
        UnknownEffectError: it was begun and did not come to its end; it is not run again with this key.
        TryAgainError: the connection was lost; the command goes on.
        GiveUpError: the host cannot keep the mark, or it was cancelled before it began, so nothing was run.
        NotAllowedError: sudo refuses the command, so nothing was run.
    """
    if not key:
        raise GiveUpError(f"{shown(argv)!r} is a change without a key: run it by the engine's `do`, which gives it one")
    words = as_root(host, runnable(argv))
    mark = hashlib.sha256(key.encode()).hexdigest()
    note = f"{key} {shlex.join(words)}".replace("\n", "\\n")
    limit = str(math.ceil(timeout.total_seconds()))
    become = "sudo" if host.become else ""
    try:
        ran = shell.run(
            ("sh", "-c", _ONCE, "selfheal", _SUPERVISE, host.marks, mark, limit, note, become, *words),
            timeout=timeout + _MARGIN,
            beat=beat,
            become=False,
        )
    except CancelledError:
        _stop(shell, host, mark, argv, calm(beat))
        raise
    ended = _read(ran, host, mark, argv, timeout)
    return behind_sudo(host, argv, ended) if host.become else ended


def _read(ran: Ran, host: Host, mark: str, argv: Sequence[str], timeout: timedelta) -> Ran:
    """The command's own result, from what the script printed."""
    out, _, last = ran.out.removesuffix("\n").rpartition("\n")
    code, _, how = last.partition(" ")
    where = f"{host.marks}/{mark} on host {host.name!r}"
    if how == "done":
        return Ran(code=int(code), out=out, err=ran.err)
    if last == "unmarked" or not ran.out:
        raise GiveUpError(
            f"{shown(argv)!r} was not run, as no mark can be kept in {where}: {ran.complaint}. "
            "Make room or give permission there, or set marks of the host to a folder that can be written to"
        )
    if how == "unbegun":
        raise GiveUpError(f"{shown(argv)!r} was cancelled before it began: nothing was run; its mark is {where}")
    reason = {
        "timeout": f"did not end within {timeout.total_seconds():g}s and was ended",
        "cancelled": "was cancelled and ended",
    }.get(how, "was begun, and what ran it is gone: the host was rebooted, or it was killed")
    raise UnknownEffectError(
        f"{shown(argv)!r} {reason}. Nobody runs it again: look on the host how far it came; its mark is {where}"
    )


def _stop(shell: Shell, host: Host, mark: str, argv: Sequence[str], beat: Beat) -> None:
    """End a command that somebody cancelled."""
    ended = ""
    with suppress(SelfhealError):
        stop = ("sh", "-c", _STOP, "selfheal", host.marks, mark)
        ended = shell.run(stop, timeout=_MARGIN, beat=beat, become=False).out.strip()
    if ended not in ("stopped", "nothing"):
        raise UnknownEffectError(
            f"{shown(argv)!r} on host {host.name!r} was cancelled but could not be ended: "
            f"end it there; its mark is {host.marks}/{mark}"
        )
