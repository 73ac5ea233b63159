import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from models.outcome import Ending
from tests.services.ports import free_port
from tests.services.waiting import eventually
from tests.system.house import House
from tests.system.house import house as open_house
from tests.system.processes import Process, alive, children, kill
from worker.demo.stage import Copy

pytestmark = pytest.mark.xdist_group("up")

VERIFY = {"within": "60s", "settle": "0s", "every": "200ms"}


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Copy]]:
    """Running copies of the demonstration's service."""
    folder = tmp_path_factory.mktemp("shops")
    copies = {name: Copy(folder / name, free_port()) for name in ("up-asks", "up-heals")}
    try:
        for copy in copies.values():
            copy.folder.mkdir()
            copy.build()
        yield copies
    finally:
        for copy in copies.values():
            copy.shop.stop()


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, shops: dict[str, Copy]) -> AsyncIterator[House]:
    """A house in which `selfheal up` starts its own Temporal server."""
    async with open_house(tmp_path_factory.mktemp("up")) as opened:
        each = {"runbook": "ServiceUnhealthy", "verify": VERIFY}
        opened.declare(
            services=[{**copy.declared(reloads=False), "watch": False} for copy in shops.values()],
            policies=[
                {"name": "ask", "match": {"labels": {"service": "up-asks"}}, "approve_within": "1d", **each},
                {"name": "heal", "autonomy": "auto", **each},
            ],
        )
        yield opened


async def run(house: House, *arguments: str, **environment: str) -> Process:
    """Run a command to its end."""
    process = house.begin(*arguments, **environment)
    await process.ended(within=60)
    return process


async def test_all_is_killed_and_an_approval_still_waits(house: House, shops: dict[str, Copy]) -> None:
    """After -9 for everything at once and a new start the question is the same, and its approval heals."""
    copy = shops["up-asks"]
    first = await house.start("up")
    copy.freeze()
    await house.alert("ServiceDown", service=copy.name)
    execution = await house.execution(f"service:local/{copy.name}")
    request = await house.question(execution)
    (server,) = children(first.pid, "temporal")
    first.kill()

    async def gone() -> bool:
        return not alive(server)

    await eventually(gone)
    second = await house.start("up")
    assert (await house.question(execution)).id == request.id
    assert copy.effects() == ["started 1.4.0"]
    approved = await run(house, "approve", request.id, "--by", "ann", "--reason", "go")
    assert "Approved by ann" in approved.said
    assert (await house.end(execution)).ending is Ending.HEALED
    assert (await copy.asks())[0] == httpx.codes.OK
    assert copy.effects() == ["started 1.4.0", "restart", "started 1.4.0"]
    await second.stop()


async def test_a_farewell_loses_nothing(house: House, shops: dict[str, Copy]) -> None:
    """Asked to stop in the middle of a restart, it lets that come to its end and leaves with 0; so does Ctrl-C."""
    copy = shops["up-heals"]
    (copy.folder / "slow").write_text("2")
    up = await house.start("up")
    copy.freeze()
    await house.alert("ServiceDown", service=copy.name)
    execution = await house.execution(f"service:local/{copy.name}")

    async def restarting() -> bool:
        return "restart" in copy.effects()

    await eventually(restarting, within=60)
    up.terminate()
    assert await up.ended() == 0
    assert "Stopping" in up.said
    assert copy.effects() == ["started 1.4.0", "restart", "started 1.4.0"]
    second = await house.start("up")
    assert (await house.end(execution)).ending is Ending.HEALED
    assert copy.effects() == ["started 1.4.0", "restart", "started 1.4.0"]
    (server,) = children(second.pid, "temporal")
    os.kill(second.pid, signal.SIGINT)
    assert await second.ended() == 0
    assert not alive(server)


async def test_the_end_of_its_server_is_its_own(house: House) -> None:
    """When the Temporal server that it started dies, it ends too and says so, for whoever supervises it to start it."""
    up = await house.start("up")
    (server,) = children(up.pid, "temporal")
    kill(server)
    assert await up.ended() == 1
    assert "the Temporal server ended (exit code -9)" in up.said
    assert await house.status("/healthz") == 0


@pytest.mark.parametrize(
    ("variable", "error"),
    [
        ("SELFHEAL_GATEWAY_PORT", "port {port} on 127.0.0.1 is in use: stop what listens there, or choose another"),
        ("SELFHEAL_TEMPORAL_PORT", "Port {port} for Temporal cannot be used: in use by"),
        ("SELFHEAL_UI_PORT", "Port {port} for the Temporal UI cannot be used: in use by"),
    ],
)
async def test_a_port_in_use(house: House, variable: str, error: str) -> None:
    """A port that is taken ends it with 1 and one line that says which and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        up = await run(house, "up", **{variable: str(port)})
    assert await up.ended() == 1
    assert error.format(port=port) in up.said
    assert "Traceback" not in up.said


async def test_policies_with_a_mistake(house: House, tmp_path: Path) -> None:
    """A policy file with mistakes ends it with 1 and names file, line and field of each."""
    policies = tmp_path / "bad.yaml"
    policies.write_text("policies:\n  - name: one\n    runbook: NoSuch\n  - name: two\n    runbok: BadRelease\n")
    up = await run(house, "up", "--policies", str(policies))
    assert await up.ended() == 1
    assert f"{policies}:3: policies[0].runbook: no runbook is named 'NoSuch'" in up.said
    assert f"{policies}:5: policies[1].runbok: unknown field; did you mean 'runbook'?" in up.said
    assert "Traceback" not in up.said


async def test_a_runbook_that_the_sandbox_refuses(house: House) -> None:
    """A runbook that is not deterministic ends it with 1 and names the runbook and what it may not do."""
    impure = Path(__file__).parents[1] / "runbooks" / "impure.py"
    up = await run(house, "up", "--runbooks", str(impure))
    assert await up.ended() == 1
    assert "LooksAtTheClock" in up.said
    assert "datetime.now" in up.said
    assert "Traceback" not in up.said


async def test_a_policy_file_that_is_not_there(house: House, tmp_path: Path) -> None:
    """A file that was named and is missing is a mistake, not an empty one."""
    up = await run(house, "up", "--policies", str(tmp_path / "gone.yaml"))
    assert await up.ended() == 1
    assert "gone.yaml' cannot be read" in up.said
