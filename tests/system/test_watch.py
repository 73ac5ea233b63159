from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from models.ids import watch_id
from models.outcome import Ending
from tests.services.ports import free_port
from tests.services.waiting import eventually
from tests.system.endpoint import Endpoint
from tests.system.endpoint import endpoint as open_endpoint
from tests.system.house import House
from tests.system.house import house as open_house
from worker.embedded import EmbeddedTemporal
from workflows.watch import WatchState

pytestmark = pytest.mark.xdist_group("watch")

AUTO = {
    "name": "services",
    "runbook": "ServiceUnhealthy",
    "autonomy": "auto",
    "verify": {"within": "60s", "settle": "0s", "every": "200ms"},
}

OpenEndpoint = Callable[[str], Endpoint]


@pytest.fixture(scope="module")
async def own_temporal(tmp_path_factory: pytest.TempPathFactory, temporal: EmbeddedTemporal) -> AsyncIterator[str]:
    """A Temporal server with no watches but those of these tests: who declares watches ends all others."""
    async with EmbeddedTemporal(
        state_dir=tmp_path_factory.mktemp("watched"),
        port=free_port(),
        ui_port=None,
        search_attributes=temporal.search_attributes,
        program=temporal.program,
    ) as server:
        yield server.address


@pytest.fixture
async def house(tmp_path: Path, own_temporal: str) -> AsyncIterator[House]:
    """A house on that server."""
    async with open_house(tmp_path / "house", own_temporal) as opened:
        yield opened


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[OpenEndpoint]:
    """Opens health endpoints."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(open_endpoint(tmp_path / name))


@dataclass(frozen=True)
class Watched:
    """A service with a watch, and how a test looks at that."""

    house: House
    endpoint: Endpoint

    @property
    def target(self) -> str:
        """The service's id."""
        return f"service:local/{self.endpoint.folder.name}"

    async def watch(self) -> WorkflowHandle[Any, Any]:
        """The watch over it."""
        return (await self.house.client()).get_workflow_handle(watch_id(self.target))

    async def run_id(self) -> str | None:
        """Which run of the watch is the present one."""
        return (await (await self.watch()).describe()).run_id

    async def well(self, path: str = "/healthz", probes: int = 3) -> None:
        """Wait until it was found well so many times in a row."""

        async def found() -> bool:
            return self.endpoint.well_in_a_row(path) >= probes

        await eventually(found, within=60)

    async def ending(self) -> Ending:
        """How the execution that was started last on it ends."""
        return (await self.house.end(await self.house.execution(self.target))).ending

    async def reports(self) -> list[str]:
        """Which reports its guard has had, in order; empty while there is no guard."""
        memory = await self.house.memory(self.target)
        return [key.rpartition(":")[2] for key in memory.reports] if memory else []

    async def raised(self) -> int:
        """How many times the watch raised an alert."""
        history = await (await self.watch()).fetch_history()
        scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
        return sum(attributes.activity_type.name == "raise_alert" for attributes in scheduled)


@pytest.fixture(scope="module")
async def two(tmp_path_factory: pytest.TempPathFactory, own_temporal: str) -> AsyncIterator[tuple[Watched, Watched]]:
    """A worker that watches two services."""
    folder = tmp_path_factory.mktemp("two")
    with open_endpoint(folder / "watch-sick") as sick, open_endpoint(folder / "watch-blips") as blips:
        async with open_house(folder / "house", own_temporal) as house:
            house.declare(services=[sick.declared(success_threshold=2), blips.declared()], policies=[AUTO])
            await house.start("worker")
            yield Watched(house, sick), Watched(house, blips)


async def test_a_sick_service_is_healed_without_a_monitoring_system(two: tuple[Watched, Watched]) -> None:
    """The watch notices, the service is restarted once, and the watch tells the end of it too."""
    service, _ = two
    await service.well()
    service.endpoint.fall_sick()
    assert await service.ending() is Ending.HEALED
    assert service.endpoint.effects() == ["restart"]
    await service.well()

    async def both() -> bool:
        return await service.reports() == ["firing", "resolved"]

    await eventually(both, within=60)
    assert await service.raised() == 2


async def test_blips_raise_nothing(two: tuple[Watched, Watched]) -> None:
    """Two failed probes in a row, however often, are no alert where three are asked for; three are."""
    _, service = two
    for _ in range(4):
        await service.well()
        service.endpoint.fail_next(2)
    await service.well()
    assert sum(not fine for _, fine in service.endpoint.probes) == 8
    assert (await service.reports(), await service.raised()) == ([], 0)
    service.endpoint.fail_next(3)
    assert await service.ending() is Ending.RECOVERED
    assert service.endpoint.effects() == []


async def test_a_worker_that_is_restarted_repeats_nothing(house: House, endpoint: OpenEndpoint) -> None:
    """A new worker goes on with the watch and what it knows: the alert that was raised is not raised again."""
    service = Watched(house, endpoint("watch-restart"))
    declared = service.endpoint.declared()
    house.declare(services=[declared], policies=[{**AUTO, "autonomy": "observe", "cooldown": "0s"}])
    first = await house.start("worker")
    await service.well()
    service.endpoint.fall_sick()
    execution = await house.execution(service.target)
    assert await service.ending() is Ending.OBSERVED
    run = await service.run_id()
    await first.stop()
    before = len(service.endpoint.probes)
    await house.start("worker")

    async def probed() -> bool:
        return len(service.endpoint.probes) >= before + 8

    await eventually(probed, within=60)
    assert (await service.run_id(), await service.raised(), await service.reports()) == (run, 1, ["firing"])
    assert (await house.execution(service.target)).id == execution.id


async def test_a_changed_policy_file_changes_the_watches(house: House, endpoint: OpenEndpoint) -> None:
    """After a restart each watch asks what is declared now, and what is not declared any more is not watched."""
    changed, gone, unwatched = (
        Watched(house, endpoint(name)) for name in ("watch-changed", "watch-gone", "watch-unwatched")
    )
    every = (changed, gone, unwatched)
    house.declare(services=[service.endpoint.declared() for service in every], policies=[AUTO])
    first = await house.start("worker")
    for service in every:
        await service.well()
    run = await changed.run_id()
    await first.stop()
    now = changed.endpoint.declared(path="/ready", failure_threshold=1)
    house.declare(services=[now, {**unwatched.endpoint.declared(), "watch": False}], policies=[AUTO])
    await house.start("worker")

    await changed.well("/ready")
    state = await eventually(partial(house.ask, await changed.watch(), "state"), within=60)
    health = WatchState.model_validate(state).service.health
    assert health is not None
    assert (health.path, health.failure_threshold, await changed.run_id()) == ("/ready", 1, run)
    changed.endpoint.fail_next(1, "/ready")
    assert await changed.ending() is Ending.RECOVERED
    for service in (gone, unwatched):
        handle = await service.watch()

        async def cancelled(handle: WorkflowHandle[Any, Any] = handle) -> bool:
            return (await handle.describe()).status is WorkflowExecutionStatus.CANCELED

        await eventually(cancelled, within=60)
