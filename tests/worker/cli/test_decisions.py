import getpass
from uuid import uuid4

import pytest

from models.decision import Decision
from models.outcome import Ending, Outcome
from tests.services.waiting import eventually
from tests.worker.cli.conftest import Execution, asking, execution_on, listed
from tests.worker.cli.terminal import Selfheal
from tests.worker.cli.test_executions import orphan
from tests.workflows.conftest import Bench
from worker.cli.deciding import DoesNotCountError, send
from worker.cli.finding import find
from worker.embedded import EmbeddedTemporal
from worker.settings import Settings


async def outcome_of(execution: Execution) -> Outcome:
    """How it ended."""
    return await execution.result()


async def test_approve_lets_it_happen(bench: Bench, selfheal: Selfheal) -> None:
    """The request's id is enough; name and reason are kept."""
    execution, request = await asking(bench)

    ended = await selfheal("approve", request.id, "--reason", "looks right", "--by", "ann")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"Approved by ann: request {request.id} of {execution.id}\n"
    assert (await outcome_of(execution)).ending is Ending.HEALED
    [decided] = (await bench.progress(execution)).decided
    assert (decided.decision.by, decided.decision.reason) == ("ann", "looks right")


async def test_reject_ends_it(bench: Bench, selfheal: Selfheal) -> None:
    """Nothing is changed, and the reason is in the outcome."""
    execution, request = await asking(bench)

    ended = await selfheal("reject", request.id, "--reason", "not now", env={"SELFHEAL_USER": "bob"})

    assert ended.code == 0
    outcome = await outcome_of(execution)
    assert (outcome.ending, outcome.changes) == (Ending.REJECTED, ())
    assert outcome.text == "bob rejected it: not now"


async def test_the_user_of_the_machine_decides(bench: Bench, selfheal: Selfheal) -> None:
    """Without --by and SELFHEAL_USER it is who is logged in."""
    execution, request = await asking(bench)
    ended = await selfheal("approve", request.id, "--json")
    assert ended.json["decision"] == {
        "request": request.id,
        "approved": True,
        "by": getpass.getuser(),
        "reason": "",
    }
    assert ended.json["execution"] == execution.id


async def test_who_is_no_approver_is_refused(bench: Bench, selfheal: Selfheal) -> None:
    """The refusal is printed as the execution told it, and the question stays open."""
    execution, request = await asking(bench, approvers=["ann"])

    ended = await selfheal("approve", request.id, "--by", "mallory")

    assert (ended.code, ended.out) == (4, "")
    assert ended.err == "error: 'mallory' is not an approver: this policy names ann\n"
    assert (await bench.question(execution)).id == request.id


async def test_a_second_answer_is_refused(bench: Bench, temporal: EmbeddedTemporal) -> None:
    """While lists still show the request as open, the execution itself knows better."""
    machine = bench.machine(cures="b")
    bench.world.machines[machine].hangs.add("a")
    execution = await execution_on(bench, machine, autonomy="approve")
    request = await bench.question(execution)
    settings, row = Settings(temporal_port=temporal.port), await find(bench.client, execution.id)
    await send(settings, row, Decision(request=request.id, approved=True, by="ann"))

    with pytest.raises(DoesNotCountError, match=f"request '{request.id}' was already approved by 'ann' at 2"):
        await send(settings, row, Decision(request=request.id, approved=False, by="bob"))

    await execution.terminate()
    with pytest.raises(DoesNotCountError, match="is over: nothing waits for an answer any more"):
        await send(settings, row, Decision(request=request.id, approved=False, by="bob"))


async def test_a_stale_id_is_refused(bench: Bench, temporal: EmbeddedTemporal) -> None:
    """The id of an earlier question does not answer the present one."""
    execution, request = await asking(bench)
    row = await find(bench.client, execution.id)
    with pytest.raises(DoesNotCountError, match=f"'0ld' is not open any more: the open one is '{request.id}'"):
        await send(Settings(temporal_port=temporal.port), row, Decision(request="0ld", approved=True, by="ann"))


async def test_an_id_that_is_nowhere_open_is_said_to_be_so(selfheal: Selfheal) -> None:
    """An answered, expired or invented id is looked for a moment, then told."""
    ended = await selfheal("approve", "deadbeef", "--by", "ann")
    assert (ended.code, ended.out) == (4, "")
    assert "nothing waits under 'deadbeef'" in ended.err


async def test_an_execution_that_asks_nothing_is_said_so(bench: Bench, selfheal: Selfheal) -> None:
    """The id of an execution that is over is no open question."""
    execution = await execution_on(bench, bench.machine(health="ok"))
    await execution.result()
    ended = await selfheal("approve", execution.id, "--by", "ann", "--yes")
    assert ended.code == 4
    assert f"{execution.id} asks nothing now: it is recovered" in ended.err


async def test_an_executions_id_needs_yes_without_a_terminal(bench: Bench, selfheal: Selfheal) -> None:
    """Nobody approves in a pipe what was not looked at."""
    execution, request = await asking(bench)

    refused = await selfheal("approve", execution.id, "--by", "ann")
    assert (refused.code, refused.out) == (2, "")
    assert "Apply this? Press a." in refused.err
    assert "name that request, or add --yes" in refused.err
    assert (await bench.question(execution)).id == request.id

    approved = await selfheal("approve", execution.id, "--by", "ann", "--yes")
    assert approved.code == 0
    assert (await outcome_of(execution)).ending is Ending.HEALED


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("Ctrl-C", 1)])
async def test_a_terminal_is_asked_back(bench: Bench, selfheal: Selfheal, answer: str, code: int) -> None:
    """With an execution's id the question is shown, and counts only when confirmed."""
    execution, request = await asking(bench)
    async with selfheal.terminal("approve", execution.id, "--by", "ann") as terminal:
        await terminal.sees("Approve it? [y/N]")
        assert "Press a." in terminal.screen
        if answer == "Ctrl-C":
            terminal.interrupt()
        else:
            terminal.types(answer)
        assert await terminal.ended() == code
    progress = await bench.progress(execution)
    assert [one.decision.request for one in progress.decided] == ([request.id] if code == 0 else [])


async def test_without_a_worker_the_signal_is_offered(bench: Bench, selfheal: Selfheal) -> None:
    """When nobody takes the answer in time, that is told with the way to leave it."""
    request = uuid4().hex[:8]
    execution = await orphan(bench, "orphans", approval=request)
    await listed(bench, f"Approval = '{request}'")

    ended = await selfheal("approve", request, "--by", "ann")
    assert (ended.code, ended.out) == (1, "")
    assert "no worker took the answer within 10 s; it may still be taken when one is back" in ended.err
    assert f"selfheal approve {request} --signal" in ended.err

    async with selfheal.terminal("approve", request, "--by", "ann") as terminal:
        await terminal.sees("Leave it with Temporal for sure, as a signal? [y/N]")
        terminal.types("y\n")
        assert await terminal.ended() == 0
    assert "WorkflowExecutionSignaledEventAttributes" in await events(execution)


async def test_an_answer_left_as_a_signal_counts(bench: Bench, selfheal: Selfheal) -> None:
    """What a worker finds when it is back is the same as if it had been asked."""
    execution, request = await asking(bench)
    ended = await selfheal("approve", request.id, "--by", "ann", "--signal")
    assert ended.code == 0
    assert f"Left with Temporal for {execution.id}" in ended.err
    assert (await outcome_of(execution)).ending is Ending.HEALED


async def test_a_request_is_found_as_soon_as_it_is_asked(bench: Bench, selfheal: Selfheal) -> None:
    """That Temporal's lists lag behind is waited out."""
    execution, request = await asking(bench)
    assert (await selfheal("reject", request.id, "--by", "ann")).code == 0

    async def over() -> bool:
        return (await bench.progress(execution)).outcome is not None

    await eventually(over)


async def test_an_answer_that_is_none_is_a_usage_error(bench: Bench, selfheal: Selfheal) -> None:
    """A reason without end is refused before anything is sent."""
    _, request = await asking(bench)
    ended = await selfheal("approve", request.id, "--by", "ann", "--reason", "x" * 5000)
    assert ended.code == 2
    assert "--reason: String should have at most 4096 characters" in ended.err


async def events(execution: Execution) -> str:
    """The history of an execution, as text."""
    return " ".join(
        type(event).__name__ + str(event.WhichOneof("attributes")).title().replace("_", "")
        for event in [event async for event in execution.fetch_history_events()]
    )
