"""How we speak Temporal: one plugin for clients, workers, tests and replays alike."""

import dataclasses
import sys

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from models.errors import SelfhealError
from worker.embedded import cache_dir
from workflows.ending import Ended

# Never workflows, runbooks or what imports them: passing those through switches the determinism guard off.
_PASSED_THROUGH = (
    "activities",
    "models",
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "durationpy",
    "httpx",
    "paramiko",
)


def _keep_bytecode() -> None:
    """Let Python keep compiled modules, in the cache folder if not beside the sources.

    The sandbox imports a runbook's modules anew for each execution. Where bytecode is not written, as is usual in
    containers, each would be compiled anew as well: 20 ms of each execution.
    """
    if sys.dont_write_bytecode:
        sys.pycache_prefix = str(cache_dir() / "bytecode")
        sys.dont_write_bytecode = False


def selfheal_plugin(*passed_through: str) -> SimplePlugin:
    """The data converter, the sandbox's pass-through and the errors that fail a workflow instead of its task.

    Args:
        passed_through: more modules of activities and their models, by name, that need no sandbox.
    """
    _keep_bytecode()
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*_PASSED_THROUGH, *passed_through)

    def runner(given: WorkflowRunner | None) -> WorkflowRunner:
        if isinstance(given, SandboxedWorkflowRunner):
            return dataclasses.replace(given, restrictions=restrictions)
        return SandboxedWorkflowRunner(restrictions=restrictions)

    return SimplePlugin(
        "selfheal",
        data_converter=pydantic_data_converter,
        workflow_runner=runner,
        workflow_failure_exception_types=[SelfhealError, Ended],
    )
