"""A worker on a real Temporal server, with the hand-written world as its hands."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.executions import ExecutionActivities
from activities.notifications import NotificationActivities
from activities.step import steps
from models.alert import Alert, AlertStatus
from models.case import AnyCase, Case
from models.decision import ApprovalRequest
from models.ids import GUARD, guard_id
from models.memory import Memory
from models.outcome import Outcome, Progress
from models.policy import Policy
from models.target import HttpProbe, Service
from tests.services.waiting import eventually
from tests.workflows.toy import MachineBroken
from tests.workflows.world import Machine, World, WorldActivities
from worker.embedded import EmbeddedTemporal
from worker.plugin import selfheal_plugin
from workflows.target import TargetGuard


class Bench:
    """A world, a worker in it, and how to ask it things."""

    def __init__(
        self, client: Client, task_queue: str, world: World, sleep: Callable[[timedelta], Awaitable[None]]
    ) -> None:
        self.client = client
        self.sleep = sleep
        self.task_queue = task_queue
        self.world = world

    def machine(self, **settings: str) -> str:
        """A new machine; its name."""
        name = f"m{uuid.uuid4().hex[:10]}"
        self.world.machines[name] = Machine(**settings)
        return name

    def case(self, machine: str, *, status: str = "firing", alert: str = "MachineBroken", **policy: object) -> AnyCase:
        """An alert about a machine, under a policy that acts by itself unless told otherwise."""
        settings = {"name": "heal-machines", "runbook": "MachineBroken", "autonomy": "auto"} | policy
        return Case(
            target=Service(name=machine, health=HttpProbe(port=1)),
            alert=Alert(
                source="test",
                name=alert,
                status=AlertStatus(status),
                labels={"service": machine},
                starts_at=datetime(2026, 1, 1, tzinfo=UTC),
                fingerprint=f"{alert}-{machine}",
            ),
            policy=Policy.model_validate(settings),
        )

    async def start(self, machine: str, **policy: Any) -> WorkflowHandle[MachineBroken, Outcome]:  # noqa: ANN401 - fields of a policy
        """Start an execution, without a guard."""
        return await self.client.start_workflow(
            "MachineBroken",
            self.case(machine, **policy),
            id=f"MachineBroken:{machine}:{uuid.uuid4().hex[:6]}",
            task_queue=self.task_queue,
            result_type=Outcome,
        )

    async def alert(self, case: AnyCase) -> WorkflowHandle[TargetGuard, None]:
        """Send an alert to the guard, as the gateway does."""
        return await self.client.start_workflow(
            GUARD,
            args=[None],
            id=guard_id(case.target.id),
            task_queue=self.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="alert",
            start_signal_args=[case],
        )

    async def progress(self, handle: WorkflowHandle[Any, Any]) -> Progress:
        """What an execution is doing."""
        progress: Progress = await handle.query("progress", result_type=Progress)
        return progress

    async def question(self, handle: WorkflowHandle[Any, Any]) -> ApprovalRequest:
        """The question that an execution asks, once it does."""

        async def asked() -> ApprovalRequest | None:
            return (await self.progress(handle)).request

        return await eventually(asked)

    async def memory(self, handle: WorkflowHandle[Any, Any]) -> Memory:
        """What a guard remembers."""
        memory: Memory = await handle.query("memory", result_type=Memory)
        return memory


async def _sleep(time: timedelta) -> None:
    await asyncio.sleep(time.total_seconds())


async def _bench(client: Client, sleep: Callable[[timedelta], Awaitable[None]]) -> AsyncIterator[Bench]:
    world, task_queue = World(), f"toy-{uuid.uuid4().hex[:8]}"
    async with httpx.AsyncClient(trust_env=False) as http:
        hands = (WorldActivities(world), NotificationActivities(http), ExecutionActivities(client))
        async with Worker(
            client,
            task_queue=task_queue,
            workflows=[MachineBroken, TargetGuard],
            activities=[step for hand in hands for step in steps(hand)],
        ):
            yield Bench(client, task_queue, world, sleep)


@pytest.fixture(scope="session")
async def bench(temporal: EmbeddedTemporal) -> AsyncIterator[Bench]:
    """On the dev server, in real time."""
    client = await Client.connect(temporal.address, namespace=temporal.namespace, plugins=[selfheal_plugin()])
    async for one in _bench(client, _sleep):
        yield one


@pytest.fixture(scope="session")
async def skipping_bench(time_skipping: WorkflowEnvironment) -> AsyncIterator[Bench]:
    """On the time-skipping server: days pass in no time while a result is awaited."""
    config = time_skipping.client.config()
    config["plugins"] = [selfheal_plugin()]
    client = Client(**config)
    async for one in _bench(client, time_skipping.sleep):
        yield one
