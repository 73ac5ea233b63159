"""A workflow that makes one change, in a module of its own for the sandbox."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.hosts.commands import CommandActivities, RunCommand
from activities.hosts.shell import Ran


@workflow.defn
class OneCommand:
    """Runs one command as the engine would."""

    @workflow.run
    async def run(self, change: RunCommand) -> Ran:
        """Run it."""
        return await workflow.execute_activity_method(
            CommandActivities.run_command,
            change,
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100)),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
