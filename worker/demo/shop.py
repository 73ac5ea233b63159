"""A small real HTTP service, and the command that drives it. Plain Python, run by path as a process of its own.

    shop.py FOLDER PORT serve|start|restart|reload|reload-undo|status|stop

FOLDER holds releases/NAME/error_rate, a link ``current`` to one of them, ``mode`` (normal or safe), ``pid``, and
``effects.log``, to which every effect is appended as one line, so that anybody can count them afterwards. A file
``slow`` with a number of seconds makes restarts take that long.
"""

import http.server
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

BUCKETS = (0.005, 0.05, 0.5, 5.0)
"""Upper bounds of the latency histogram, in seconds."""


class Server(http.server.ThreadingHTTPServer):
    """With room for connections that come at once; the default drops what is beyond 5."""

    request_queue_size = 128


class Metrics:
    """What Prometheus reads of it: how purchases were answered, and how long that took."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers = {200: 0, 500: 0}
        self._within = dict.fromkeys(BUCKETS, 0)
        self._seconds = 0.0

    def count(self, status: int, seconds: float) -> None:
        """Count one purchase."""
        with self._lock:
            self._answers[status] += 1
            self._seconds += seconds
            for bound in BUCKETS:
                self._within[bound] += seconds <= bound

    def text(self) -> str:
        """The text format, version 0.0.4."""
        with self._lock:
            total = sum(self._answers.values())
            lines = ["# TYPE shop_requests_total counter"]
            lines += [f'shop_requests_total{{code="{code}"}} {count}' for code, count in self._answers.items()]
            lines += ["# TYPE shop_request_seconds histogram"]
            lines += [f'shop_request_seconds_bucket{{le="{bound}"}} {count}' for bound, count in self._within.items()]
            lines += [f'shop_request_seconds_bucket{{le="+Inf"}} {total}']
            lines += [f"shop_request_seconds_sum {self._seconds}", f"shop_request_seconds_count {total}", ""]
        return "\n".join(lines)


class Shop:
    """The service in a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.pid_file = folder / "pid"

    def log(self, effect: str) -> None:
        """Write down an effect, in one write."""
        with (self.folder / "effects.log").open("a") as log:
            log.write(f"{effect}\n")

    def serve(self) -> None:
        """Answer until killed.

        ``/healthz``, ``/buy`` with the release's share of errors, ``/metrics`` for Prometheus, ``/`` with what is live.
        """
        release = (self.folder / "current").resolve()
        errors = float((release / "error_rate").read_text())
        mode = (self.folder / "mode").read_text()
        count, metrics = itertools.count(1), Metrics()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                began = time.perf_counter()
                number = next(count) if self.path == "/buy" else 0
                # Spread evenly: of N requests exactly N * errors fail.
                failed = int(number * errors) > int((number - 1) * errors) if number else False
                status = 500 if failed else 200
                if number:
                    metrics.count(status, time.perf_counter() - began)
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.end_headers()
                said = metrics.text() if self.path == "/metrics" else f"{release.name} {mode} {os.getpid()}\n"
                self.wfile.write(said.encode())

            def log_message(self, *_: object) -> None:
                pass

        def reload(*_: object) -> None:
            nonlocal mode
            mode = (self.folder / "mode").read_text()

        signal.signal(signal.SIGHUP, reload)
        with Server(("127.0.0.1", self.port), Handler) as server:
            self.pid_file.write_text(str(os.getpid()))
            self.log(f"started {release.name}")
            server.serve_forever()

    def pid(self) -> int | None:
        """Its process, if it lives."""
        try:
            pid = int(self.pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if _alive(pid) else None

    def stop(self) -> None:
        """Kill it: a process that hangs ends in no other way."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            while _alive(pid):
                time.sleep(0.01)
        self.pid_file.unlink(missing_ok=True)

    def start(self) -> None:
        """Start it in a session of its own, and wait until it listens."""
        subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, __file__, str(self.folder), str(self.port), "serve"],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while self.pid() is None:
            if time.monotonic() > deadline:
                sys.exit(f"the service in {self.folder} does not start")
            time.sleep(0.02)

    def restart(self) -> None:
        """Stop and start it."""
        self.log("restart")
        self.stop()
        slow = self.folder / "slow"
        if slow.exists():
            time.sleep(float(slow.read_text()))
        self.start()

    def reload(self, mode: str) -> None:
        """Make it read its mode again."""
        self.log(f"reload {mode}")
        (self.folder / "mode").write_text(mode)
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGHUP)


def _alive(pid: int) -> bool:
    """Whether a process runs; one that is dead but not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return Path("/proc").exists() is False and _signalled(pid)


def _signalled(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main(folder: str, port: str, verb: str) -> None:
    """Do what the verb says."""
    shop = Shop(Path(folder), int(port))
    match verb:
        case "serve":
            shop.serve()
        case "start":
            shop.start()
        case "stop":
            shop.stop()
        case "restart":
            shop.restart()
        case "reload":
            shop.reload("safe")
        case "reload-undo":
            shop.reload("normal")
        case "status":
            sys.exit(0 if shop.pid() else 3)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
