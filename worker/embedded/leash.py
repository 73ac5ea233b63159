"""Run a program that dies with the process that started it, even when that one is killed with -9.

Linux sends a process the signal of its choice when its parent dies (prctl(2), PR_SET_PDEATHSIG), and the
choice survives exec. It is made here, in a process of its own between fork and exec, and not in a
`preexec_fn`, which may deadlock in a process with threads, as every process with a Temporal client is.
The kernel means the parent's *thread*: start programs from a thread that lives as long as they shall,
such as the one of the event loop. Elsewhere than on Linux the program outlives a killed parent.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def leashed(command: Sequence[str | os.PathLike[str]]) -> list[str]:
    """The command that runs `command` on a leash held by this process; the process id stays the same."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *(os.fspath(part) for part in command)]


def _run(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        # SIGKILL: the database is safe without a farewell, and the ports are free at once for the next start.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:  # else it died before the leash was on
        os.execvp(command[0], command)  # noqa: S606 - there is no shell because none is wanted


if __name__ == "__main__":
    try:
        _run(int(sys.argv[1]), sys.argv[2:])
    except OSError as error:
        sys.exit(f"{sys.argv[2]}: {error.strerror}")
