import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks
from tests.services.missing import missing
from tests.services.ports import free_port, listening
from tests.services.process import ServerProcess, answers
from tests.services.waiting import until
from worker.embedded import cache_dir, find_temporal

pytestmark = pytest.mark.xdist_group("readme")

README = ROOT / "README.md"
SELFHEAL = Path(sys.executable).with_name("selfheal")
_WITHIN = 120


class Reader:
    """Does what the README says, in a folder in place of /srv/shop and with free ports in place of the named ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.gateway = free_port(), free_port()
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("SELFHEAL_", "TEMPORAL_"))}
        self.environment = {
            **ours,
            "HOME": str(folder),
            "PATH": f"{SELFHEAL.parent}{os.pathsep}{os.environ['PATH']}",
            "XDG_STATE_HOME": str(folder / ".local" / "state"),
            "SELFHEAL_CACHE_DIR": str(cache_dir()),
            "SELFHEAL_GATEWAY_PORT": str(self.gateway),
            "SELFHEAL_TEMPORAL_PORT": str(free_port()),
            "SELFHEAL_UI_PORT": str(free_port()),
        }

    def writes(self, upto: str) -> None:
        """Write the files of the page, in its order, up to the first one with this name that is new or other."""
        for block in blocks(README):
            file, text = self.folder / (block.file or "-"), self.here(block.text)
            if block.file and not (file.exists() and file.read_text() == text):
                file.write_text(text)
                if block.file == upto:
                    return

    def here(self, text: str) -> str:
        """What the README says, with this folder and these ports."""
        return (
            text.replace("/srv/shop", str(self.folder))
            .replace("8000", str(self.port))
            .replace("127.0.0.1:8080", f"127.0.0.1:{self.gateway}")
        )

    def does(self, beginning: str, *, answer: str = "") -> str:
        """Run the block that begins so, up to what would run for ever; what it printed."""
        text = next(block.text for block in blocks(README, "sh") if block.text.startswith(beginning))
        lines = [line for line in self.here(text).splitlines() if not line.startswith("selfheal up")]
        # Nobody sits at a terminal to be asked back.
        script = "\n".join(lines).replace("approve shop", f"approve shop {answer}".rstrip())
        ran = subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_WITHIN,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def up(self, log: Path) -> ServerProcess:
        """Start the last `selfheal up` that the README has."""
        *_, line = [line for block in blocks(README, "sh") for line in block.text.splitlines() if "selfheal up" in line]
        command = ["sh", "-c", f"cd '{self.folder}' && exec {line}"]

        def ready() -> bool:
            return "\nWorker " in log.read_text() and answers(f"http://127.0.0.1:{self.gateway}/readyz")

        return ServerProcess(command, log=log, ready=ready, env=self.environment)

    def execution(self, runbook: str) -> dict[str, object]:
        """The only execution of a runbook; empty while there is none."""
        command = [str(SELFHEAL), "executions", "list", "--runbook", runbook, "--json"]
        listed = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=True)
        found: list[dict[str, object]] = json.loads(listed.stdout)["executions"]
        return found[0] if found else {}

    def leaves(self) -> None:
        """End what the scripts started."""
        for name in ("pid", "reader.pid"):
            with suppress(FileNotFoundError, ProcessLookupError):
                os.kill(int((self.folder / name).read_text()), signal.SIGKILL)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader who has come to the end of the page: everything is declared, and `selfheal up` runs."""
    if find_temporal() is None:
        missing("temporal")
    folder = tmp_path_factory.mktemp("readme")
    reader = Reader(folder)
    try:
        reader.writes("policies.yaml")
        reader.does("sh restart.sh")
        until(lambda: listening(reader.port))
        reader.writes("policies.yaml")
        reader.does("seq 100 >queue")
        with reader.up(folder / "up.log"):
            yield reader
    finally:
        reader.leaves()


def test_the_first_own_runbook_heals(reader: Reader) -> None:
    """Nobody reads the queue; the runbook starts the reader, and the queue is short again."""
    queue = reader.folder / "queue"
    assert len(queue.read_text().splitlines()) == 100
    said = reader.does("selfheal alert send queue-stuck")
    assert "verified: healthy" in said
    assert reader.execution("QueueStuck")["outcome"] == "healed"
    assert len(queue.read_text().splitlines()) < 10


def test_a_killed_page_is_restarted_after_an_approval(reader: Reader) -> None:
    """The page is killed; two alerts about it start one execution, which waits, is approved, and restarts it."""
    assert "Started" in reader.does('kill "$(cat /srv/shop/pid)"')
    joined = json.loads(reader.does("curl"))["alerts"][0]
    assert (joined["result"], joined["policy"]) == ("joined", "shop-down")
    until(lambda: reader.execution("ServiceUnhealthy")["waits_for"])
    assert not listening(reader.port)
    said = reader.does("selfheal executions list", answer="--yes")
    assert "verified: healthy" in said
    assert reader.execution("ServiceUnhealthy")["outcome"] == "healed"
    assert answers(f"http://127.0.0.1:{reader.port}/")
