"""What a test sees of processes, and a thread whose end it can wait for."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from tests.services.waiting import until

T = TypeVar("T")


def running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def written(file: Path) -> str:
    """What the file holds, as soon as it holds something that ends with a line."""
    return until(lambda: _whole(file)).strip()


def _whole(file: Path) -> str:
    text = file.read_text() if file.exists() else ""
    return text if text.endswith("\n") else ""


def in_thread(call: Callable[[], T]) -> Future[T]:
    """Run it beside the test."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again in the test
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future
