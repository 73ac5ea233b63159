"""Loading workflows where nothing but deterministic code is let in."""

from collections.abc import AsyncIterator, Sequence

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from worker.plugin import selfheal_plugin


async def load_in_sandbox(workflows: Sequence[type]) -> None:
    """Load workflows as a worker does: a replay of nothing.

    Raises:
        RuntimeError: one of them is not let in.
    """

    async def nothing() -> AsyncIterator[WorkflowHistory]:
        for history in list[WorkflowHistory]():
            yield history

    await Replayer(workflows=workflows, plugins=[selfheal_plugin()]).replay_workflows(nothing())
