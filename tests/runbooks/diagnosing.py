"""Diagnosing inside a real workflow, for runbooks that ask Temporal for the time or their own id meanwhile."""

import uuid
from typing import Any

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

from models.model import Model
from runbooks.catalog import AnyRunbook
from tests.runbooks.fake import FakeDo
from worker.embedded import EmbeddedTemporal
from worker.plugin import selfheal_plugin

_waiting: dict[str, tuple[AnyRunbook, FakeDo, Any]] = {}


@workflow.defn(sandboxed=False)
class Diagnosing:
    """Lets a runbook diagnose through a fake `do`; unsandboxed, as the fake is the test's own object."""

    @workflow.run
    async def run(self, name: str) -> dict[str, Any]:
        """The facts as plain data."""
        kind, do, case = _waiting[name]
        runbook = kind()
        runbook.do = do
        facts: Model = await runbook.diagnose(case)
        return facts.model_dump(mode="json")


async def diagnosed(temporal: EmbeddedTemporal, runbook: AnyRunbook, do: FakeDo, case: Any) -> dict[str, Any]:  # noqa: ANN401
    """What a runbook finds, and the id of the execution that it found it in as ``execution``."""
    client = await Client.connect(temporal.address, namespace=temporal.namespace, plugins=[selfheal_plugin()])
    name = f"diagnosing-{uuid.uuid4()}"
    _waiting[name] = (runbook, do, case)
    async with Worker(client, task_queue=name, workflows=[Diagnosing]):
        facts = await client.execute_workflow(Diagnosing.run, name, id=name, task_queue=name)
    return {**facts, "execution": name}
