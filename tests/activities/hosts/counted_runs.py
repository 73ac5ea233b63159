"""Commands whose runs can be counted, and the marks they leave."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from models.host import Host

KEY = "ServiceUnhealthy:service:web1/web:20260131T120000.000/1"


def appends(log: Path, then: str = "true") -> list[str]:
    """A command whose every run can be counted."""
    return ["sh", "-c", f'echo "$$" >>"$1"; {then}', "sh", str(log)]


def mark_of(host: Host, key: str = KEY) -> Path:
    """The folder of the mark."""
    return Path(host.marks) / hashlib.sha256(key.encode()).hexdigest()


def lines(log: Path) -> int:
    """How often it was run."""
    return len(log.read_text().splitlines()) if log.exists() else 0


def when(condition: Callable[[], bool], beat: Callable[[], None]) -> Callable[[], None]:
    """A beat that does nothing until something is so."""
    return lambda: beat() if condition() else None
