"""A worker, running until it is told to stop."""

from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from activities.intake import Intake
from models.errors import GiveUpError
from runbooks.catalog import AnyRunbook
from worker.hands import hands
from worker.settings import Settings
from workflows.target import TargetGuard
from workflows.watch import HealthWatch


@asynccontextmanager
async def serving(
    client: Client, settings: Settings, runbooks: Sequence[AnyRunbook], intake: Intake
) -> AsyncIterator[Worker]:
    """Serve the task queue while the context is open; leaving it drains."""
    with ThreadPoolExecutor(settings.activity_threads, thread_name_prefix="hand") as threads:
        async with hands(client, intake) as activities:
            try:
                worker = Worker(
                    client,
                    task_queue=settings.task_queue,
                    workflows=[TargetGuard, HealthWatch, *runbooks],
                    activities=activities,
                    activity_executor=threads,
                    max_cached_workflows=settings.max_cached_workflows,
                    # One thread for each slot: a blocking activity that had to queue would miss its heartbeats.
                    max_concurrent_activities=settings.activity_threads,
                    # A heartbeat is how a cancellation is heard of.
                    max_heartbeat_throttle_interval=timedelta(seconds=2),
                    graceful_shutdown_timeout=timedelta(seconds=settings.drain),
                )
            except RuntimeError as error:
                # A runbook that the sandbox does not load; only the cause says why.
                raise GiveUpError(f"{error}: {error.__cause__ or 'no reason given'}") from error
            async with worker:
                yield worker
