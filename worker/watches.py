"""Brings the running watches in line with what the policy file declares."""

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from models.ids import HEALTH_WATCH, watch_id
from models.policy_file import PolicyFile
from workflows.watch import WatchState


async def declare_watches(client: Client, file: PolicyFile, task_queue: str) -> int:
    """Start or reconfigure the watch of each service that wants one, and cancel those of services that are gone.

    Returns:
        How many services are watched.
    """
    wanted = {watch_id(service.id): service for service in file.services if service.health and service.watch}
    for id_, service in wanted.items():
        await client.start_workflow(
            HEALTH_WATCH,
            WatchState(service=service),
            id=id_,
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="configure",
            start_signal_args=[service],
            static_summary=f"Watches the health of {service.id}",
        )
    async for running in client.list_workflows(f'WorkflowType = "{HEALTH_WATCH}" AND ExecutionStatus = "Running"'):
        if running.id not in wanted:
            await client.get_workflow_handle(running.id).cancel()
    return len(wanted)
