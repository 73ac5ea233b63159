"""The command line against a real Temporal server, where a worker runs the toy runbook."""

from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from models.decision import ApprovalRequest
from models.outcome import Outcome
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
