import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.worker import Worker

from tests.services.missing import missing
from tests.services.ports import free_port
from tests.services.waiting import eventually
from tests.services.workflows import Wait
from worker.embedded import EmbeddedServerError, EmbeddedTemporal, find_temporal

DAY = 24 * 3600.0
TARGET = SearchAttributeKey.for_keyword("Target")
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def program() -> Path:
    """The real `temporal` program."""
    return find_temporal() or missing("temporal")


@pytest.fixture
def server(program: Path, tmp_path: Path) -> EmbeddedTemporal:
    """A server on ports and a folder of its own, not started."""
    return EmbeddedTemporal(
        state_dir=tmp_path / "state",
        port=free_port(),
        ui_port=free_port(),
        search_attributes={"Target": "Keyword"},
        program=program,
    )


async def _stop(server: EmbeddedTemporal) -> None:
    await server.stop()


async def _kill(server: EmbeddedTemporal) -> None:
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    await server.stop()


@pytest.mark.parametrize("end", [_stop, _kill])
async def test_an_execution_survives(
    server: EmbeddedTemporal, end: Callable[[EmbeddedTemporal], Awaitable[None]]
) -> None:
    """An execution goes on after the server was stopped or killed, and is found by what it was marked with."""
    await server.start()
    client = await Client.connect(server.address)
    mark = TypedSearchAttributes([SearchAttributePair(TARGET, "web")])
    await client.start_workflow(Wait.run, DAY, id="patient", task_queue="test", search_attributes=mark)
    await end(server)
    assert server.pid is None

    async with server:
        client = await Client.connect(server.address)

        async def found() -> list[str]:
            query = "Target = 'web' AND ExecutionStatus = 'Running'"
            return [execution.id async for execution in client.list_workflows(query)]

        assert await eventually(found) == ["patient"]
        async with Worker(client, task_queue="test", workflows=[Wait]):
            execution = client.get_workflow_handle_for(Wait.run, "patient")
            await execution.signal(Wait.release)
            assert await execution.result() == "released"


async def test_a_database_from_before_learns_a_new_search_attribute(server: EmbeddedTemporal) -> None:
    """A newer selfheal's search attribute can be used at once on the database of an older one."""
    async with server:
        pass
    server.search_attributes = {"Target": "Keyword", "Verdict": "Keyword", "Labels": "KeywordList"}

    async with server:
        client = await Client.connect(server.address)
        marks = TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_keyword("Verdict"), "healthy")])
        await client.start_workflow(Wait.run, DAY, id="new", task_queue="test", search_attributes=marks)


async def test_a_namespace_of_ones_own_keeps_history_for_a_month(server: EmbeddedTemporal) -> None:
    """The namespace is made where it is missing, and keeps what closed for longer than a day."""
    server.namespace = "healing"

    async with server:
        client = await Client.connect(server.address, namespace="healing")
        found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="healing"))

    assert found.config.workflow_execution_retention_ttl.ToTimedelta().days == 30


async def test_the_ui_answers_once_it_is_started(server: EmbeddedTemporal) -> None:
    """The address of the UI can be given to a browser as soon as the server is up."""
    async with server, httpx.AsyncClient() as browser:
        assert server.ui_url
        assert (await browser.get(server.ui_url, follow_redirects=True)).status_code == 200


async def test_ctrl_c_does_not_reach_it(server: EmbeddedTemporal) -> None:
    """It is not in the terminal's process group, so that workers drain before it goes."""
    async with server:
        assert server.pid
        assert os.getpgid(server.pid) != os.getpgrp()


async def test_one_that_does_not_stop_is_killed(server: EmbeddedTemporal) -> None:
    """A server that hangs does not keep us from ending."""
    await server.start()
    assert server.pid
    os.kill(server.pid, signal.SIGSTOP)

    await server.stop(within=0.1)

    assert server.pid is None


async def test_its_end_can_be_awaited(server: EmbeddedTemporal) -> None:
    """Who needs the server learns that it is gone, and can give up rather than wait for ever."""
    async with server:
        assert server.pid
        os.kill(server.pid, signal.SIGKILL)
        assert await server.ended() == -signal.SIGKILL
        assert server.pid is None


async def test_it_dies_with_its_process(program: Path, tmp_path: Path) -> None:
    """Killing our process with -9 takes the server along, and the next one can use its ports and folder at once."""
    ports = free_port(), free_port()
    arguments = [str(tmp_path), *map(str, ports), str(program)]
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.worker.embedded.forgetful", *arguments), stdout=subprocess.PIPE, cwd=ROOT
    )
    assert parent.stdout
    child = os.pidfd_open(int(await parent.stdout.readline()))

    parent.kill()
    gone, _, _ = select.select([child], [], [], 30)  # a process that has ended makes its descriptor readable

    os.close(child)
    await parent.communicate()
    assert gone
    async with EmbeddedTemporal(state_dir=tmp_path, port=ports[0], ui_port=ports[1], program=program):
        pass


@pytest.mark.parametrize(
    ("taken", "option", "variable"),
    [("port", "--temporal-port", "SELFHEAL_TEMPORAL_PORT"), ("ui_port", "--ui-port", "SELFHEAL_UI_PORT")],
)
async def test_a_port_in_use(server: EmbeddedTemporal, taken: str, option: str, variable: str) -> None:
    """The error says which port, who has it, and how to choose another."""
    with socket.create_server(("127.0.0.1", getattr(server, taken))), pytest.raises(EmbeddedServerError) as error:
        await server.start()

    said = str(error.value)
    assert f"Port {getattr(server, taken)}" in said
    assert f"(process {os.getpid()})" in said
    assert option in said
    assert variable in said


async def test_a_port_that_is_none(server: EmbeddedTemporal) -> None:
    """A number that no port has is named, not passed on."""
    server.port = 70000
    with pytest.raises(EmbeddedServerError, match="Port 70000 for Temporal cannot be used"):
        await server.start()


async def test_a_state_folder_in_use(server: EmbeddedTemporal, program: Path) -> None:
    """Two servers on one database are refused, and the first goes on."""
    second = EmbeddedTemporal(state_dir=server.state_dir, port=free_port(), ui_port=None, program=program)
    async with server:
        with pytest.raises(EmbeddedServerError, match=f"in use by the Temporal server that process {os.getpid()}"):
            await second.start()
        await Client.connect(server.address)


async def test_a_state_folder_that_cannot_be_made(server: EmbeddedTemporal) -> None:
    """A state folder that even root cannot make is an error that says how to choose another."""
    server.state_dir = Path("/proc/selfheal")
    with pytest.raises(
        EmbeddedServerError, match=r"/proc/selfheal cannot be used: .* --state-dir or SELFHEAL_STATE_DIR"
    ):
        await server.start()


async def test_a_database_that_is_none(server: EmbeddedTemporal) -> None:
    """A server that dies at start is an error with the last words of its log."""
    server.state_dir.mkdir()
    (server.state_dir / "temporal.db").write_text("not a database, but long enough to be read as the header of one" * 9)

    with pytest.raises(EmbeddedServerError, match="file is not a database") as error:
        await server.start()

    assert "ended with 1" in str(error.value)
    assert str(server.state_dir / "temporal.log") in str(error.value)
    assert server.pid is None


async def test_it_can_be_started_after_a_failed_start(server: EmbeddedTemporal) -> None:
    """A failed start leaves nothing behind that hinders the next."""
    with socket.create_server(("127.0.0.1", server.port)), suppress(EmbeddedServerError):
        await server.start()
    async with server:
        assert server.pid
        with pytest.raises(EmbeddedServerError, match="runs already"):
            await server.start()
