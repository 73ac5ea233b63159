import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.intake import AlertActivities, Intake, RaiseAlert, TemporalAwayError
from activities.step import step_of
from models.admission import Admission, Admitted, Refused
from models.alert import Alert, AlertStatus
from models.ids import guard_id
from tests.activities.guarding import RUNBOOKS, Guarded, down, guarding, named, policies_for
from tests.activities.patient import Silent
from tests.services.ports import free_port
from tests.services.waiting import eventually
from worker.embedded import EmbeddedTemporal
from worker.plugin import selfheal_plugin

LONG = timedelta(seconds=60)


@pytest.fixture(scope="module")
async def guarded(temporal: EmbeddedTemporal) -> AsyncIterator[Guarded]:
    """Guards that run."""
    async with guarding(temporal) as running:
        yield running


async def guard_events(guarded: Guarded, service: str) -> list[EventType.ValueType]:
    """What happened to the guard of a service, in order."""
    history = await guarded.client.get_workflow_handle(guard_id(f"service:local/{service}")).fetch_history()
    return [event.event_type for event in history.events]


async def test_starts_an_execution(guarded: Guarded) -> None:
    """An alert starts an execution, and the answer names it."""
    service = named("api")

    (admission,) = await guarded.intake(service, answer_within=LONG).take([down(service)])

    assert admission.result is Admitted.STARTED
    assert (admission.policy, admission.target) == ("down", f"service:local/{service}")
    assert admission.execution
    execution = await guarded.client.get_workflow_handle(admission.execution).describe()
    assert execution.workflow_type == "ServiceUnhealthy"


async def test_hands_over_in_one_call(guarded: Guarded) -> None:
    """The guard is started by the very call that signals it, and says whom it guards."""
    service = named("api")

    await guarded.intake(service, answer_within=LONG).take([down(service)])

    assert (await guard_events(guarded, service))[:2] == [
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    ]
    described = await guarded.client.get_workflow_handle(guard_id(f"service:local/{service}")).describe()
    assert await described.static_summary() == f"Guard of service:local/{service}"


async def test_sent_again(guarded: Guarded) -> None:
    """The same alert again starts nothing: it is answered with the execution that is under way."""
    service = named("api")
    intake = guarded.intake(service, answer_within=LONG)
    (first,) = await intake.take([down(service)])

    (again,) = await intake.take([down(service)])

    assert again.execution == first.execution
    events = await guard_events(guarded, service)
    assert events.count(EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED) == 1


async def test_joins(guarded: Guarded) -> None:
    """Another episode for the same target joins."""
    service = named("api")
    intake = guarded.intake(service, answer_within=LONG)
    (first,) = await intake.take([down(service)])

    (second,) = await intake.take([down(service, episode=1)])

    assert (second.result, second.execution) == (Admitted.JOINED, first.execution)


async def test_order_within_a_target(guarded: Guarded) -> None:
    """Of many targets at once, each gets its alerts in the request's order: what fires first can be resolved."""
    services = [named("api") for _ in range(8)]
    firing = [down(service) for service in services]
    resolved = [down(service, status=AlertStatus.RESOLVED) for service in services]

    admissions = await guarded.intake(*services, answer_within=LONG).take([*firing, *resolved])

    assert [admission.result for admission in admissions] == [Admitted.STARTED] * 8 + [Admitted.RESOLVED] * 8


async def test_resolved_without_guard(guarded: Guarded) -> None:
    """A resolved alert starts no guard."""
    service = named("api")

    (admission,) = await guarded.intake(service).take([down(service, status=AlertStatus.RESOLVED)])

    assert (admission.result, admission.refused) == (Admitted.REFUSED, Refused.NOTHING_RUNNING)
    assert [w async for w in guarded.client.list_workflows(f'WorkflowId = "{guard_id(admission.target or "")}"')] == []


async def test_answers_in_order(guarded: Guarded) -> None:
    """Each alert has its answer at its place, taken or not."""
    service = named("api")
    unknown = down(service).model_copy(update={"name": "Other"})

    admissions = await guarded.intake(service, answer_within=LONG).take([unknown, down(service), down("nowhere")])

    assert [(a.result, a.refused) for a in admissions] == [
        (Admitted.MATCHED_NOTHING, None),
        (Admitted.STARTED, None),
        (Admitted.REFUSED, Refused.NO_SUCH_TARGET),
    ]


async def test_guard_that_does_not_answer(guarded: Guarded) -> None:
    """Where no worker runs, the alert is taken all the same and the sender does not wait long."""
    service = named("api")
    intake = guarded.intake(service, task_queue=named("nobody"), answer_within=timedelta(seconds=0.3))
    began = time.monotonic()

    admissions = await intake.take([down(service), down(service, episode=1)])

    assert time.monotonic() - began < 3
    assert (
        admissions
        == [
            Admission(
                result=Admitted.TAKEN,
                policy="down",
                target=f"service:local/{service}",
                detail="taken; the guard has not answered yet",
            )
        ]
        * 2
    )
    assert await guard_events(guarded, service) == [
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    ]


async def test_guard_that_knows_nothing(guarded: Guarded) -> None:
    """A guard that answers, but not about this alert, is not asked for ever."""
    service, task_queue = named("api"), named("silent")
    intake = guarded.intake(service, task_queue=task_queue, answer_within=timedelta(seconds=0.3))
    async with Worker(guarded.client, task_queue=task_queue, workflows=[Silent]):
        began = time.monotonic()

        (admission,) = await intake.take([down(service)])

    assert time.monotonic() - began < 5
    assert admission.result is Admitted.TAKEN


async def test_not_asking(guarded: Guarded) -> None:
    """With no time to answer, the guards are not asked."""
    service = named("api")

    (admission,) = await guarded.intake(service, answer_within=timedelta(0)).take([down(service)])

    assert admission.result is Admitted.TAKEN


async def test_two_intakes_at_once(guarded: Guarded) -> None:
    """The same alert through many doors at the same moment makes one guard and one execution."""
    service = named("api")
    intakes = [guarded.intake(service, answer_within=LONG) for _ in range(10)]

    admissions = await asyncio.gather(*(intake.take([down(service)]) for intake in intakes))

    assert len({admission.execution for (admission,) in admissions}) == 1
    events = await guard_events(guarded, service)
    assert events.count(EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED) == 1


async def test_raise_alert(guarded: Guarded) -> None:
    """A watch raises an alert through the same door."""
    service = named("api")
    activities = AlertActivities(guarded.intake(service, answer_within=LONG))

    (admission,) = await ActivityEnvironment().run(activities.raise_alert, RaiseAlert(key="x/1", alert=down(service)))

    assert admission.result is Admitted.STARTED
    step = step_of(AlertActivities.raise_alert)
    assert (step.changes, step.heartbeat) == (True, None)
    assert step.describe(RaiseAlert(alert=down(service))) == "raise ServiceDown, firing"


async def test_too_large(guarded: Guarded) -> None:
    """What Temporal will never take is refused for good; the other alerts of the request are taken."""
    services = [named("api"), named("api")]
    large = down(services[0]).model_copy(update={"annotations": {"text": "x" * 3_000_000}})

    refused, taken = await guarded.intake(*services, answer_within=LONG).take([large, down(services[1])])

    assert (refused.result, refused.refused) == (Admitted.REFUSED, Refused.MALFORMED)
    assert "Temporal refuses it" in refused.detail
    assert taken.result is Admitted.STARTED


async def test_never_reachable() -> None:
    """A client that could not connect yet is Temporal away, not a mistake."""
    client = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True, plugins=[selfheal_plugin()])
    intake = Intake(client, policies_for("api"), RUNBOOKS)

    with pytest.raises(TemporalAwayError, match="send it again"):
        await intake.take([down("api")])
    assert "refused" in str(await intake.away())


async def test_missing_namespace(temporal: EmbeddedTemporal) -> None:
    """A namespace that is not there keeps firing and resolved alerts waiting at the sender."""
    client = await Client.connect(temporal.address, namespace=named("none"), plugins=[selfheal_plugin()])
    intake = Intake(client, policies_for("api"), RUNBOOKS)

    for status in AlertStatus:
        with pytest.raises(TemporalAwayError, match="NOT_FOUND"):
            await intake.take([down("api", status=status)])


async def test_temporal_goes_and_comes_back(temporal: EmbeddedTemporal, tmp_path: Path) -> None:
    """While Temporal is down the sender keeps all alerts of the request; afterwards the same request is taken."""
    services = [named("api") for _ in range(100)]
    alerts = [down(service) for service in services]
    port = free_port()
    server = EmbeddedTemporal(state_dir=tmp_path, port=port, ui_port=None, program=temporal.program)
    async with server:
        client = await Client.connect(server.address, plugins=[selfheal_plugin()])
        intake = Intake(client, policies_for(*services), RUNBOOKS, answer_within=timedelta(0))
        assert await intake.away() is None
        assert {admission.result for admission in await intake.take(alerts)} == {Admitted.TAKEN}
    began = time.monotonic()

    with pytest.raises(TemporalAwayError):
        await intake.take(alerts)
    assert time.monotonic() - began < 15
    assert await intake.away()

    async with EmbeddedTemporal(state_dir=tmp_path, port=port, ui_port=None, program=temporal.program):
        assert {a.result for a in await eventually(lambda: taken(intake, alerts))} == {Admitted.TAKEN}


async def test_temporal_does_not_answer(temporal: EmbeddedTemporal, tmp_path: Path) -> None:
    """A server that is there but stands still is away too, and takes the same alert when it goes on."""
    server = EmbeddedTemporal(state_dir=tmp_path, port=free_port(), ui_port=None, program=temporal.program)
    async with server:
        client = await Client.connect(server.address, plugins=[selfheal_plugin()])
        intake = Intake(client, policies_for("api"), RUNBOOKS, answer_within=timedelta(0))
        pid = server.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            with pytest.raises(TemporalAwayError):
                await intake.take([down("api")])
            assert time.monotonic() - began < 15
        finally:
            os.kill(pid, signal.SIGCONT)
        (admission,) = await eventually(lambda: taken(intake, [down("api")]))

    assert admission.result is Admitted.TAKEN


async def taken(intake: Intake, alerts: list[Alert]) -> list[Admission]:
    """The admissions, or none while Temporal is away."""
    try:
        return await intake.take(alerts)
    except TemporalAwayError:
        return []
