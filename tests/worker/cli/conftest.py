"""The command line against a real Temporal server, where a worker runs the toy runbook."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from models.decision import ApprovalRequest
from models.outcome import Outcome
from tests.services.ports import free_port
from tests.services.process import ServerProcess, answers
from tests.services.waiting import eventually
from tests.worker.cli.terminal import Selfheal
from tests.workflows.conftest import Bench, bench
from tests.workflows.toy import MachineBroken
from worker.embedded import EmbeddedTemporal

__all__ = ["bench"]

Execution = WorkflowHandle[MachineBroken, Outcome]


@pytest.fixture
def selfheal(temporal: EmbeddedTemporal, tmp_path: Path) -> Selfheal:
    """The command, run in an empty folder, with Temporal named by its environment."""
    return Selfheal(
        tmp_path,
        {
            "TEMPORAL_ADDRESS": temporal.address,
            "TEMPORAL_NAMESPACE": temporal.namespace,
            "XDG_STATE_HOME": str(tmp_path / "state"),
        },
    )


async def execution_on(bench: Bench, machine: str, **policy: Any) -> Execution:  # noqa: ANN401 - a policy's fields
    """Let an alert start an execution, through the guard as in real life."""
    case = bench.case(machine, **policy)
    guard = await bench.alert(case)

    async def started() -> str | None:
        report = (await bench.memory(guard)).reports.get(case.alert.key)
        return report[1].execution if report else None

    id_ = await eventually(started)
    assert id_
    return bench.client.get_workflow_handle_for(MachineBroken.run, id_)


async def asking(bench: Bench, **policy: Any) -> tuple[Execution, ApprovalRequest]:  # noqa: ANN401
    """An execution that waits for a person, and what it asks."""
    execution = await execution_on(bench, bench.machine(cures="a"), **{"autonomy": "approve", **policy})
    return execution, await bench.question(execution)


async def listed(bench: Bench, query: str, count: int = 1) -> None:
    """Wait until Temporal's lists, which lag behind, have so many workflows for a query."""

    async def there() -> bool:
        return len([found async for found in bench.client.list_workflows(query)]) == count

    await eventually(there)


@pytest.fixture
def other_server(tmp_path: Path) -> Iterator[str]:
    """The address of an HTTP server that is no gateway."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(tmp_path), str(port)]
    with ServerProcess(command, log=tmp_path / "http.log", ready=lambda: answers(url)):
        yield url
