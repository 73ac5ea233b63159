"""Where histories are recorded: a Temporal server of its own, and a worker in two hand-written worlds."""

import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.executions import ExecutionActivities
from activities.step import steps
from models.alert import Alert, AlertStatus
from models.case import AnyCase
from models.outcome import Outcome, Progress
from models.policy import Policy
from models.target import Filesystem, Service
from runbooks import RUNBOOKS
from tests.histories.ward import Patient, Ward
from tests.services.ports import free_port, listening
from tests.services.process import ServerProcess
from tests.services.waiting import eventually
from tests.workflows.conftest import Bench
from tests.workflows.toy import MachineBroken
from tests.workflows.world import World, WorldActivities
from worker.embedded import find_temporal
from worker.plugin import selfheal_plugin
from workflows.attributes import ALL
from workflows.target import TargetGuard
from workflows.watch import HealthWatch

Handle = WorkflowHandle[Any, Any]
Scene = Callable[["Studio"], Awaitable[Handle | Mapping[str, Handle]]]
"""Plays one scene to its end, and gives the execution to keep, or several by what tells them apart."""

WORKFLOWS = (MachineBroken, TargetGuard, HealthWatch, *RUNBOOKS)
EVENTS_SUGGESTED = 80
"""Events after which the server suggests to continue as new; in production thousands, too many to keep here."""


class Studio(Bench):
    """The toy's world, and the ward beside it."""

    def __init__(self, client: Client, task_queue: str, world: World, ward: Ward) -> None:
        async def no_sleep(_: object) -> None:
            raise NotImplementedError("nothing is recorded by sleeping")

        super().__init__(client, task_queue, world, no_sleep)
        self.ward = ward

    async def treat(
        self, runbook: str, target: Service | Filesystem, patient: Patient, **policy: object
    ) -> WorkflowHandle[Any, Outcome]:
        """Start an execution of a built-in runbook on a patient."""
        self.ward.patients[target.name] = patient
        quick = {"within": "300ms", "settle": "0s", "every": "100ms"}
        starts = {} if "actions" in policy else {"runbook": runbook}
        settings = {"name": "history", "autonomy": "auto", "verify": quick, **starts, **policy}
        case = AnyCase(target=target, alert=self.fired(), policy=Policy.model_validate(settings))
        return await self.client.start_workflow(
            runbook, case, id=self.id(runbook), task_queue=self.task_queue, result_type=Outcome
        )

    def fired(self, status: str = "firing") -> Alert:
        """The alert of every execution that `treat` starts."""
        began = datetime(2026, 1, 31, 12, tzinfo=UTC)
        return Alert(source="test", name="Test", status=AlertStatus(status), starts_at=began, fingerprint="test")

    def id(self, name: str) -> str:
        """A workflow id of its own."""
        return f"{name}:history:{uuid.uuid4().hex[:6]}"

    async def decide(self, handle: Handle, *, approved: bool) -> None:
        """Answer the question that an execution asks, once it does."""
        request = await self.question(handle)
        answer = {"request": request.id, "approved": approved, "by": "ann", "reason": "in a history"}
        await handle.execute_update("decide", answer)

    async def reaches(self, handle: Handle, stage: str) -> None:
        """Wait until an execution comes to a stage."""

        async def there() -> bool:
            progress = await handle.query("progress", result_type=Progress)
            return bool(progress.stage == stage)

        await eventually(there)

    async def admitted(self, guard: Handle, case: AnyCase) -> str | None:
        """Wait until a guard has dealt with an alert; the execution that it is about."""

        async def told() -> dict[str, Any] | None:
            found: dict[str, Any] | None = await guard.query("admission", case.alert.key)
            return found

        found = await eventually(told)
        return found["execution"] if found else None

    async def idle(self, guard: Handle) -> None:
        """Wait until a guard knows of no execution under way."""

        async def free() -> bool:
            return (await self.memory(guard)).running is None

        await eventually(free)


@asynccontextmanager
async def studio() -> AsyncIterator[Studio]:
    """Open one. Nothing of it is left on this machine.

    Raises:
        RuntimeError: there is no Temporal server to run.
    """
    program, port = find_temporal(), free_port()
    if program is None:
        raise RuntimeError("there is no temporal program: make services")
    command = [
        *(str(program), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port)),
        *("--log-level", "error", "--dynamic-config-value", "system.enableActivityEagerExecution=true"),
        *("--dynamic-config-value", f"limit.historyCount.suggestContinueAsNew={EVENTS_SUGGESTED}"),
        *(part for key in ALL for part in ("--search-attribute", f"{key.name}=Keyword")),
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        ServerProcess(command, log=Path(folder) / "log", ready=lambda: listening(port)),
    ):
        client = await _connected(f"127.0.0.1:{port}")
        world, ward, name = World(), Ward(), "histories"
        hands = [
            getattr(ward, hand)
            for hand, found in vars(Ward).items()
            if hasattr(found, "__temporal_activity_definition")
        ]
        real = [step for hand in (WorldActivities(world), ExecutionActivities(client)) for step in steps(hand)]
        async with Worker(client, task_queue=name, workflows=WORKFLOWS, activities=[*hands, *real]):
            yield Studio(client, name, world, ward)


async def _connected(address: str) -> Client:
    async def connect() -> Client | None:
        try:
            client = await Client.connect(address, plugins=[selfheal_plugin()])
            await client.count_workflows(" AND ".join(f"{key.name} IS NULL" for key in ALL))
        except RuntimeError:
            return None
        return client

    client = await eventually(connect)
    assert client is not None
    return client
