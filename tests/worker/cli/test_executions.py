import asyncio
from datetime import datetime
from uuid import uuid4

from temporalio.common import SearchAttributePair, TypedSearchAttributes

from models.outcome import Outcome
from tests.services.waiting import eventually
from tests.worker.cli.conftest import Execution, asking, execution_on, listed
from tests.worker.cli.terminal import Selfheal
from tests.workflows.conftest import Bench
from worker.cli.finding import Where, newest
from workflows.attributes import APPROVAL, AUTONOMY, POLICY, RUNBOOK, TARGET

KEYS = {
    "id",
    "run",
    "runbook",
    "target",
    "policy",
    "autonomy",
    "state",
    "outcome",
    "verdict",
    "started_at",
    "ended_at",
    "took",
    "waits_for",
}


async def orphan(
    bench: Bench, policy: str, *, target: str = "service:local/x", approval: str | None = None
) -> Execution:
    """An execution that no worker knows of."""
    pairs: list[SearchAttributePair[str]] = [
        SearchAttributePair(RUNBOOK, "MachineBroken"),
        SearchAttributePair(TARGET, target),
        SearchAttributePair(POLICY, policy),
        SearchAttributePair(AUTONOMY, "auto"),
    ]
    if approval:
        pairs.append(SearchAttributePair(APPROVAL, approval))
    return await bench.client.start_workflow(
        "MachineBroken",
        bench.case("nobody"),
        id=f"MachineBroken:{uuid4().hex}",
        task_queue="nobody-listens",
        search_attributes=TypedSearchAttributes(pairs),
        static_summary="MachineBroken on service:local/x",
        result_type=Outcome,
    )


async def policy_of(bench: Bench, count: int) -> tuple[str, list[Execution]]:
    """A policy of its own with so many executions, in the order of their beginning."""
    policy = f"p{uuid4().hex[:8]}"
    executions = []
    for _ in range(count):
        execution = await execution_on(bench, bench.machine(health="ok"), name=policy)
        await execution.result()
        executions.append(execution)
    await listed(bench, f"Policy = '{policy}' AND ExecutionStatus = 'Completed'", count)
    return policy, executions


async def test_list_has_the_newest_first(bench: Bench, selfheal: Selfheal) -> None:
    """Executions are sorted by when they began, not by when they ended."""
    policy = f"p{uuid4().hex[:8]}"
    first, request = await asking(bench, name=policy)
    second = await execution_on(bench, bench.machine(health="ok"), name=policy)
    await second.result()
    await first.signal("decide", {"request": request.id, "approved": False, "by": "ann"})
    await first.result()
    await listed(bench, f"Policy = '{policy}' AND ExecutionStatus = 'Completed'", 2)

    ended = await selfheal("executions", "list", "--policy", policy, "--json")

    assert (ended.code, ended.err) == (0, "")
    assert [one["id"] for one in ended.json["executions"]] == [second.id, first.id]
    assert [one["outcome"] for one in ended.json["executions"]] == ["recovered", "rejected"]
    assert not ended.json["more"]


async def test_the_newest_are_those_that_began_last(bench: Bench, selfheal: Selfheal) -> None:
    """One that began long ago and has just ended does not push a newer one off a short list."""
    policy = f"p{uuid4().hex[:8]}"
    oldest, request = await asking(bench, name=policy)
    others = [await execution_on(bench, bench.machine(health="ok"), name=policy) for _ in range(3)]
    await asyncio.gather(*(one.result() for one in others))
    await oldest.signal("decide", {"request": request.id, "approved": False, "by": "ann"})
    await oldest.result()
    await listed(bench, f"Policy = '{policy}' AND ExecutionStatus = 'Completed'", 4)

    ended = await selfheal("executions", "list", "--policy", policy, "--limit", "2", "--json")

    assert {one["id"] for one in ended.json["executions"]} < {one.id for one in others}
    assert ended.json["more"]
    assert ended.err == "There are more than these 2: raise --limit to see them.\n"


async def test_the_keys_of_a_listed_execution_are_stable(bench: Bench, selfheal: Selfheal) -> None:
    """Programs can rely on what --json has, and on its types."""
    policy, [execution] = await policy_of(bench, 1)

    [one] = (await selfheal("executions", "list", "--policy", policy, "--json")).json["executions"]

    assert set(one) == KEYS
    assert (one["id"], one["runbook"], one["autonomy"]) == (execution.id, "MachineBroken", "auto")
    assert (one["state"], one["outcome"], one["verdict"]) == ("completed", "recovered", "healthy")
    assert datetime.fromisoformat(one["ended_at"]) > datetime.fromisoformat(one["started_at"])
    assert one["took"] > 0
    assert one["waits_for"] is None


async def test_list_can_be_narrowed(bench: Bench, selfheal: Selfheal) -> None:
    """Each option leaves out what it does not mean."""
    policy = f"p{uuid4().hex[:8]}"
    waiting, request = await asking(bench, name=policy)
    target = f"service:local/{request.proposal.arguments['machine']}"
    done = await execution_on(bench, bench.machine(health="ok"), name=policy)
    await done.result()
    await listed(bench, f"Policy = '{policy}' AND Outcome = 'recovered' AND ExecutionStatus = 'Completed'")
    await listed(bench, f"Approval = '{request.id}'")

    async def ids(*options: str) -> list[str]:
        ended = await selfheal("executions", "list", "--policy", policy, "--json", *options)
        return [one["id"] for one in ended.json["executions"]]

    options = (["--open"], ["--outcome", "recovered"], ["--target", target], ["--runbook", "MachineBroken"])
    found = await asyncio.gather(*(ids(*one) for one in options))
    assert found == [[waiting.id], [done.id], [waiting.id], [done.id, waiting.id]]
    assert await ids("--runbook", "Other") == []


async def test_values_are_data_in_a_query(bench: Bench) -> None:
    """Quotes, backslashes and query language in a value find what bears it and nothing else."""
    values = ["it's", 'a"b', "a\\b", "a\\'b", "x' OR Policy IS NOT NULL OR Policy = 'x", "''", '"', "ü %_"]
    marked = {value: f"{value}{uuid4().hex[:8]}" for value in values}
    executions = {value: await orphan(bench, policy) for value, policy in marked.items()}
    known = ", ".join(f"'{execution.id}'" for execution in executions.values())
    await listed(bench, f"WorkflowId IN ({known})", len(values))

    for value, policy in marked.items():
        found, _ = await newest(bench.client, Where(policy=policy), 10)
        assert [one.id for one in found] == [executions[value].id], value


async def test_an_unknown_outcome_is_not_taken_for_none(selfheal: Selfheal) -> None:
    """A misspelt outcome is an error that names the known ones, not an empty list."""
    ended = await selfheal("executions", "list", "--outcome", "heeled")
    assert ended.code == 2
    assert "'heeled' is none of healed, recovered" in ended.err


async def test_list_for_people_has_one_line_for_each(bench: Bench, selfheal: Selfheal) -> None:
    """In a pipe every execution is one line with its whole id, without colour."""
    execution, request = await asking(bench)
    await listed(bench, f"Approval = '{request.id}'")

    ended = await selfheal("executions", "list", "--open", "--limit", "500")

    [line] = [line for line in ended.out.splitlines() if execution.id in line]
    assert ended.out.splitlines()[0].split()[:2] == ["EXECUTION", "RUNBOOK"]
    assert "waiting" in line
    assert f"approval {request.id}" in line
    assert "\x1b" not in ended.out


async def test_a_narrow_terminal_shows_the_end_of_an_id(bench: Bench, selfheal: Selfheal) -> None:
    """Where whole ids do not fit, what is shown of them still finds the execution."""
    policy, [execution] = await policy_of(bench, 1)
    tail = execution.id.rpartition(":")[2]

    async with selfheal.terminal("executions", "list", "--policy", policy, columns=90) as terminal:
        assert await terminal.ended() == 0
        await terminal.sees(tail)
        assert execution.id not in terminal.screen
        assert "\x1b[32mrecovered" in terminal.screen

    shown = await selfheal("executions", "show", tail, "--json")
    assert shown.json["execution"]["id"] == execution.id


async def test_no_color_is_heeded_on_a_terminal(bench: Bench, selfheal: Selfheal) -> None:
    """NO_COLOR takes the colour away; see no-color.org."""
    policy, _ = await policy_of(bench, 1)
    async with selfheal.terminal("executions", "list", "--policy", policy, env={"NO_COLOR": "1"}) as terminal:
        assert await terminal.ended() == 0
        await terminal.sees("recovered")
        assert "\x1b[3" not in terminal.screen


async def test_show_tells_the_story(bench: Bench, selfheal: Selfheal) -> None:
    """One page has alert, facts, verdict, changes with their fates, the story and the outcome."""
    execution = await execution_on(bench, bench.machine(cures="b"))
    await execution.result()

    ended = await selfheal("executions", "show", execution.id)

    assert (ended.code, ended.err) == (0, "")
    told = " ".join(ended.out.split())
    for text in (
        "alert MachineBroken",
        "policy heal-machines (auto)",
        "verdict healthy",
        "health ok",
        "1. Press a. undone, unhealthy",
        "2. Press b. kept, healthy",
        "applying: Press b.",
        "healed: Press b.",
    ):
        assert text in told


async def test_show_has_the_commands_that_answer(bench: Bench, selfheal: Selfheal) -> None:
    """An open question is shown with its plan and with what to type."""
    execution, request = await asking(bench, approvers=["ann"])

    ended = await selfheal("executions", "show", execution.id)

    assert "Apply this? Press a." in ended.out
    assert f"selfheal approve {request.id} --reason WHY" in ended.out
    assert f"selfheal reject {request.id} --reason WHY" in ended.out
    assert "Waits for ann until" in ended.out
    assert "2. Press b. (low risk; undo: It is let go.)" in ended.out


async def test_show_as_json(bench: Bench, selfheal: Selfheal) -> None:
    """Programs get the same, with stable keys."""
    execution = await execution_on(bench, bench.machine(cures="a"))
    await execution.result()

    shown = (await selfheal("executions", "show", execution.id, "--json")).json

    assert set(shown) == {"execution", "summary", "progress", "result", "failure", "steps", "note"}
    assert shown["execution"]["outcome"] == "healed"
    assert shown["progress"]["changes"][0]["fate"] == "kept"
    assert shown["result"]["ending"] == "healed"
    assert (shown["failure"], shown["note"]) == ("", "")


async def test_show_without_a_worker_tells_what_temporal_knows(bench: Bench, selfheal: Selfheal) -> None:
    """When nobody answers the query, that is said, and the rest is shown all the same."""
    execution = await orphan(bench, "orphans", approval="00c0ffee")

    ended = await selfheal("executions", "show", execution.id)
    as_json = await selfheal("executions", "show", execution.id, "--json")

    assert ended.code == 0
    assert "No worker answers within 3 s" in ended.out
    assert "alert    MachineBroken on service:local/x" in ended.out
    assert "Waits for an answer to request 00c0ffee" in ended.out
    assert as_json.json["progress"] is None
    assert "No worker answers" in as_json.err


async def test_show_of_a_terminated_execution_says_why(bench: Bench, selfheal: Selfheal) -> None:
    """What ended without an outcome is told with its reason."""
    execution = await orphan(bench, "orphans")
    await execution.terminate(reason="enough")

    ended = await selfheal("executions", "show", execution.id)

    assert ended.code == 0
    assert "state    terminated" in ended.out
    assert "Ended without an outcome\n  enough" in ended.out


async def test_show_has_the_steps_that_are_under_way(bench: Bench, selfheal: Selfheal) -> None:
    """A change that takes long is seen as such."""
    machine = bench.machine(cures="a")
    bench.world.machines[machine].hangs.add("a")
    execution = await execution_on(bench, machine)

    async def pushing() -> bool:
        shown = (await selfheal("executions", "show", execution.id, "--json")).json
        return [(step["step"], step["state"]) for step in shown["steps"]] == [("push", "started")]

    await eventually(pushing)
    await execution.terminate()


async def test_an_id_may_be_shortened(bench: Bench, selfheal: Selfheal) -> None:
    """Any part of an id will do that no other recent execution has."""
    _, [execution] = await policy_of(bench, 1)
    machine = execution.id.split("/")[1].split(":")[0]

    ended = await selfheal("executions", "show", machine, "--json")

    assert ended.json["execution"]["id"] == execution.id


async def test_an_ambiguous_id_lists_the_candidates(bench: Bench, selfheal: Selfheal) -> None:
    """Several executions with that part are named, and nothing is guessed."""
    _, executions = await policy_of(bench, 2)

    ended = await selfheal("executions", "show", "MachineBroken:service:local/m")

    assert (ended.code, ended.out) == (1, "")
    assert "could be any of these" in ended.err
    assert executions[1].id in ended.err


async def test_an_unknown_id_is_said_to_be_so(bench: Bench, selfheal: Selfheal) -> None:
    """An id of nothing, or of a workflow that is no execution, is an error."""
    guard = await bench.alert(bench.case(bench.machine(health="ok")))
    for id_ in ("no-such-execution", guard.id, ""):
        ended = await selfheal("executions", "show", id_, "--json")
        assert (ended.code, ended.out) == (1, "")
        assert f"no execution has {id_!r} in its id" in ended.err


async def test_text_from_outside_cannot_steer_the_terminal(bench: Bench, selfheal: Selfheal) -> None:
    """A name with escape sequences is shown without them, and markup stays text."""
    execution = await orphan(bench, "[red]odd[/]\x1b[2J\x1b]0;title\x07")

    ended = await selfheal("executions", "show", execution.id)

    assert "[red]odd[/]\N{REPLACEMENT CHARACTER}[2J" in ended.out
    assert "\x1b" not in ended.out


async def test_temporal_away_is_one_clear_line(selfheal: Selfheal) -> None:
    """Without a server the command says so, what to do, and fails."""
    ended = await selfheal("executions", "list", "--json", env={"TEMPORAL_ADDRESS": "127.0.0.1:1"})
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.count("\n") == 1
    assert "Start it with 'selfheal up'" in ended.err
