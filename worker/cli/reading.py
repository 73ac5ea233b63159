"""Reading one execution: from a worker where one answers, else what Temporal itself knows."""

from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError, RPCStatusCode

from models.model import Model
from models.outcome import Outcome, Progress
from worker.cli.finding import ExecutionRow, row
from workflows.ending import failure_text

ANSWER_WITHIN = timedelta(seconds=3)

_NOBODY = {RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.FAILED_PRECONDITION}
"""What a query ends with when no worker answers it: our own time limit, the server's, or that it knows of no worker."""


class PendingStep(Model):
    """A step that is under way or tried again.

    Attributes:
        step: the activity's name.
        attempt: counted from 1.
        error: why the attempt before failed.
    """

    step: str
    state: str
    attempt: int
    error: str = ""


class ShownExecution(Model):
    """All that can be told of an execution; these are the keys of ``executions show --json``.

    Attributes:
        summary: what it was started for, in one line.
        progress: what its runbook says; null when no worker answers.
        result: its outcome, once it has one.
        failure: why it ended without an outcome.
        steps: steps under way, with what their last attempt failed of.
        note: why something is missing here.
    """

    execution: ExecutionRow
    summary: str = ""
    progress: Progress | None = None
    result: Outcome | None = None
    failure: str = ""
    steps: tuple[PendingStep, ...] = ()
    note: str = ""


async def read(client: Client, id_: str, run: str) -> ShownExecution:
    """Read all that can be told of an execution."""
    handle = client.get_workflow_handle(id_, run_id=run)
    described = await handle.describe()
    progress, note = await ask(handle)
    shown = ShownExecution(
        execution=row(described),
        summary=await described.static_summary() or "",
        progress=progress,
        note=note,
        steps=tuple(_steps(described)),
    )
    if shown.execution.running:
        return shown
    result, failure = await ended(client, id_, run)
    return shown.model_copy(update={"result": result, "failure": failure})


async def ask(handle: WorkflowHandle[Any, Any]) -> tuple[Progress | None, str]:
    """What the execution says of itself, or why it says nothing."""
    try:
        progress = await handle.query("progress", result_type=Progress, rpc_timeout=ANSWER_WITHIN)
    except WorkflowQueryFailedError as error:
        return None, f"A worker answers, but cannot tell: {error}. Does it have this runbook?"
    except RPCError as error:
        if error.status not in _NOBODY:
            raise
        seconds = f"{ANSWER_WITHIN.total_seconds():g} s"
        return None, f"No worker answers within {seconds}: this is what Temporal itself knows. Is one running?"
    return progress, "" if progress else "It has only just begun."


async def ended(client: Client, id_: str, run: str) -> tuple[Outcome | None, str]:
    """The outcome, waited for; or why there is none."""
    handle = client.get_workflow_handle(id_, run_id=run, result_type=Outcome)
    try:
        return await handle.result(follow_runs=False), ""
    except WorkflowFailureError as error:
        return None, failure_text(error.cause)
    except ValidationError as error:
        return None, f"its result is no outcome: {error.errors()[0]['msg']}"


def _steps(described: WorkflowExecutionDescription) -> list[PendingStep]:
    return [
        PendingStep(
            step=step.activity_type.name,
            state=PendingActivityState.Name(step.state).removeprefix("PENDING_ACTIVITY_STATE_").lower(),
            attempt=step.attempt,
            error=step.last_failure.message,
        )
        for step in described.raw_description.pending_activities
    ]
