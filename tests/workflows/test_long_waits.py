"""Waits of minutes and days, at their real lengths, on a server that skips time."""

from datetime import timedelta

from models.admission import Admission, Admitted, Refused
from models.outcome import Ending, Reason
from tests.workflows.conftest import Bench


async def test_nobody_answers_for_half_an_hour(skipping_bench: Bench) -> None:
    """An approval request expires after 30 minutes: people are told, and nothing is applied."""
    bench = skipping_bench
    machine = bench.machine(cures="a")
    handle = await bench.start(machine, autonomy="approve")
    outcome = await handle.result()
    assert (outcome.ending, outcome.reason) == (Ending.ESCALATED, Reason.APPROVAL_EXPIRED)
    assert bench.world.effects(machine) == []
    description = await handle.describe()
    assert description.close_time is not None
    assert timedelta(minutes=30) <= description.close_time - description.start_time < timedelta(minutes=31)


async def test_a_week_is_the_end(skipping_bench: Bench) -> None:
    """A deadline of 7 days ends an execution that waits for an answer that may take 30."""
    bench = skipping_bench
    machine = bench.machine(cures="a")
    handle = await bench.start(machine, autonomy="approve", approve_within="30d", deadline="7d")
    outcome = await handle.result()
    assert (outcome.ending, outcome.reason) == (Ending.ESCALATED, Reason.DEADLINE)
    assert bench.world.effects(machine) == []
    description = await handle.describe()
    assert description.close_time is not None
    assert timedelta(days=7) <= description.close_time - description.start_time < timedelta(days=7, minutes=1)


async def test_the_deadline_undoes_what_is_not_verified(skipping_bench: Bench) -> None:
    """A change that is still being verified when the deadline comes is taken back."""
    bench = skipping_bench
    machine = bench.machine()
    verify = {"within": "2d", "settle": "0s", "every": "1h"}
    handle = await bench.start(machine, deadline="1d", verify=verify)
    outcome = await handle.result()
    assert (outcome.ending, outcome.reason) == (Ending.ESCALATED, Reason.DEADLINE)
    assert bench.world.effects(machine) == ["a", "una"]


async def test_an_inconclusive_change_that_nobody_judges_is_kept(skipping_bench: Bench) -> None:
    """Undoing is an action too: when nobody answers, the change stays and people are told."""
    bench = skipping_bench
    machine = bench.machine(cures="a")
    bench.world.machines[machine].after_cure = "unknown"
    outcome = await (await bench.start(machine)).result()
    assert (outcome.ending, outcome.reason) == (Ending.ESCALATED, Reason.INCONCLUSIVE)
    assert bench.world.effects(machine) == ["a"]


async def test_ten_minutes_of_cooldown(skipping_bench: Bench) -> None:
    """After 10 minutes of cooldown the next alert starts an execution again."""
    bench = skipping_bench
    machine = bench.machine(cures="a")
    first = bench.case(machine, cooldown="10m")
    guard = await bench.alert(first)
    await bench.sleep(timedelta(minutes=1))
    early = bench.case(machine, alert="Early", cooldown="10m")
    await bench.alert(early)
    await bench.sleep(timedelta(minutes=10))
    late = bench.case(machine, alert="Late", cooldown="10m")
    await bench.alert(late)
    await bench.sleep(timedelta(minutes=1))
    told = [Admission.model_validate(await guard.query("admission", case.alert.key)) for case in (first, early, late)]
    assert [(one.result, one.refused) for one in told] == [
        (Admitted.STARTED, None),
        (Admitted.REFUSED, Refused.COOLDOWN),
        (Admitted.STARTED, None),
    ]
