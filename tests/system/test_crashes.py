import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest

from models.decision import Decided, Decision
from models.ids import guard_id
from models.outcome import Ending
from tests.services.ports import free_port
from tests.services.waiting import eventually
from tests.system.house import House
from tests.system.house import house as open_house
from tests.system.processes import Process, kill
from worker.demo.stage import Copy
from worker.embedded import EmbeddedTemporal

pytestmark = pytest.mark.xdist_group("crashes")

DOORS = [f"door-{number:02}" for number in range(40)]
SENDERS = 8
VERIFY = {"within": "60s", "settle": "0s", "every": "200ms"}


class Town:
    """A Temporal server, a gateway and a worker, each of which can be killed; and services around them."""

    def __init__(self, house: House, server: EmbeddedTemporal, copies: dict[str, Copy]) -> None:
        self.house = house
        self.server = server
        self.copies = copies
        self._parts: dict[str, Process] = {}

    async def start(self, part: str) -> None:
        """Start the gateway or the worker, unless it runs."""
        if part not in self._parts or not self._parts[part].running:
            self._parts[part] = await self.house.start(part)

    def kill(self, part: str) -> None:
        """End it with -9."""
        self._parts[part].kill()

    async def kill_temporal(self) -> None:
        """End the server with -9."""
        pid = self.server.pid
        assert pid is not None
        kill(pid)
        await self.server.ended()
        await self.server.stop()

    async def hang(self, name: str) -> Copy:
        """Freeze a service whose restart takes some seconds, and wait until that restart is under way."""
        copy = self.copies[name]
        (copy.folder / "slow").write_text("3")
        copy.freeze()
        await self.house.alert("ServiceDown", service=name)

        async def restarting() -> bool:
            return "restart" in copy.effects()

        await eventually(restarting, within=60)
        return copy

    async def ending(self, name: str) -> Ending:
        """How the execution on a service ends."""
        return (await self.house.end(await self.house.execution(f"service:local/{name}"))).ending


@pytest.fixture(scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory, temporal: EmbeddedTemporal) -> AsyncIterator[Town]:
    """A town of its own, with nothing killed yet."""
    folder = tmp_path_factory.mktemp("town")
    copies = {name: Copy(folder / "shops" / name, free_port()) for name in ("crash-worker", "crash-temporal", "mail")}
    server = EmbeddedTemporal(
        state_dir=folder / "temporal",
        port=free_port(),
        ui_port=None,
        search_attributes=temporal.search_attributes,
        program=temporal.program,
    )
    async with server, open_house(folder / "house", server.address) as house:
        doors = [{"name": name, "commands": {"status": ["false"], "restart": ["true"]}} for name in DOORS]
        services = [{**copy.declared(reloads=False), "watch": False} for copy in copies.values()]
        each: dict[str, Any] = {"runbook": "ServiceUnhealthy", "verify": VERIFY, "cooldown": "0s"}
        asks = {"name": "ask", "match": {"labels": {"service": "mail"}}, "autonomy": "approve", **each}
        looks = {"name": "look", "match": {"labels": {"service": DOORS}}, "autonomy": "observe", **each}
        house.declare(
            services=[*services, *doors], policies=[asks, looks, {"name": "heal", "autonomy": "auto", **each}]
        )
        try:
            for copy in copies.values():
                copy.folder.mkdir(parents=True)
                copy.build()
            yield Town(house, server, copies)
        finally:
            for copy in copies.values():
                copy.shop.stop()


@pytest.fixture(autouse=True)
async def everything_runs(town: Town) -> None:
    """Each test begins with a whole town."""
    for part in ("gateway", "worker"):
        await town.start(part)


async def test_a_worker_killed_in_the_middle_of_a_restart(town: Town) -> None:
    """The restart goes on without it, the next worker sees that it was made, and the service is healed."""
    copy = await town.hang("crash-worker")
    town.kill("worker")
    assert copy.effects() == ["started 1.4.0", "restart"]
    await town.start("worker")
    assert await town.ending("crash-worker") is Ending.HEALED
    assert (await copy.asks())[0] == httpx.codes.OK
    assert copy.effects() == ["started 1.4.0", "restart", "started 1.4.0"]


async def test_a_gateway_killed_again_and_again(town: Town) -> None:
    """A sender that repeats what was not accepted has each alert taken, and none starts two, not even sent again."""
    waiting, accepted = list(DOORS), list[str]()

    async def sender() -> None:
        while waiting:
            name = waiting.pop()
            await eventually(partial(delivered, town.house, name), within=120)
            accepted.append(name)

    async def killer() -> None:
        for count in (len(DOORS) // 4, len(DOORS) // 2):
            await eventually(partial(enough, accepted, count), within=60)
            town.kill("gateway")
            await town.start("gateway")

    async with asyncio.TaskGroup() as group:
        group.create_task(killer())
        for _ in range(SENDERS):
            group.create_task(sender())

    assert sorted(accepted) == DOORS
    assert all([await delivered(town.house, name) for name in DOORS])
    started = {name: await executions(town.house, name) for name in DOORS}
    assert started == dict.fromkeys(DOORS, 1)


async def delivered(house: House, name: str) -> bool:
    """Send an alert once; whether it was accepted. No answer and 5xx are to be tried again, all else is not."""
    try:
        answer = await house.send("ServiceDown", service=name)
    except httpx.TransportError:
        return False
    assert answer.status_code == httpx.codes.ACCEPTED or answer.is_server_error, answer.text
    return answer.is_success


async def enough(accepted: list[str], count: int) -> bool:
    """Whether so many were accepted."""
    return len(accepted) >= count


async def executions(house: House, name: str) -> int:
    """How many executions the guard of a service has started, once it has dealt with all that was sent to it."""
    target = f"service:local/{name}"
    await eventually(partial(house.memory, target), within=60)
    history = await (await house.client()).get_workflow_handle(guard_id(target)).fetch_history()
    kinds = Counter(event.WhichOneof("attributes") for event in history.events)
    return kinds["start_child_workflow_execution_initiated_event_attributes"]


async def test_temporal_killed_in_the_middle_of_a_fix(town: Town) -> None:
    """While it is away the gateway says so and when to come again; after its start all goes on where it was."""
    house = town.house
    town.copies["mail"].freeze()
    await house.alert("ServiceDown", service="mail")
    asking = await house.execution("service:local/mail")
    request = await house.question(asking)
    copy = await town.hang("crash-temporal")
    await town.kill_temporal()

    refused = await house.send("ServiceDown", service="mail")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert [await house.status(path) for path in ("/healthz", "/readyz")] == [200, 503]

    await town.server.start()
    await eventually(lambda: delivered(house, "mail"), within=60)
    assert await town.ending("crash-temporal") is Ending.HEALED
    assert copy.effects() == ["started 1.4.0", "restart", "started 1.4.0"]
    assert (await house.question(asking)).id == request.id
    assert town.copies["mail"].effects() == ["started 1.4.0"]
    answer = Decision(request=request.id, approved=True, by="ann")
    await asking.execute_update("decide", answer, result_type=Decided)
    assert await town.ending("mail") is Ending.HEALED
    assert town.copies["mail"].effects() == ["started 1.4.0", "restart", "started 1.4.0"]
