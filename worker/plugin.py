"""How we speak Temporal: one plugin for clients, workers, tests and replays alike."""

import dataclasses

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from models.errors import SelfhealError
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


def _runner(runner: WorkflowRunner | None) -> WorkflowRunner:
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*_PASSED_THROUGH)
    if isinstance(runner, SandboxedWorkflowRunner):
        return dataclasses.replace(runner, restrictions=restrictions)
    return SandboxedWorkflowRunner(restrictions=restrictions)


def selfheal_plugin() -> SimplePlugin:
    """The data converter, the sandbox's pass-through and the errors that fail a workflow instead of its task."""
    return SimplePlugin(
        "selfheal",
        data_converter=pydantic_data_converter,
        workflow_runner=_runner,
        workflow_failure_exception_types=[SelfhealError, Ended],
    )
