"""The loop, branch by branch, on a real Temporal server."""

import asyncio

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import CancelledError

from models.decision import Decided, Decision
from models.outcome import Ending, Fate, Reason
from models.verdict import Verdict
from tests.workflows.conftest import Bench


async def test_what_helps_is_kept(bench: Bench) -> None:
    """The first remediation heals and stays."""
    machine = bench.machine(cures="a")
    outcome = await (await bench.start(machine)).result()
    assert (outcome.ending, outcome.verdict) == (Ending.HEALED, Verdict.HEALTHY)
    assert bench.world.effects(machine) == ["a"]
    assert [change.fate for change in outcome.changes] == [Fate.KEPT]


async def test_what_does_not_help_is_undone(bench: Bench) -> None:
    """The second remediation comes only after the first was taken back."""
    machine = bench.machine(cures="b")
    outcome = await (await bench.start(machine)).result()
    assert outcome.ending is Ending.HEALED
    assert bench.world.effects(machine) == ["a", "una", "b"]
    assert [change.fate for change in outcome.changes] == [Fate.UNDONE, Fate.KEPT]


async def test_nothing_left_is_handed_over(bench: Bench) -> None:
    """When all was tried and undone, people are called."""
    machine = bench.machine()
    outcome = await (await bench.start(machine)).result()
    assert (outcome.ending, outcome.reason) == (Ending.ESCALATED, Reason.NOTHING_LEFT)
    assert bench.world.effects(machine) == ["a", "una", "b", "unb"]


async def test_a_healthy_target_is_left_alone(bench: Bench) -> None:
    """An alert about a target that is well changes nothing."""
    machine = bench.machine(health="ok")
    outcome = await (await bench.start(machine)).result()
    assert outcome.ending is Ending.RECOVERED
    assert bench.world.effects(machine) == []


async def test_observe_changes_nothing(bench: Bench) -> None:
    """With autonomy observe the plan is told and nothing is touched."""
    machine = bench.machine(cures="a")
    outcome = await (await bench.start(machine, autonomy="observe")).result()
    assert outcome.ending is Ending.OBSERVED
    assert [proposal.summary for proposal in outcome.plan] == ["Press a.", "Press b."]
    assert bench.world.effects(machine) == []


async def test_without_a_way_back_nothing_is_undone(bench: Bench) -> None:
    """A remediation that cannot be undone says so, and the loop goes on."""
    machine = bench.machine(cures="b")
    outcome = await (await bench.start(machine, parameters={"buttons": ["a-", "b"]})).result()
    assert [change.fate for change in outcome.changes] == [Fate.NOT_UNDOABLE, Fate.KEPT]
    assert bench.world.effects(machine) == ["a", "b"]


async def test_a_failing_change_is_undone_too(bench: Bench) -> None:
    """A change that fails half way may have been made: it is undone before the next is tried."""
    machine = bench.machine(cures="b")
    bench.world.machines[machine].jams.add("a")
    outcome = await (await bench.start(machine)).result()
    assert bench.world.effects(machine) == ["una", "b"]
    assert outcome.changes[0].fate is Fate.UNDONE
    assert "jammed" in outcome.changes[0].error


async def test_a_change_of_unknown_effect_is_verified(bench: Bench) -> None:
    """A change that may have been made is judged by the facts, and kept if it helped."""
    machine = bench.machine(cures="a")
    bench.world.machines[machine].vanishes.add("a")
    outcome = await (await bench.start(machine)).result()
    assert (outcome.ending, outcome.changes[0].fate) == (Ending.HEALED, Fate.KEPT)
    assert "nobody saw" in outcome.changes[0].error
    assert bench.world.effects(machine) == ["a"]


async def test_a_failing_undo_stops_everything(bench: Bench) -> None:
    """When a change cannot be taken back, nothing more is tried and people are told which."""
    machine = bench.machine(cures="b")
    bench.world.machines[machine].jams.add("una")
    outcome = await (await bench.start(machine)).result()
    assert (outcome.ending, outcome.reason) == (Ending.ROLLBACK_INCOMPLETE, Reason.UNDO_FAILED)
    assert "Press a." in outcome.text
    assert bench.world.effects(machine) == ["a"]


async def test_a_risky_change_is_asked_for(bench: Bench) -> None:
    """Even with autonomy auto, what is riskier than the policy allows waits for a person."""
    machine = bench.machine(cures="a")
    handle = await bench.start(machine, parameters={"buttons": ["a!"]})
    request = await bench.question(handle)
    assert bench.world.effects(machine) == []
    decision = Decision(request=request.id, approved=True, by="ann", reason="go")
    decided = await handle.execute_update("decide", decision, result_type=Decided)
    assert decided.decision == decision
    assert (await handle.result()).ending is Ending.HEALED
    assert bench.world.effects(machine) == ["a"]


async def test_a_rejected_change_is_not_made(bench: Bench) -> None:
    """A rejection ends the execution with the person's reason, by plain JSON in a signal."""
    machine = bench.machine(cures="a")
    handle = await bench.start(machine, autonomy="approve")
    request = await bench.question(handle)
    await handle.signal("decide", {"request": request.id, "approved": False, "by": "bob", "reason": "not now"})
    outcome = await handle.result()
    assert outcome.ending is Ending.REJECTED
    assert "bob" in outcome.text
    assert "not now" in outcome.text
    assert bench.world.effects(machine) == []


async def test_a_decision_that_does_not_count_is_told_so(bench: Bench) -> None:
    """A stale id, somebody who is no approver, and a second answer are refused at once."""
    machine = bench.machine(cures="a")
    handle = await bench.start(machine, autonomy="approve", approvers=["ann"])
    request = await bench.question(handle)

    async def refused(**decision: object) -> str:
        with pytest.raises(WorkflowUpdateFailedError) as caught:
            await handle.execute_update("decide", Decision.model_validate(decision))
        return str(caught.value.cause)

    assert "not open" in await refused(request="stale", approved=True, by="ann")
    assert "not an approver" in await refused(request=request.id, approved=True, by="eve")
    await handle.execute_update("decide", Decision(request=request.id, approved=False, by="ann"))
    await handle.result()
    with pytest.raises(Exception, match="completed"):
        await handle.execute_update("decide", Decision(request=request.id, approved=True, by="ann"))


async def test_a_signal_typed_wrong_is_answered(bench: Bench) -> None:
    """Nonsense in a signal is noted in the story, and the question stays open."""
    machine = bench.machine(cures="a")
    handle = await bench.start(machine, autonomy="approve")
    request = await bench.question(handle)
    for nonsense in ("yes", 7, {"request": request.id}, {"request": request.id, "approved": "maybe", "by": "ann"}):
        await handle.signal("decide", nonsense)
    progress = await bench.progress(handle)
    assert progress.request == request
    assert sum("did not count" in entry.text for entry in progress.story) == 4
    await handle.signal("decide", {"request": request.id, "approved": True, "by": "ann"})
    assert (await handle.result()).ending is Ending.HEALED


async def test_what_no_longer_applies_is_not_applied(bench: Bench) -> None:
    """The facts are read again after a wait: a target that is well by then is left alone."""
    machine = bench.machine(cures="a")
    handle = await bench.start(machine, autonomy="approve")
    request = await bench.question(handle)
    bench.world.machines[machine].health = "ok"
    await handle.execute_update("decide", Decision(request=request.id, approved=True, by="ann"))
    assert (await handle.result()).ending is Ending.RECOVERED
    assert bench.world.effects(machine) == []


async def test_a_resolved_alert_ends_the_wait(bench: Bench) -> None:
    """When the alert ends before anything was changed, the execution ends with it."""
    machine = bench.machine(cures="a")
    handle = await bench.start(machine, autonomy="approve")
    await bench.question(handle)
    await handle.signal("alert", bench.case(machine, status="resolved").alert)
    assert (await handle.result()).ending is Ending.RECOVERED
    assert bench.world.effects(machine) == []


async def test_inconclusive_asks_and_a_no_undoes(bench: Bench) -> None:
    """A change whose effect is unknown is never taken for good: a person says keep or undo."""
    machine = bench.machine(cures="a")
    bench.world.machines[machine].after_cure = "unknown"
    handle = await bench.start(machine, parameters={"buttons": ["a"]})
    request = await bench.question(handle)
    assert request.question == "keep"
    await handle.execute_update("decide", Decision(request=request.id, approved=False, by="ann"))
    outcome = await handle.result()
    assert (outcome.ending, outcome.changes[0].fate) == (Ending.ESCALATED, Fate.UNDONE)
    assert bench.world.effects(machine) == ["a", "una"]


async def test_inconclusive_with_the_alert_over_is_healed(bench: Bench) -> None:
    """The end of the alert settles a doubt."""
    machine = bench.machine(cures="a")
    bench.world.machines[machine].after_cure = "unknown"
    handle = await bench.start(machine, parameters={"buttons": ["a"]})
    await bench.question(handle)
    await handle.signal("alert", bench.case(machine, status="resolved").alert)
    assert (await handle.result()).ending is Ending.HEALED
    assert bench.world.effects(machine) == ["a"]


async def test_cancelling_undoes_and_ends_cancelled(bench: Bench) -> None:
    """Cancelled in the middle of a change, the change is stopped, taken back, and only then it ends."""
    machine = bench.machine(cures="a")
    bench.world.machines[machine].hangs.add("a")
    bench.world.reached.clear()
    handle = await bench.start(machine)
    await asyncio.wait_for(bench.world.reached.wait(), 20)
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    assert bench.world.effects(machine) == ["a", "una"]
    progress = await bench.progress(handle)
    assert progress.outcome is not None
    assert (progress.outcome.ending, progress.changes[0].fate) == (Ending.CANCELLED, Fate.UNDONE)


async def test_a_mistake_in_a_runbook_reaches_people(bench: Bench) -> None:
    """A runbook that raises ends as an escalation, not as a task that fails for ever."""
    machine = bench.machine(cures="a")
    outcome = await (await bench.start(machine, parameters={"mistake": "propose"})).result()
    assert (outcome.ending, outcome.reason) == (Ending.ESCALATED, Reason.RUNBOOK_FAILED)
    assert "ZeroDivisionError" in outcome.text


async def test_a_runbook_may_escalate(bench: Bench) -> None:
    """A runbook that knows better than to try hands over with its reason."""
    machine = bench.machine(cures="a")
    outcome = await (await bench.start(machine, parameters={"mistake": "escalate"})).result()
    assert (outcome.ending, outcome.reason, outcome.text) == (Ending.ESCALATED, Reason.RUNBOOK, "a person must look")


async def test_a_target_that_cannot_be_seen_is_handed_over(bench: Bench) -> None:
    """A diagnosis that fails for good changes nothing and says why."""
    machine = bench.machine(cures="a")
    bench.world.machines[machine].blind = True
    outcome = await (await bench.start(machine)).result()
    assert (outcome.ending, outcome.reason) == (Ending.ESCALATED, Reason.DIAGNOSIS_FAILED)
    assert "cannot be seen" in outcome.text


async def test_each_step_has_a_key_of_its_own(bench: Bench) -> None:
    """No two changes of an execution share an idempotency key."""
    machine = bench.machine(cures="b")
    before = len(bench.world.keys)
    handle = await bench.start(machine)
    await handle.result()
    keys = bench.world.keys[before:]
    own = [key.rpartition("/")[0] for key in keys if key.startswith(handle.id)]
    assert own == [f"{handle.id}/{n}" for n in (1, 2, 3)]
