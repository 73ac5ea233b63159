"""What an engineer would write without us, to measure ourselves against."""

from datetime import timedelta

from temporalio import workflow

from models.target import Service
from tests.workflows.world import Push, WorldActivities


@workflow.defn
class HandWritten:
    """What an engineer would write without us: look, push, look."""

    @workflow.run
    async def run(self, service: Service) -> str:
        """Heal it."""
        brief = timedelta(seconds=10)
        await workflow.execute_activity_method(WorldActivities.look, service, start_to_close_timeout=brief)
        push = Push(machine=service.name, button="a", key=workflow.info().workflow_id)
        await workflow.execute_activity_method(WorldActivities.push, push, start_to_close_timeout=brief)
        look = await workflow.execute_activity_method(WorldActivities.look, service, start_to_close_timeout=brief)
        return look.health
