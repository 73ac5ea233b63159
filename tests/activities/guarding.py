"""The real guard on the real server, with a runbook that takes as long as a test wants."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from activities.intake import ANSWER_WITHIN, Intake
from models.alert import Alert, AlertStatus
from models.policy import Policy
from models.policy_file import PolicyFile
from models.runbook_info import RunbookInfo
from models.target import Service
from tests.activities.patient import Patient
from worker.embedded import EmbeddedTemporal
from worker.plugin import selfheal_plugin
from workflows.target import TargetGuard

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
RUNBOOKS = {"ServiceUnhealthy": RunbookInfo("ServiceUnhealthy", "", ("ServiceDown",), ("service",))}


@dataclass(frozen=True)
class Guarded:
    """A client, and the task queue on which guards run."""

    client: Client
    task_queue: str

    def intake(self, *services: str, task_queue: str | None = None, answer_within: timedelta = ANSWER_WITHIN) -> Intake:
        """An intake for these services, whose guards run unless another task queue is given."""
        return Intake(
            self.client,
            policies_for(*services),
            RUNBOOKS,
            task_queue=task_queue or self.task_queue,
            answer_within=answer_within,
        )


def policies_for(*services: str) -> PolicyFile:
    """One policy for all that is down."""
    return PolicyFile(
        services=tuple(Service(name=name, unit="x.service") for name in services),
        policies=(Policy(name="down", runbook="ServiceUnhealthy"),),
    )


def down(service: str, *, episode: int = 0, status: AlertStatus = AlertStatus.FIRING) -> Alert:
    """The alert that a service is down."""
    return Alert(
        source="generic",
        name="ServiceDown",
        status=status,
        labels={"service": service},
        starts_at=NOON + timedelta(hours=episode),
        fingerprint=service,
    )


def named(what: str) -> str:
    """A name that no other test on the same server uses."""
    return f"{what}-{uuid.uuid4().hex[:8]}"


@asynccontextmanager
async def guarding(temporal: EmbeddedTemporal) -> AsyncIterator[Guarded]:
    """A worker with guards and patient executions."""
    client = await Client.connect(temporal.address, namespace=temporal.namespace, plugins=[selfheal_plugin()])
    task_queue = named("intake")
    async with Worker(client, task_queue=task_queue, workflows=[TargetGuard, Patient]):
        yield Guarded(client, task_queue)
