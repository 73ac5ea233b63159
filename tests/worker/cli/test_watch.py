import asyncio
import json

from tests.services.waiting import eventually
from tests.worker.cli.conftest import asking, execution_on
from tests.worker.cli.terminal import Selfheal
from tests.worker.cli.test_executions import orphan
from tests.workflows.conftest import Bench


async def test_watch_prints_lines_as_they_come(bench: Bench, selfheal: Selfheal) -> None:
    """In a pipe each step is a line; a healed execution ends it with 0."""
    execution, request = await asking(bench)
    watching = asyncio.create_task(selfheal("executions", "watch", execution.id))
    await execution.signal("decide", {"request": request.id, "approved": True, "by": "ann"})

    ended = await watching

    assert ended.code == 0
    lines = [line.split("  ", 1)[-1] for line in ended.out.splitlines()]
    assert lines[0] == execution.id
    assert [line for line in lines if line.startswith(("asked", "applying", "verified"))] == [
        f"asked to apply, request {request.id}: Press a.",
        "applying: Press a.",
        "verified: healthy",
    ]
    assert lines[-1] == "healed: Press a."


async def test_watch_of_what_needs_people_ends_with_3(bench: Bench, selfheal: Selfheal) -> None:
    """Scripts can tell an escalation from a success."""
    execution = await execution_on(bench, bench.machine())
    ended = await selfheal("executions", "watch", execution.id)
    assert ended.code == 3
    assert "escalated (nothing left)" in ended.out.splitlines()[-1]


async def test_watch_ends_well_where_nothing_was_to_be_done(bench: Bench, selfheal: Selfheal) -> None:
    """Recovered and observed count as well."""
    recovered = await execution_on(bench, bench.machine(health="ok"))
    observed = await execution_on(bench, bench.machine(), autonomy="observe")
    codes = [(await selfheal("executions", "watch", one.id)).code for one in (recovered, observed)]
    assert codes == [0, 0]


async def test_watch_as_json_is_one_object_on_each_line(bench: Bench, selfheal: Selfheal) -> None:
    """Programs read what happens line by line."""
    execution, request = await asking(bench)
    watching = asyncio.create_task(selfheal("executions", "watch", execution.id, "--json"))
    await execution.signal("decide", {"request": request.id, "approved": False, "by": "ann"})

    ended = await watching

    objects = [json.loads(line) for line in ended.out.splitlines()]
    kinds = [one["kind"] for one in objects]
    assert (kinds[0], kinds[-1], set(kinds[1:-1]) - {"request"}) == ("execution", "end", {"story"})
    assert objects[-1]["result"]["ending"] == "rejected"
    assert ended.code == 3


async def test_watch_on_a_terminal_keeps_the_page_up_to_date(bench: Bench, selfheal: Selfheal) -> None:
    """The open question is on the screen until it is answered, then the outcome."""
    execution, request = await asking(bench)
    async with selfheal.terminal("executions", "watch", execution.id) as terminal:
        await terminal.sees(f"selfheal approve {request.id}")
        await execution.signal("decide", {"request": request.id, "approved": True, "by": "ann"})
        assert await terminal.ended() == 0
        await terminal.sees("Press a. ")
        assert "healthy" in terminal.screen


async def test_ctrl_c_leaves_the_execution_running(bench: Bench, selfheal: Selfheal) -> None:
    """Whoever stops watching stops nothing else, and is told so."""
    execution, request = await asking(bench)
    async with selfheal.terminal("executions", "watch", execution.id) as terminal:
        await terminal.sees(request.id)
        terminal.interrupt()
        assert await terminal.ended() == 130
        await terminal.sees("the execution goes on")
    assert (await bench.question(execution)).id == request.id


async def test_watch_goes_on_without_a_worker(bench: Bench, selfheal: Selfheal) -> None:
    """While no worker answers, watching says so and waits; what ended without an outcome did not end well."""
    execution = await orphan(bench, "orphans")
    async with selfheal.terminal("executions", "watch", execution.id) as terminal:
        await terminal.sees("No worker answers within 3 s")
        await execution.terminate(reason="given up")
        assert await terminal.ended() == 3
        await terminal.sees("given up")


async def test_watch_sees_what_happened_before(bench: Bench, selfheal: Selfheal) -> None:
    """An execution that is over is told from its beginning."""
    execution = await execution_on(bench, bench.machine(cures="b"))
    await execution.result()

    async def told() -> list[str]:
        out = (await selfheal("executions", "watch", execution.id)).out
        return [line for line in out.splitlines() if "applying" in line]

    assert len(await eventually(told)) == 2
