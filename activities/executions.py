"""Temporal itself as seen from an activity: executions that a workflow can no longer await by itself."""

import asyncio
from datetime import timedelta

from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError, RPCStatusCode

from activities.step import reads
from activities.waiting import pause
from models.model import Model
from models.outcome import Outcome

_LONG = 3600.0


class Awaited(Model):
    """The end of an execution.

    Attributes:
        outcome: None when it was terminated, timed out or failed without one.
    """

    outcome: Outcome | None = None


class ExecutionActivities:
    """Waits for executions; its client is injected."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @reads(
        "wait for the end of the execution",
        timeout=timedelta(days=30),
        within=timedelta(days=365),
        heartbeat=timedelta(seconds=30),
    )
    async def await_execution(self, execution: str) -> Awaited:
        """Wait for an execution's end, for days if it waits for people. No such execution is an end too."""
        handle = self._client.get_workflow_handle(execution, result_type=Outcome)
        waiting = asyncio.create_task(handle.result())
        try:
            beating = asyncio.create_task(_beat())
            await asyncio.wait({waiting, beating}, return_when=asyncio.FIRST_COMPLETED)
            if beating.done():
                beating.result()
            beating.cancel()
            return Awaited(outcome=await waiting)
        except WorkflowFailureError:
            return Awaited()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Awaited()
            raise
        finally:
            waiting.cancel()


async def _beat() -> None:
    while True:
        await pause(_LONG)
