import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.worker import Worker

from activities.hosts.commands import CommandActivities, RunCommand
from activities.hosts.connection import Connections
from activities.hosts.shell import Ran
from models.host import Host
from tests.activities.hosts.one_command import OneCommand
from tests.activities.hosts.seen import running, written
from worker.embedded import EmbeddedTemporal
from worker.plugin import selfheal_plugin


def a_worker(client: Client, queue: str, connections: Connections, pool: ThreadPoolExecutor) -> Worker:
    """A worker that stops at once when it is told to."""
    return Worker(
        client,
        task_queue=queue,
        workflows=[OneCommand],
        activities=[CommandActivities(connections).run_command],
        activity_executor=pool,
    )


async def seen(log: Path) -> int:
    """The process that wrote it, as soon as there is one."""
    return int((await asyncio.to_thread(written, log)).splitlines()[0])


@pytest.fixture
async def client(temporal: EmbeddedTemporal) -> Client:
    """A client of a real server."""
    return await Client.connect(temporal.address, plugins=[selfheal_plugin()])


async def test_cancelling_the_workflow_ends_the_command(
    client: Client, host: Host, connections: Connections, tmp_path: Path
) -> None:
    """A cancellation that Temporal delivers to a thread of a real worker ends what runs on the host."""
    queue, log = uuid.uuid4().hex, tmp_path / "log"
    change = RunCommand(key=queue, host=host, argv=("sh", "-c", 'echo $$ >>"$1"; sleep 600; true', "sh", str(log)))
    with ThreadPoolExecutor(4) as pool:
        async with a_worker(client, queue, connections, pool):
            handle = await client.start_workflow(OneCommand.run, change, id=queue, task_queue=queue)
            pid = await seen(log)
            await handle.cancel()
            with pytest.raises(WorkflowFailureError) as caught:
                await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    assert not running(pid)


async def test_a_command_outlives_the_worker_that_began_it(
    client: Client, host: Host, connections: Connections, tmp_path: Path
) -> None:
    """When a worker is stopped the command goes on, and another worker answers its result: one effect."""
    queue, log, go = uuid.uuid4().hex, tmp_path / "log", tmp_path / "go"
    script = 'echo $$ >>"$1"; until [ -e "$2" ]; do sleep 0.05; done; echo done'
    change = RunCommand(key=queue, host=host, argv=("sh", "-c", script, "sh", str(log), str(go)))
    with ThreadPoolExecutor(4) as pool:
        async with a_worker(client, queue, connections, pool):
            handle = await client.start_workflow(OneCommand.run, change, id=queue, task_queue=queue)
            pid = await seen(log)
        assert running(pid)
        go.touch()
        async with a_worker(client, queue, connections, pool):
            assert await handle.result() == Ran(code=0, out="done\n")
    assert written(log) == str(pid)
