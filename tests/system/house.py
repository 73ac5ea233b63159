"""A policy file and the processes that work by it, as a person sets them up; and how a test looks at what they do."""

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from models.decision import ApprovalRequest
from models.ids import guard_id
from models.memory import Memory
from models.outcome import Outcome, Progress
from tests.services.ports import free_port
from tests.services.waiting import eventually
from tests.system.processes import Process
from worker.embedded import cache_dir
from worker.plugin import selfheal_plugin

Execution = WorkflowHandle[Any, Outcome]

_NOT_NOW = {
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.FAILED_PRECONDITION,  # no worker has been seen for a while
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.UNAVAILABLE,
}


class House:
    """A folder with all that belongs to one installation.

    Args:
        folder: made if it is missing.
        temporal: the address of a Temporal server; none lets ``selfheal up`` start its own.
    """

    def __init__(self, folder: Path, temporal: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.gateway_port = free_port()
        self.temporal_port = free_port()
        self.url = f"http://127.0.0.1:{self.gateway_port}"
        self.address = temporal or f"127.0.0.1:{self.temporal_port}"
        self.token = uuid.uuid4().hex
        self._processes: list[Process] = []
        self._client: Client | None = None
        self._http = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30)
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("SELFHEAL_", "TEMPORAL_"))}
        self.environment = {
            **ours,
            **({"TEMPORAL_ADDRESS": temporal} if temporal else {}),
            "SELFHEAL_CACHE_DIR": str(cache_dir()),
            "SELFHEAL_STATE_DIR": str(folder / "state"),
            "SELFHEAL_POLICIES": str(folder / "policies.yaml"),
            "SELFHEAL_GATEWAY_PORT": str(self.gateway_port),
            "SELFHEAL_TEMPORAL_PORT": str(self.temporal_port),
            "SELFHEAL_UI_PORT": str(free_port()),
            "SELFHEAL_TOKENS": json.dumps({"generic": self.token, "alertmanager": self.token}),
            # Houses share a Temporal server, and none serves another's executions.
            "SELFHEAL_TASK_QUEUE": f"house-{uuid.uuid4().hex[:8]}",
        }

    def declare(self, *, text: str = "", **sections: object) -> None:
        """Write the policy file: `text` as it stands, and sections as data. Marks are kept in the folder."""
        local = {"name": "local", "marks": str(self.folder / "marks")}
        sections["hosts"] = [local, *(sections.get("hosts") or [])]  # type: ignore[misc]
        (self.folder / "policies.yaml").write_text(text + yaml.safe_dump(sections, sort_keys=False))

    def begin(self, *arguments: str, **environment: str) -> Process:
        """Start a command, and do not wait for anything."""
        log = self.folder / f"{arguments[0]}.log"
        process = Process(arguments, log=log, env={**self.environment, **environment})
        self._processes.append(process)
        return process

    async def start(self, part: str) -> Process:
        """Start ``up``, ``worker`` or ``gateway`` and wait until it does its work."""
        process = self.begin(part)

        async def ready() -> bool:
            assert process.running, f"selfheal {part} ended:\n{process.said[-2000:]}"
            works = part == "gateway" or "\nWorker " in f"\n{process.said}"
            return works and (part == "worker" or await self.status("/readyz") == httpx.codes.OK)

        await eventually(ready, within=60)
        return process

    async def close(self) -> None:
        """Stop all that was started."""
        await self._http.aclose()
        for process in self._processes:
            await process.stop()

    async def status(self, path: str) -> int:
        """The status of one GET at the gateway; 0 when nobody answers."""
        try:
            return (await self._http.get(path)).status_code
        except httpx.TransportError:
            return 0

    async def send(self, name: str, *, status: str = "firing", **labels: str) -> httpx.Response:
        """POST an alert, once."""
        return await self._http.post(
            "/alerts/generic",
            json={"name": name, "status": status, "labels": labels},
            headers={"Authorization": f"Bearer {self.token}"},
        )

    async def alert(self, name: str, *, status: str = "firing", **labels: str) -> None:
        """Send an alert that must be taken and match."""
        answer = await self.send(name, status=status, **labels)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        assert answer.json()["alerts"][0]["result"] in {"started", "joined", "resolved", "taken"}, answer.text

    async def client(self) -> Client:
        """A client of its Temporal server."""
        if self._client is None:
            self._client = await Client.connect(self.address, plugins=[selfheal_plugin()])
        return self._client

    async def ask(self, handle: WorkflowHandle[Any, Any], query: str) -> Any:  # noqa: ANN401 - any JSON
        """What a workflow answers; None while there is none, or nobody answers for it in time."""
        try:
            return await handle.query(query)
        except RPCError as error:
            if error.status not in _NOT_NOW:
                raise
            return None

    async def memory(self, target: str) -> Memory | None:
        """What the guard of a target remembers; None while there is none, or nobody answers for it."""
        guard = (await self.client()).get_workflow_handle(guard_id(target))
        memory = await self.ask(guard, "memory")
        return Memory.model_validate(memory) if memory else None

    async def execution(self, target: str) -> Execution:
        """The execution that was started last on a target, once there is one."""

        async def started() -> str | None:
            memory = await self.memory(target)
            reports = list(memory.reports.values()) if memory else []
            return next((report.execution for _, report in reversed(reports) if report.execution), None)

        found = await eventually(started, within=60)
        return (await self.client()).get_workflow_handle(str(found), result_type=Outcome)

    async def end(self, execution: Execution) -> Outcome:
        """How an execution ends, which must be soon."""
        async with asyncio.timeout(120):
            return await execution.result()

    async def question(self, execution: Execution) -> ApprovalRequest:
        """What an execution asks, once it does."""

        async def asked() -> ApprovalRequest | None:
            progress = await self.ask(execution, "progress")
            return Progress.model_validate(progress).request if progress else None

        request = await eventually(asked, within=60)
        assert request is not None
        return request


@asynccontextmanager
async def house(folder: Path, temporal: str | None = None) -> AsyncIterator[House]:
    """A house, emptied afterwards."""
    opened = House(folder, temporal)
    try:
        yield opened
    finally:
        await opened.close()
