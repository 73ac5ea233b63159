"""A real health endpoint that a test makes sick and that a command cures."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
        self._failing = 0
        self._lock = threading.Lock()

    def fail_next(self, count: int) -> None:
        """Fail so many probes, and no more."""
        with self._lock:
            self._failing = count

    def fall_sick(self) -> None:
        """Fail until it is restarted."""
        (self.folder / "sick").touch()

    def answer(self, path: str) -> int:
        """The status of one probe."""
        with self._lock:
            well = not self._failing and not (self.folder / "sick").exists()
            self._failing = max(0, self._failing - 1)
            self.probes.append((path, well))
        return 200 if well else 500

    def well_in_a_row(self, path: str = "/healthz") -> int:
        """How many of the last probes of this path were fine."""
        count = 0
        for asked, well in reversed(self.probes):
            if asked != path or not well:
                break
            count += 1
        return count

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
