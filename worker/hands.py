"""The hands of a worker: every activity with the client that it works through, built here and nowhere else."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from temporalio.client import Client

from activities.executions import ExecutionActivities
from activities.health import HealthActivities
from activities.hosts.commands import CommandActivities
from activities.hosts.connection import Connections
from activities.hosts.filesystems import FilesystemActivities
from activities.hosts.services import ServiceActivities
from activities.http import HttpActivities
from activities.intake import AlertActivities, Intake
from activities.notifications import NotificationActivities
from activities.prometheus import PrometheusActivities
from activities.step import steps


@asynccontextmanager
async def hands(client: Client, intake: Intake) -> AsyncIterator[list[Callable[..., Any]]]:
    """All activities, for as long as their clients are open."""
    connections = Connections()
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
    # Probes and notices go straight to where they are addressed, never through a proxy of the environment.
    async with httpx.AsyncClient(limits=limits, trust_env=False) as http:
        try:
            yield [
                method
                for hand in (
                    ServiceActivities(connections),
                    FilesystemActivities(connections),
                    CommandActivities(connections),
                    HttpActivities(http),
                    HealthActivities(http),
                    PrometheusActivities(http),
                    NotificationActivities(http),
                    ExecutionActivities(client),
                    AlertActivities(intake),
                )
                for method in steps(hand)
            ]
        finally:
            connections.close()
