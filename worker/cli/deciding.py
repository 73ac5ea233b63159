"""Finding an open approval request, and answering it."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from models.decision import ApprovalRequest, Decided, Decision
from worker.cli.finding import ExecutionRow, NoExecutionError, Where, find, newest
from worker.cli.reading import ask
from worker.connecting import connect
from worker.settings import Settings
from workflows.ending import failure_text

_SEEN_WITHIN = timedelta(seconds=3)
"""How long a request that was just made may take to be found by its id."""

_TAKEN_WITHIN = timedelta(seconds=10)
_PAUSE = 0.3  # seconds


class DoesNotCountError(Exception):
    """The answer does not count; the text says why."""


@dataclass(frozen=True)
class Asked:
    """An open approval request.

    Attributes:
        request: its id.
        question: all of it, where it was looked for by its execution and a worker can tell.
    """

    execution: ExecutionRow
    request: str
    question: ApprovalRequest | None = None


async def asked(settings: Settings, text: str) -> Asked:
    """The open request with this id, or the one that the execution with this id has open.

    Raises:
        DoesNotCountError: nothing waits under this id.
        GiveUpError: several executions could be meant.
    """
    client, clock = await connect(settings), asyncio.get_running_loop().time
    until = clock() + _SEEN_WITHIN.total_seconds()
    while True:
        rows, _ = await newest(client, Where(open_only=True, approval=text), 1)
        if rows:
            return Asked(rows[0], text)
        try:
            return await _of(client, await find(client, text))
        except NoExecutionError as error:
            if clock() > until:
                raise DoesNotCountError(
                    f"nothing waits under {text!r}: it was answered, expired, or never was. "
                    "'selfheal executions list --open' shows what waits"
                ) from error
        await asyncio.sleep(_PAUSE)


async def send(settings: Settings, execution: ExecutionRow, decision: Decision) -> Decided | None:
    """Give the answer, and hear at once whether it counts. None when no worker took it in time.

    Raises:
        DoesNotCountError: it was refused, with the reason as the execution told it.
    """
    handle = await _handle(settings, execution)
    try:
        decided: Decided = await handle.execute_update(
            "decide", decision, result_type=Decided, rpc_timeout=_TAKEN_WITHIN
        )
    except WorkflowUpdateFailedError as error:
        raise DoesNotCountError(failure_text(error.cause)) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        return None
    except RPCError as error:
        raise _over(execution, error) from error
    return decided


async def leave_signal(settings: Settings, execution: ExecutionRow, decision: Decision) -> None:
    """Leave the answer with Temporal, for when a worker is back.

    Raises:
        DoesNotCountError: the execution is over.
    """
    handle = await _handle(settings, execution)
    try:
        await handle.signal("decide", decision)
    except RPCError as error:
        raise _over(execution, error) from error


def patience() -> str:
    """How long `send` waits for a worker."""
    return f"{_TAKEN_WITHIN.total_seconds():g} s"


async def _handle(settings: Settings, execution: ExecutionRow) -> WorkflowHandle[Any, Any]:
    return (await connect(settings)).get_workflow_handle(execution.id, run_id=execution.run)


async def _of(client: Client, execution: ExecutionRow) -> Asked:
    if execution.running:
        progress, _ = await ask(client.get_workflow_handle(execution.id, run_id=execution.run))
        if progress and progress.request:
            return Asked(execution, progress.request.id, progress.request)
        if execution.waits_for and not progress:
            return Asked(execution, execution.waits_for)
    raise DoesNotCountError(f"{execution.id} asks nothing now: it is {execution.word}")


def _over(execution: ExecutionRow, error: RPCError) -> Exception:
    if error.status is RPCStatusCode.NOT_FOUND:
        return DoesNotCountError(f"{execution.id} is over: nothing waits for an answer any more")
    return error
