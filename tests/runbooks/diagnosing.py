"""Diagnosing inside a real workflow, for runbooks that ask Temporal for the time or their own id meanwhile."""

import uuid
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

from models.case import Case
from models.record import Record
from selfheal import Runbook
from tests.runbooks.fake import FakeDo
from worker.embedded import EmbeddedTemporal
from worker.plugin import selfheal_plugin

F = TypeVar("F", bound=Record)

_waiting: dict[str, tuple[Runbook[Any, Any], Case[Any]]] = {}
_found: dict[str, Any] = {}


@workflow.defn(sandboxed=False, failure_exception_types=[Exception])
class Diagnosing:
    """Lets a runbook diagnose; unsandboxed, as the runbook, its `do` and the facts are the test's own objects."""

    @workflow.run
    async def run(self, name: str) -> None:
        """Take note of the facts."""
        runbook, case = _waiting[name]
        _found[name] = await runbook.diagnose(case)


async def diagnosed(
    temporal: EmbeddedTemporal, runbook: type[Runbook[Any, F]], do: FakeDo, case: Case[Any]
) -> tuple[F, str]:
    """What a runbook finds through this `do`, and the id of the execution that it finds it in."""
    client = await Client.connect(temporal.address, namespace=temporal.namespace, plugins=[selfheal_plugin()])
    name, judge = f"diagnosing-{uuid.uuid4()}", runbook()
    judge.do = do
    _waiting[name] = (judge, case)
    async with Worker(client, task_queue=name, workflows=[Diagnosing]):
        await client.execute_workflow(Diagnosing.run, name, id=name, task_queue=name)
    return _found[name], name
