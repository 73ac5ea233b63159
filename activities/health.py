"""Watching a health endpoint: one long activity that probes and answers when the state changes."""

import asyncio
from datetime import timedelta

import httpx
from temporalio import activity

from activities.http import ProbeReading, probe
from activities.step import reads
from activities.waiting import pause
from models.errors import GiveUpError
from models.model import Model
from models.target import HttpProbe, Service

_CALM = timedelta(hours=1)
_REPEAT = timedelta(minutes=5)


class WatchFor(Model):
    """What to watch.

    Attributes:
        healthy: the state so far; None before the first is known.
    """

    service: Service
    healthy: bool | None = None

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service.name


class Seen(Model):
    """A state of a health endpoint.

    Attributes:
        changed: it differs from the one before; if not, it is told again so that nobody forgets it.
    """

    healthy: bool | None
    changed: bool
    reading: ProbeReading


class Streak(Model):
    """Readings in a row that speak against the state so far, as a liveness probe counts them."""

    healthy: bool | None
    against: int = 0

    def after(self, reading: ProbeReading, rules: HttpProbe) -> "Streak":
        """Count one reading; the state turns when its threshold is reached."""
        if reading.healthy is self.healthy:
            return Streak(healthy=self.healthy)
        # Until a state is known the service counts as healthy, as a container does that has just been started.
        if self.healthy is None and reading.healthy:
            return Streak(healthy=True)
        against = self.against + 1
        threshold = rules.success_threshold if reading.healthy else rules.failure_threshold
        return (
            Streak(healthy=reading.healthy) if against >= threshold else Streak(healthy=self.healthy, against=against)
        )


class HealthActivities:
    """Watches health endpoints; its client is injected."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @reads(
        "watch the health of {name}",
        timeout=_CALM * 2,
        within=timedelta(days=365),
        heartbeat=timedelta(seconds=20),
    )
    async def watch_health(self, watch: WatchFor) -> Seen:
        """Probe each period until the state turns; an unchanged one is told after 5 minutes if unhealthy, else an hour.

        A try that follows a crash goes on with the count that the last heartbeat held.

        Raises:
            GiveUpError: the service declares no health endpoint.
        """
        rules, service = watch.service.health, watch.service
        if rules is None:
            raise GiveUpError(f"service {service.name!r} declares no health: add health to it in the policy file")
        url, began = rules.url(service.host), asyncio.get_running_loop().time()
        beats = activity.info().heartbeat_details
        streak = Streak.model_validate(beats[0]) if beats else Streak(healthy=watch.healthy)
        if watch.healthy is None and not beats:
            await pause(rules.initial_delay.total_seconds(), streak.model_dump())
        while True:
            reading = await probe(self._client, url, rules.timeout)
            streak = streak.after(reading, rules)
            if streak.healthy is not watch.healthy:
                return Seen(healthy=streak.healthy, changed=True, reading=reading)
            calm = _REPEAT if streak.healthy is False else _CALM
            if asyncio.get_running_loop().time() - began > calm.total_seconds():
                return Seen(healthy=streak.healthy, changed=False, reading=reading)
            await pause(rules.period.total_seconds(), streak.model_dump())
