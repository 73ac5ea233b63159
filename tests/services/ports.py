"""Free ports that stay free: for other test processes on this machine too, and until the process ends."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import IO

_RANGE = range(20000, 32000)  # below the kernel's range for outgoing connections, which could take one at any time
_reserved: list[IO[str]] = []  # open, and so locked, until this process ends


def free_port() -> int:
    """A TCP port on which nothing listens, and that no other call will give while this process lives."""
    folder = Path(tempfile.gettempdir(), f"selfheal-ports-{os.getuid()}")
    folder.mkdir(exist_ok=True)
    for port in random.sample(_RANGE, len(_RANGE)):
        lock = (folder / str(port)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:  # reserved, or in use by something else
            lock.close()
            continue
        _reserved.append(lock)
        return port
    raise RuntimeError(f"no port of {_RANGE} is free: stop what listens there")


def listening(port: int) -> bool:
    """Whether something takes connections on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
