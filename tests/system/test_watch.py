import re
from collections.abc import AsyncIterator, Iterator
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


@pytest.fixture(scope="module")
async def own_temporal(tmp_path_factory: pytest.TempPathFactory, temporal: EmbeddedTemporal) -> AsyncIterator[str]:
    """A Temporal server with no watches but those of these tests: who declares watches ends all others."""
    folder = tmp_path_factory.mktemp("watched")
    async with EmbeddedTemporal(
        state_dir=folder,
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
def endpoint(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    """A health endpoint named after the test."""
    with open_endpoint(tmp_path / re.sub(r"\W|_", "-", request.node.name).strip("-")) as served:
        yield served


def target(endpoint: Endpoint) -> str:
    """The id of the service behind it."""
    return f"service:local/{endpoint.folder.name}"


async def watch(house: House, endpoint: Endpoint) -> WorkflowHandle[Any, Any]:
    """The watch over it."""
    return (await house.client()).get_workflow_handle(watch_id(target(endpoint)))


async def well(endpoint: Endpoint, probes: int = 3, path: str = "/healthz") -> None:
    """Wait until it was found well so many times in a row."""

    async def found() -> bool:
        return endpoint.well_in_a_row(path) >= probes

    await eventually(found, within=60)


async def reported(house: House, endpoint: Endpoint) -> list[str]:
    """Which reports the guard of the service has had, in order; empty while there is no guard."""
    memory = await house.memory(target(endpoint))
    return [key.rpartition(":")[2] for key in memory.reports] if memory else []


async def raised(house: House, endpoint: Endpoint) -> int:
    """How many times the watch raised an alert."""
    history = await (await watch(house, endpoint)).fetch_history()
    return sum(
        event.activity_task_scheduled_event_attributes.activity_type.name == "raise_alert" for event in history.events
    )


async def test_a_sick_service_is_healed_without_a_monitoring_system(house: House, endpoint: Endpoint) -> None:
    """The watch notices, the service is restarted once, and the watch tells the end of it too."""
    house.declare(services=[endpoint.declared(success_threshold=2)], policies=[AUTO])
    await house.start("up")
    await well(endpoint)
    endpoint.fall_sick()
    outcome = await (await house.execution(target(endpoint))).result()
    assert outcome.ending is Ending.HEALED
    assert endpoint.effects() == ["restart"]
    await well(endpoint)

    async def both() -> bool:
        return await reported(house, endpoint) == ["firing", "resolved"]

    await eventually(both, within=60)
    assert await raised(house, endpoint) == 2


async def test_blips_raise_nothing(house: House, endpoint: Endpoint) -> None:
    """Two failed probes in a row, however often, are no alert where three are asked for; three are."""
    house.declare(services=[endpoint.declared()], policies=[AUTO])
    await house.start("up")
    for _ in range(4):
        await well(endpoint)
        endpoint.fail_next(2)
    await well(endpoint)
    assert sum(not fine for _, fine in endpoint.probes) == 8
    assert (await reported(house, endpoint), await raised(house, endpoint)) == ([], 0)
    endpoint.fail_next(3)
    outcome = await (await house.execution(target(endpoint))).result()
    assert outcome.ending is Ending.RECOVERED
    assert endpoint.effects() == []


async def test_a_worker_that_is_restarted_repeats_nothing(house: House, endpoint: Endpoint) -> None:
    """A new worker goes on with the watch and what it knows: the alert that was raised is not raised again."""
    house.declare(services=[endpoint.declared()], policies=[{**AUTO, "autonomy": "observe", "cooldown": "0s"}])
    first = await house.start("up")
    await well(endpoint)
    endpoint.fall_sick()
    execution = await house.execution(target(endpoint))
    assert (await execution.result()).ending is Ending.OBSERVED
    run = (await (await watch(house, endpoint)).describe()).run_id
    await first.stop()
    before = len(endpoint.probes)
    await house.start("up")

    async def probed() -> bool:
        return len(endpoint.probes) >= before + 8

    await eventually(probed, within=60)
    assert (await (await watch(house, endpoint)).describe()).run_id == run
    assert await raised(house, endpoint) == 1
    assert await reported(house, endpoint) == ["firing"]
    assert (await house.execution(target(endpoint))).id == execution.id


async def test_a_changed_declaration_reconfigures_the_watch(house: House, endpoint: Endpoint) -> None:
    """After a change of the policy file and a restart the same watch asks what is declared now."""
    house.declare(services=[endpoint.declared()], policies=[AUTO])
    first = await house.start("up")
    await well(endpoint)
    run = (await (await watch(house, endpoint)).describe()).run_id
    await first.stop()
    house.declare(services=[endpoint.declared(path="/ready", failure_threshold=1)], policies=[AUTO])
    await house.start("up")
    await well(endpoint, path="/ready")
    state = WatchState.model_validate(await (await watch(house, endpoint)).query("state"))
    assert state.service.health is not None
    assert (state.service.health.path, state.service.health.failure_threshold) == ("/ready", 1)
    assert (await (await watch(house, endpoint)).describe()).run_id == run
    endpoint.fail_next(1, "/ready")
    assert (await (await house.execution(target(endpoint))).result()).ending is Ending.RECOVERED


@pytest.mark.parametrize("how", ["gone", "unwatched"])
async def test_a_service_that_is_not_declared_is_not_watched(house: House, endpoint: Endpoint, how: str) -> None:
    """When a service leaves the policy file, or its watch is switched off there, nobody asks for it any more."""
    house.declare(services=[endpoint.declared()], policies=[AUTO])
    first = await house.start("up")
    await well(endpoint)
    await first.stop()
    left = {"gone": [], "unwatched": [{**endpoint.declared(), "watch": False}]}
    house.declare(services=left[how], policies=[AUTO])
    await house.start("up")
    handle = await watch(house, endpoint)

    async def cancelled() -> bool:
        return (await handle.describe()).status is WorkflowExecutionStatus.CANCELED

    await eventually(cancelled, within=60)
