"""What the scenes are played on: four copies of the service, policies, a gateway and a worker that can be killed."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import yaml

from gateway.tokens import token_file
from models.errors import GiveUpError
from worker.demo.shop import Shop

_SHOP = Path(__file__).with_name("shop.py")
_READY_WITHIN = 60.0
_VERIFY = {"within": "3s", "settle": "1s", "every": "500ms"}


class Copy:
    """One copy of the service."""

    def __init__(self, folder: Path, port: int) -> None:
        self.name = folder.name
        self.folder = folder
        self.port = port
        self.shop = Shop(folder, port)

    def build(self) -> None:
        """Lay out its folder: two releases, the first one live."""
        for release, errors in (("1.4.0", "0"), ("1.5.0", "0.4")):
            (self.folder / "releases" / release).mkdir(parents=True)
            (self.folder / "releases" / release / "error_rate").write_text(errors)
        (self.folder / "current").symlink_to("releases/1.4.0")
        (self.folder / "mode").write_text("normal")
        self.shop.start()

    def release(self, name: str) -> None:
        """Deploy a release, as a deployment tool would."""
        link = self.folder / "current"
        link.unlink()
        link.symlink_to(f"releases/{name}")
        self.shop.stop()
        self.shop.start()

    def freeze(self) -> None:
        """Stop its process in the middle of whatever it does: it keeps its port and never answers again."""
        pid = self.shop.pid()
        if pid is not None:
            os.kill(pid, signal.SIGSTOP)

    def effects(self) -> list[str]:
        """What was done to it, in order."""
        return (self.folder / "effects.log").read_text().splitlines()

    async def asks(self, path: str = "/") -> tuple[int, str]:
        """Status and body of one request; 0 when it does not answer."""
        async with httpx.AsyncClient(trust_env=False, timeout=1) as client:
            try:
                answer = await client.get(f"http://127.0.0.1:{self.port}{path}")
            except httpx.HTTPError as error:
                return 0, type(error).__name__
            return answer.status_code, answer.text.strip()

    def declared(self, *, reloads: bool) -> dict[str, object]:
        """The service as the policy file declares it."""
        drive = [sys.executable, str(_SHOP), str(self.folder), str(self.port)]
        verbs = {"restart": "restart", "status": "status"}
        if reloads:
            verbs |= {"reload": "reload", "reload_undo": "reload-undo"}
        return {
            "name": self.name,
            "health": {"port": self.port, "period": "500ms", "timeout": "500ms", "failure_threshold": 2},
            "commands": {verb: [*drive, word] for verb, word in verbs.items()},
            "releases": {"directory": str(self.folder / "releases"), "current": str(self.folder / "current")},
            "metrics": {"sample": "/buy", "requests": 50},
        }


class Stage:
    """The copies by name, and the processes around them."""

    def __init__(self, folder: Path, temporal: str) -> None:
        self.folder = folder
        self.copies = {name: Copy(folder / name, free_port()) for name in ("shop", "cart", "mail", "search")}
        self.gateway_port = free_port()
        self.worker: asyncio.subprocess.Process | None = None
        self._environment = {
            **os.environ,
            "TEMPORAL_ADDRESS": temporal,
            "SELFHEAL_POLICIES": str(folder / "policies.yaml"),
            "SELFHEAL_STATE_DIR": str(folder),
            "SELFHEAL_GATEWAY_PORT": str(self.gateway_port),
        }

    def build(self) -> None:
        """Start the service's copies and write the policy file."""
        for copy in self.copies.values():
            copy.build()
        policies = [
            {"name": name, "runbook": "ServiceUnhealthy", "match": {"labels": {"service": name}}, **more}
            for name, more in (
                ("shop", {"autonomy": "auto"}),
                ("mail", {"autonomy": "approve", "approvers": ["you"]}),
                ("search", {"autonomy": "auto"}),
            )
        ]
        policies.append({"name": "releases", "runbook": "BadRelease", "autonomy": "auto"})
        for policy in policies:
            policy["verify"] = _VERIFY
        # One copy declares no reload, so that its restart comes first.
        services = [copy.declared(reloads=copy.name != "search") for copy in self.copies.values()]
        text = yaml.safe_dump({"services": services, "policies": policies}, sort_keys=False)
        (self.folder / "policies.yaml").write_text(text)

    async def start(self, part: str) -> asyncio.subprocess.Process:
        """Start ``gateway`` or ``worker`` as a process of its own; its log is in the folder."""
        with (self.folder / f"{part}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "worker",
                part,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def start_worker(self) -> None:
        """Start the worker."""
        self.worker = await self.start("worker")

    async def kill_worker(self) -> None:
        """Kill the worker with -9."""
        if self.worker and self.worker.returncode is None:
            self.worker.kill()
            await self.worker.wait()

    async def alert(self, name: str, service: str) -> None:
        """Send an alert through the door, as a monitoring system would.

        Raises:
            GiveUpError: the gateway does not take it.
        """
        url = f"http://127.0.0.1:{self.gateway_port}/alerts/generic"
        token = token_file(self.folder, "generic").read_text().strip()
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(
                url,
                json={"name": name, "labels": {"service": service}},
                headers={"Authorization": f"Bearer {token}"},
            )
        if answer.status_code != httpx.codes.ACCEPTED:
            raise GiveUpError(f"the gateway answered {answer.status_code}: {answer.text}")

    async def gateway_ready(self) -> None:
        """Wait until the gateway takes alerts.

        Raises:
            GiveUpError: it does not.
        """
        deadline = asyncio.get_running_loop().time() + _READY_WITHIN
        async with httpx.AsyncClient(trust_env=False) as client:
            while asyncio.get_running_loop().time() < deadline:
                try:
                    if (await client.get(f"http://127.0.0.1:{self.gateway_port}/readyz")).is_success:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.1)
        raise GiveUpError(f"the gateway does not start; see {self.folder / 'gateway.log'}")


@asynccontextmanager
async def stage(folder: Path, temporal: str) -> AsyncIterator[Stage]:
    """Build the stage in an empty folder; leaving ends every process that was started."""
    built = Stage(folder, temporal)
    gateway = None
    try:
        built.build()
        gateway = await built.start("gateway")
        await built.start_worker()
        await built.gateway_ready()
        yield built
    finally:
        for process in (gateway, built.worker):
            if process and process.returncode is None:
                process.terminate()
                await process.wait()
        for copy in built.copies.values():
            copy.shop.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
