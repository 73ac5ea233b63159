"""Every branch of the loop, played by the toy runbook."""

import asyncio
from contextlib import suppress

from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError

from tests.histories.studio import Handle, Scene, Studio

NOBODY = {"notify": [{"webhook": "https://people.example/told"}]}


async def ended(handle: Handle) -> Handle:
    """The execution, once it is over."""
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


async def heals(studio: Studio) -> Handle:
    """The first remediation helps, and people are told."""
    return await ended(await studio.start(studio.machine(cures="a"), **NOBODY))


async def undoes_then_heals(studio: Studio) -> Handle:
    """The second one helps."""
    return await ended(await studio.start(studio.machine(cures="b")))


async def nothing_left(studio: Studio) -> Handle:
    """None helps."""
    return await ended(await studio.start(studio.machine()))


async def recovers(studio: Studio) -> Handle:
    """It is well."""
    return await ended(await studio.start(studio.machine(health="ok")))


async def observes(studio: Studio) -> Handle:
    """Nothing may be touched."""
    return await ended(await studio.start(studio.machine(cures="a"), autonomy="observe"))


async def not_undoable(studio: Studio) -> Handle:
    """The first one cannot be taken back."""
    return await ended(await studio.start(studio.machine(cures="b"), parameters={"buttons": ["a-", "b"]}))


async def apply_fails(studio: Studio) -> Handle:
    """The first one fails, and is undone all the same."""
    machine = studio.machine(cures="b")
    studio.world.machines[machine].jams.add("a")
    return await ended(await studio.start(machine))


async def effect_unknown(studio: Studio) -> Handle:
    """Nobody saw how the first one ended, so the facts tell."""
    machine = studio.machine(cures="a")
    studio.world.machines[machine].vanishes.add("a")
    return await ended(await studio.start(machine))


async def undo_fails(studio: Studio) -> Handle:
    """The first one cannot be taken back although it should be."""
    machine = studio.machine(cures="b")
    studio.world.machines[machine].jams.add("una")
    return await ended(await studio.start(machine))


async def approved(studio: Studio) -> Handle:
    """A person says yes, after an answer by somebody else that did not count."""
    handle = await studio.start(studio.machine(cures="a"), autonomy="approve", approvers=["ann"], **NOBODY)
    request = await studio.question(handle)
    with suppress(WorkflowUpdateFailedError):
        await handle.execute_update("decide", {"request": request.id, "approved": True, "by": "eve"})
    await handle.signal("decide", "nonsense")
    await studio.decide(handle, approved=True)
    return await ended(handle)


async def rejected_by_signal(studio: Studio) -> Handle:
    """A person says no."""
    handle = await studio.start(studio.machine(cures="a"), autonomy="approve")
    request = await studio.question(handle)
    await handle.signal("decide", {"request": request.id, "approved": False, "by": "bob", "reason": "not now"})
    return await ended(handle)


async def risky(studio: Studio) -> Handle:
    """Too risky to be done without asking."""
    handle = await studio.start(studio.machine(cures="a"), parameters={"buttons": ["a!"]})
    await studio.decide(handle, approved=True)
    return await ended(handle)


async def nobody_answers(studio: Studio) -> Handle:
    """The question expires."""
    return await ended(await studio.start(studio.machine(), autonomy="approve", approve_within="500ms"))


async def recovers_while_asking(studio: Studio) -> Handle:
    """What was approved does not apply any more."""
    machine = studio.machine(cures="a")
    handle = await studio.start(machine, autonomy="approve")
    await studio.question(handle)
    studio.world.machines[machine].health = "ok"
    await studio.decide(handle, approved=True)
    return await ended(handle)


async def resolved_while_asking(studio: Studio) -> Handle:
    """The alert ends, after another one joined, while a question is open."""
    machine = studio.machine(cures="a")
    handle = await studio.start(machine, autonomy="approve")
    await studio.question(handle)
    await handle.signal("alert", studio.case(machine, alert="MachineSlow").alert)
    for alert in ("MachineSlow", "MachineBroken"):
        await handle.signal("alert", studio.case(machine, alert=alert, status="resolved").alert)
    return await ended(handle)


async def doubtful(studio: Studio) -> Handle:
    """Start one whose effect nobody can tell, up to the question whether to keep it."""
    machine = studio.machine(cures="a")
    studio.world.machines[machine].after_cure = "unknown"
    handle = await studio.start(machine, parameters={"buttons": ["a"]}, approve_within="10s")
    await studio.question(handle)
    return handle


async def doubt_is_rejected(studio: Studio) -> Handle:
    """A person says to undo it."""
    handle = await doubtful(studio)
    await studio.decide(handle, approved=False)
    return await ended(handle)


async def doubt_is_resolved(studio: Studio) -> Handle:
    """The end of the alert settles it."""
    handle = await doubtful(studio)
    machine = handle.id.split(":")[1]
    await handle.signal("alert", studio.case(machine, status="resolved").alert)
    return await ended(handle)


async def doubt_is_kept(studio: Studio) -> Handle:
    """Nobody says anything."""
    machine = studio.machine(cures="a")
    studio.world.machines[machine].after_cure = "unknown"
    return await ended(await studio.start(machine, parameters={"buttons": ["a"]}, approve_within="500ms"))


async def deadline(studio: Studio) -> Handle:
    """Time is up while a change is verified."""
    verify = {"within": "1h", "settle": "0s", "every": "200ms"}
    return await ended(await studio.start(studio.machine(), deadline="1s", verify=verify))


async def cancelled(studio: Studio) -> Handle:
    """Somebody cancels it in the middle of a change."""
    machine = studio.machine(cures="a")
    studio.world.machines[machine].hangs.add("a")
    studio.world.reached.clear()
    handle = await studio.start(machine)
    await asyncio.wait_for(studio.world.reached.wait(), 30)
    await handle.cancel()
    return await ended(handle)


async def cancelled_while_asking(studio: Studio) -> Handle:
    """Somebody cancels it before anything was changed."""
    handle = await studio.start(studio.machine(cures="a"), autonomy="approve")
    await studio.question(handle)
    await handle.cancel()
    return await ended(handle)


async def mistake(studio: Studio) -> Handle:
    """The runbook raises."""
    return await ended(await studio.start(studio.machine(), parameters={"mistake": "propose"}))


async def escalates(studio: Studio) -> Handle:
    """The runbook hands over by itself."""
    return await ended(await studio.start(studio.machine(), parameters={"mistake": "escalate"}))


async def blind(studio: Studio) -> Handle:
    """The target cannot be seen."""
    machine = studio.machine()
    studio.world.machines[machine].blind = True
    return await ended(await studio.start(machine))


SCENES: tuple[Scene, ...] = (
    heals,
    undoes_then_heals,
    nothing_left,
    recovers,
    observes,
    not_undoable,
    apply_fails,
    effect_unknown,
    undo_fails,
    approved,
    rejected_by_signal,
    risky,
    nobody_answers,
    recovers_while_asking,
    resolved_while_asking,
    doubt_is_rejected,
    doubt_is_resolved,
    doubt_is_kept,
    deadline,
    cancelled,
    cancelled_while_asking,
    mistake,
    escalates,
    blind,
)
