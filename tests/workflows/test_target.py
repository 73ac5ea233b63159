"""The guard of a target, on a real Temporal server."""

import asyncio
from datetime import timedelta

from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from models.admission import Admission, Admitted, Refused
from models.case import AnyCase
from models.ids import guard_id
from models.outcome import Ending, Outcome
from tests.services.waiting import eventually
from tests.workflows.conftest import Bench
from workflows.target import TargetGuard

Guard = WorkflowHandle[TargetGuard, None]


async def admission(guard: Guard, case: AnyCase) -> Admission:
    """What the guard did with an alert, once it has."""

    async def told() -> Admission | None:
        said = await guard.query("admission", case.alert.key)
        return None if said is None else Admission.model_validate(said)

    return await eventually(told)


async def outcome(bench: Bench, execution: str | None) -> Outcome:
    """How an execution ends."""
    assert execution is not None
    ended: Outcome = await bench.client.get_workflow_handle(execution, result_type=Outcome).result()
    return ended


async def idle(bench: Bench, guard: Guard) -> None:
    """Wait until no execution is under way."""

    async def free() -> bool:
        return (await bench.memory(guard)).running is None

    await eventually(free)


async def test_an_alert_starts_its_runbook(bench: Bench) -> None:
    """The execution is a child of the guard, is named after runbook and target, and can be searched for."""
    machine = bench.machine(cures="a")
    case = bench.case(machine)
    guard = await bench.alert(case)
    told = await admission(guard, case)
    assert told.result is Admitted.STARTED
    assert (await outcome(bench, told.execution)).ending is Ending.HEALED
    description = await bench.client.get_workflow_handle(str(told.execution)).describe()
    assert description.parent_id == guard_id(case.target.id)
    assert str(told.execution).startswith(f"MachineBroken:service:local/{machine}:")
    found = {pair.key.name: pair.value for pair in description.typed_search_attributes}
    assert (
        found
        | {
            "Runbook": "MachineBroken",
            "Target": f"service:local/{machine}",
            "Policy": "heal-machines",
            "Autonomy": "auto",
            "Verdict": "healthy",
            "Outcome": "healed",
        }
        == found
    )


async def test_a_second_alert_joins(bench: Bench) -> None:
    """While an execution is under way, nothing else starts for its target."""
    machine = bench.machine(cures="a")
    first, second = bench.case(machine, autonomy="approve"), bench.case(machine, alert="MachineSlow")
    guard = await bench.alert(first)
    told = await admission(guard, first)
    handle = bench.client.get_workflow_handle(str(told.execution))
    await bench.question(handle)
    await bench.alert(second)
    joined = await admission(guard, second)
    assert (joined.result, joined.execution) == (Admitted.JOINED, told.execution)

    async def known() -> bool:
        return (await bench.progress(handle)).joined == ("MachineSlow",)

    await eventually(known)


async def test_both_alerts_must_end(bench: Bench) -> None:
    """An execution that two alerts are about is over when both are."""
    machine = bench.machine(cures="a")
    cases = [bench.case(machine, alert=name, autonomy="approve") for name in ("MachineBroken", "MachineSlow")]
    for case in cases:
        guard = await bench.alert(case)
    execution = (await admission(guard, cases[0])).execution
    handle = bench.client.get_workflow_handle(str(execution))
    await bench.question(handle)
    over = [bench.case(machine, alert=name, status="resolved") for name in ("MachineBroken", "MachineSlow")]
    await guard.signal("alert", over[0])
    assert (await admission(guard, over[0])).result is Admitted.RESOLVED
    assert (await bench.progress(handle)).request is not None
    await guard.signal("alert", over[1])
    assert (await outcome(bench, execution)).ending is Ending.RECOVERED


async def test_the_cooldown_holds(bench: Bench) -> None:
    """After an execution that changed something, a new alert starts nothing and is told until when."""
    machine = bench.machine(cures="a")
    case = bench.case(machine)
    guard = await bench.alert(case)
    await outcome(bench, (await admission(guard, case)).execution)
    await idle(bench, guard)
    again = bench.case(machine, alert="MachineSlow", match={"alert": "MachineSlow"})
    await bench.alert(again)
    told = await admission(guard, again)
    assert (told.result, told.refused) == (Admitted.REFUSED, Refused.COOLDOWN)
    assert told.until is not None
    assert bench.world.effects(machine) == ["a"]


async def test_attempts_run_out(bench: Bench) -> None:
    """When the attempts of the hour are spent, nothing more is changed."""
    machine = bench.machine()
    for number in range(3):
        case = bench.case(machine, alert=f"Alert{number}", cooldown="0s", attempts=2)
        guard = await bench.alert(case)
        told = await admission(guard, case)
        if told.execution:
            await outcome(bench, told.execution)
            await idle(bench, guard)
    assert told.refused is Refused.ATTEMPTS_SPENT
    assert len(bench.world.effects(machine)) == 2 * 4


async def test_the_same_request_twice_starts_nothing_twice(bench: Bench) -> None:
    """A request that is sent again, even after the execution and without a cooldown, changes nothing."""
    machine = bench.machine(cures="a")
    case = bench.case(machine, cooldown="0s")
    guard = await bench.alert(case)
    execution = (await admission(guard, case)).execution
    await outcome(bench, execution)
    await idle(bench, guard)
    bench.world.machines[machine].health = "bad"
    for _ in range(3):
        await bench.alert(case)
    marker = bench.case(machine, alert="Marker", status="resolved")
    await bench.alert(marker)
    await admission(guard, marker)
    assert bench.world.effects(machine) == ["a"]
    assert (await admission(guard, case)).execution == execution


async def test_a_terminated_execution_frees_its_target(bench: Bench) -> None:
    """Nobody holds a target for ever: an execution that a person terminated counts as an attempt, and that is all."""
    machine = bench.machine(cures="a")
    case = bench.case(machine, autonomy="approve", cooldown="0s")
    guard = await bench.alert(case)
    execution = (await admission(guard, case)).execution
    await bench.client.get_workflow_handle(str(execution)).terminate("a person")
    await idle(bench, guard)
    assert len((await bench.memory(guard)).attempts) == 1


async def test_it_goes_on_when_it_continues_as_new(bench: Bench) -> None:
    """A guard that received thousands of alerts stays small, and still knows of its execution and of its end."""
    machine = bench.machine(cures="a")
    case = bench.case(machine, autonomy="approve")
    guard = await bench.alert(case)
    execution = (await admission(guard, case)).execution
    first = (await guard.describe()).run_id

    async def many() -> bool:
        await asyncio.gather(*(bench.alert(case) for _ in range(100)))
        return (await bench.client.get_workflow_handle(guard.id).describe()).run_id != first

    await eventually(many, within=120)
    memory = await bench.memory(bench.client.get_workflow_handle_for(TargetGuard.run, guard.id))
    assert memory.running is not None
    assert memory.running.execution == execution
    handle = bench.client.get_workflow_handle(str(execution), result_type=Outcome)
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    request = await bench.question(handle)
    await handle.signal("decide", {"request": request.id, "approved": True, "by": "ann"})
    assert (await handle.result()).ending is Ending.HEALED
    await idle(bench, bench.client.get_workflow_handle_for(TargetGuard.run, guard.id))
    assert bench.world.effects(machine) == ["a"]


async def test_it_ends_when_all_is_forgotten(skipping_bench: Bench) -> None:
    """The guard lasts as long as the cooldown and the hour of the attempts, at their real lengths, and no longer."""
    bench = skipping_bench
    machine = bench.machine(cures="a")
    case = bench.case(machine, cooldown="10m")
    guard = await bench.alert(case)
    await guard.result()
    description = await guard.describe()
    assert description.close_time is not None
    assert description.start_time + timedelta(hours=1) <= description.close_time
    assert description.close_time < description.start_time + timedelta(hours=1, minutes=5)
