"""A real health endpoint that a test makes sick and that a command cures."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from pathlib import Path
from typing import Any


class Endpoint:
    """It answers 500 while the file ``sick`` is in its folder, or for the next few probes; else 200.

    Attributes:
        probes: the path and whether it was well, for each probe so far.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.probes: list[tuple[str, bool]] = []
        self._failing: Counter[str] = Counter()
        self._lock = threading.Lock()

    def fail_next(self, count: int, path: str = "/healthz") -> None:
        """Fail so many probes of a path, and no more."""
        with self._lock:
            self._failing[path] = count

    def fall_sick(self) -> None:
        """Fail until it is restarted."""
        (self.folder / "sick").touch()

    def answer(self, path: str) -> int:
        """The status of one probe."""
        with self._lock:
            well = not self._failing[path] and not (self.folder / "sick").exists()
            self._failing[path] = max(0, self._failing[path] - 1)
            self.probes.append((path, well))
        return 200 if well else 500

    def well_in_a_row(self, path: str = "/healthz") -> int:
        """How many of the last probes of a path were fine; none while some are still to fail."""
        with self._lock:
            fine = [well for asked, well in self.probes if asked == path]
            return 0 if self._failing[path] else len(list(takewhile(bool, reversed(fine))))

    def effects(self) -> list[str]:
        """What was done to it."""
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def declared(self, **health: object) -> dict[str, Any]:
        """The service as a policy file declares it; probed five times a second."""
        cure = 'echo restart >>"$1/log"; rm -f "$1/sick"'
        # The time limit is long, so that a busy machine does not look like a sick service.
        probe = {"port": self.port, "period": "200ms", "timeout": "20s", "failure_threshold": 3} | health
        return {
            "name": self.folder.name,
            "health": probe,
            "commands": {"restart": ["sh", "-c", cure, "sh", str(self.folder)]},
        }


@contextmanager
def endpoint(folder: Path) -> Iterator[Endpoint]:
    """An endpoint that serves."""
    folder.mkdir(parents=True)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(served.answer(self.path))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Endpoint(folder, server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
