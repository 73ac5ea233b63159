"""The example of docs/deployment.md as plain processes: gateway and worker as compose starts them, and the page."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from tests.deploy.compose import OURS, ROOT, read_compose
from tests.services.ports import free_port
from tests.services.process import ServerProcess, answers

DOCS = ROOT / "docs" / "deployment.md"
_PAGE_PORT = "8090"


def blocks(language: str) -> list[str]:
    """The fenced blocks of the page in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


class Curl(BaseModel):
    """What the documented `curl` sends.

    Attributes:
        asked: what it asks `docker` for the token.
    """

    url: str
    headers: dict[str, str]
    body: str
    asked: str


def documented_curl(told: str = "TOKEN") -> Curl:
    """The one `curl` of the page, as a shell reads it.

    Args:
        told: what `docker` answers when asked for the token.
    """
    (block,) = (block for block in blocks("sh") if block.startswith("curl "))
    # Shell functions of these names take the place of the programs; `date` and all quoting are the shell's own.
    shims = 'docker() { echo "$*" >&2; echo "$TOKEN"; }; curl() { printf \'%s\\0\' "$@"; }\n'
    ran = subprocess.run(
        ["sh", "-euc", shims + block],
        env={"PATH": os.environ["PATH"], "TOKEN": told},
        capture_output=True,
        text=True,
        check=True,
    )
    words = ran.stdout.split("\0")[:-1]
    return Curl(
        url=words[-1],
        headers=dict(word.split(": ", 1) for at, word in enumerate(words) if words[at - 1] == "-H"),
        body=words[words.index("-d") + 1],
        asked=ran.stderr.strip(),
    )


@dataclass(frozen=True)
class Stack:
    """The running processes.

    Attributes:
        state: stands for /var/lib/selfheal.
        environment: of gateway and worker.
    """

    state: Path
    gateway_port: int
    page_port: int
    environment: dict[str, str]

    @property
    def page_answers(self) -> bool:
        """Whether the page is up."""
        return answers(f"http://127.0.0.1:{self.page_port}/")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run what compose or the page runs in a container, with its paths and ports replaced by those of here."""
        words = [word.replace("8080", str(self.gateway_port)) for word in command]
        words = [str(self.page_port) if word == _PAGE_PORT else word for word in words]
        words = [word.replace("/etc/selfheal/", f"{ROOT}/deploy/") for word in words]
        if words[0] == "python":
            words[0] = sys.executable
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def stack(temporal: str, state: Path, names: tuple[str, ...] = OURS) -> Iterator[Stack]:
    """Gateway and worker with the commands and variables of docker-compose.yml, on free ports and in one folder."""
    state.mkdir()
    gateway_port, page_port = free_port(), free_port()
    services = read_compose().ours
    example = next(mount.source for mount in services["worker"].mounts if mount.target == "/etc/selfheal/policies.yaml")
    text = (ROOT / example).read_text(encoding="utf-8")
    policies = state / "policies.yaml"
    policies.write_text(
        text.replace(_PAGE_PORT, str(page_port)).replace("/etc/selfheal/page.sh", f"{ROOT}/deploy/page.sh")
    )
    here = {
        "TEMPORAL_ADDRESS": temporal,
        "SELFHEAL_POLICIES": str(policies),
        "SELFHEAL_GATEWAY_PORT": str(gateway_port),
        "SELFHEAL_STATE_DIR": str(state),
        "HOME": str(state),
        "TMPDIR": str(state),
        "PATH": os.environ["PATH"],
    }
    with ExitStack() as running:
        built = Stack(state, gateway_port, page_port, {**services["worker"].environment, **here})
        running.callback(built.run, "sh", "/etc/selfheal/page.sh", "stop", _PAGE_PORT)
        for name in names:
            running.enter_context(
                ServerProcess(
                    [sys.executable, "-m", "worker", *services[name].command],
                    log=state / f"{name}.log",
                    ready=(lambda: answers(f"http://127.0.0.1:{gateway_port}/readyz"))
                    if name == "gateway"
                    else (lambda: "Worker" in (state / "worker.log").read_text()),
                    env={**services[name].environment, **here},
                )
            )
        yield built
