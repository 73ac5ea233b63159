"""The guard of a target and the watch over a service."""

from collections.abc import Mapping
from typing import Any

from activities.health import Seen
from activities.http import ProbeReading
from models.target import HttpProbe, Service
from tests.histories.loop_scenes import NOBODY, ended
from tests.histories.studio import Handle, Scene, Studio
from tests.histories.ward import Patient
from tests.services.waiting import eventually
from workflows.watch import WatchState


async def starts_joins_resolves(studio: Studio) -> Handle:
    """An alert starts an execution, another one joins it, and both end."""
    machine = studio.machine(cures="a")
    names = ("MachineBroken", "MachineSlow")
    for name in names:
        guard = await studio.alert(case := studio.case(machine, alert=name, autonomy="approve"))
        await studio.admitted(guard, case)
    for name in names:
        await guard.signal("alert", case := studio.case(machine, alert=name, status="resolved"))
        await studio.admitted(guard, case)
    await studio.idle(guard)
    return guard


async def refuses(studio: Studio) -> Handle:
    """Sent again, in the cooldown, and when the attempts are spent, it starts nothing; people are told once."""
    machine = studio.machine()
    again: dict[str, Any] = {"cooldown": "0s", "attempts": 1, **NOBODY}
    guard = await studio.alert(first := studio.case(machine, **again))
    await studio.admitted(guard, first)
    await studio.idle(guard)
    for name in ("MachineBroken", "Second", "Third"):
        await studio.alert(case := studio.case(machine, alert=name, **again))
        await studio.admitted(guard, case)
    return guard


async def cools_down(studio: Studio) -> Handle:
    """After an execution nothing starts for a while."""
    machine = studio.machine(cures="a")
    guard = await studio.alert(first := studio.case(machine))
    await studio.admitted(guard, first)
    await studio.idle(guard)
    await studio.alert(second := studio.case(machine, alert="Second"))
    await studio.admitted(guard, second)
    return guard


async def forgets(studio: Studio) -> Handle:
    """The end of an alert that nobody knew of leaves nothing to remember."""
    guard = await studio.alert(studio.case(studio.machine(), status="resolved"))
    return await ended(guard)


async def terminated(studio: Studio) -> Handle:
    """Its execution is terminated by a person."""
    guard = await studio.alert(case := studio.case(studio.machine(), autonomy="approve"))
    execution = await studio.admitted(guard, case)
    await studio.client.get_workflow_handle(str(execution)).terminate("a person")
    await studio.idle(guard)
    return guard


async def continues_as_new(studio: Studio) -> Mapping[str, Handle]:
    """Its history grows long while an execution waits; the next run learns of that execution's end."""
    machine = studio.machine(cures="a")
    guard = await studio.alert(case := studio.case(machine, autonomy="approve"))
    execution = studio.client.get_workflow_handle(str(await studio.admitted(guard, case)))
    first = (await guard.describe()).run_id

    async def another_run() -> str | None:
        await studio.alert(case)
        run = (await studio.client.get_workflow_handle(guard.id).describe()).run_id
        return run if run != first else None

    second = await eventually(another_run)
    await studio.decide(execution, approved=True)
    latest = studio.client.get_workflow_handle(guard.id)
    await studio.idle(latest)
    return {
        "first": studio.client.get_workflow_handle(guard.id, run_id=first),
        "second": studio.client.get_workflow_handle(guard.id, run_id=second),
    }


def _seen(healthy: bool, *, changed: bool = True) -> Seen:  # noqa: FBT001
    reading = ProbeReading(url="http://shop:8080/healthz", healthy=healthy, status=200, milliseconds=2)
    return Seen(healthy=healthy, changed=changed, reading=reading)


async def _watch(studio: Studio, name: str, *seen: Seen) -> tuple[Handle, Service, Patient]:
    service = Service(name=name, health=HttpProbe(port=8080))
    patient = studio.ward.patients[name] = Patient(seen=seen)
    handle = await studio.client.start_workflow(
        "HealthWatch", WatchState(service=service), id=studio.id("watch"), task_queue=studio.task_queue
    )
    return handle, service, patient


async def watches(studio: Studio) -> Handle:
    """A service falls sick, stays so, recovers; it is declared anew; the watch is ended."""
    seen = (_seen(healthy=True), _seen(healthy=False), _seen(healthy=False, changed=False), _seen(healthy=True))
    handle, service, patient = await _watch(studio, "watched", *seen)
    await eventually(lambda: _told(patient, 3))
    changed = service.model_copy(update={"health": HttpProbe(port=8080, path="/ready")})
    await handle.signal("configure", changed)

    async def configured() -> bool:
        return WatchState.model_validate(await handle.query("state")).service == changed

    await eventually(configured)
    await handle.cancel()
    return await ended(handle)


async def watch_continues_as_new(studio: Studio) -> Mapping[str, Handle]:
    """A watch goes on in a new run in the middle of an episode."""
    handle, _, patient = await _watch(studio, "flapping", *[_seen(healthy=number % 3 == 0) for number in range(20)])
    first = handle.first_execution_run_id
    await eventually(lambda: _told(patient, 19))
    second = (await studio.client.get_workflow_handle(handle.id).describe()).run_id
    return {
        "first": studio.client.get_workflow_handle(handle.id, run_id=first),
        "second": studio.client.get_workflow_handle(handle.id, run_id=second),
    }


async def _told(patient: Patient, count: int) -> bool:
    return len(patient.effects) >= count


SCENES: tuple[Scene, ...] = (
    starts_joins_resolves,
    refuses,
    cools_down,
    forgets,
    terminated,
    continues_as_new,
    watches,
    watch_continues_as_new,
)
