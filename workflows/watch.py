"""The watch over a service's health endpoint, for where no monitoring system sends the alert.

It raises its alerts through the same door as everybody else. There is one for each service, for as long as the policy
file declares it.
"""

import asyncio
from datetime import datetime

from temporalio import workflow

from activities.health import HealthActivities, Seen, WatchFor
from activities.intake import AlertActivities, RaiseAlert
from models.alert import Alert, AlertStatus
from models.ids import HEALTH_WATCH
from models.model import Model
from models.target import Service
from workflows.do import TemporalDo

ALERT = "ServiceUnhealthy"


class WatchState(Model):
    """What a watch starts from and goes on with.

    Attributes:
        healthy: None before the first state is known.
        since: when it became unhealthy; it identifies the episode of the alert.
    """

    service: Service
    healthy: bool | None = None
    since: datetime | None = None

    def after(self, seen: Seen, now: datetime) -> "WatchState":
        """The state after something was seen."""
        since = (self.since or now) if seen.healthy is False else None
        return self.model_copy(update={"healthy": seen.healthy, "since": since})

    def alert(self, status: AlertStatus, since: datetime, text: str) -> Alert:
        """The alert about it."""
        return Alert(
            source="watch",
            name=ALERT,
            status=status,
            labels={"service": self.service.name, "host": self.service.host.name},
            annotations={"summary": text},
            starts_at=since,
            fingerprint=self.service.id,
        )


@workflow.defn(name=HEALTH_WATCH)
class HealthWatch:
    """Probes a service's health endpoint and raises an alert when it fails."""

    @workflow.init
    def __init__(self, state: WatchState) -> None:
        self._state = state
        self._new: Service | None = None
        self._do = TemporalDo(lambda: None)

    @workflow.run
    async def run(self, state: WatchState) -> None:  # noqa: ARG002 - taken in __init__, before any signal
        """Watch until cancelled."""
        while not workflow.info().is_continue_as_new_suggested():
            self._show()
            seen = await self._see()
            if seen is None:
                continue
            before, self._state = self._state, self._state.after(seen, workflow.now())
            await self._raise(before, seen)
        self._renew()
        workflow.continue_as_new(self._state)

    @workflow.signal(name="configure", description="The service as it is declared now.")
    def _on_configure(self, service: Service) -> None:
        self._new = service if service != self._state.service else None

    @workflow.query(name="state", description="What is watched, and how it is.")
    def _watched(self) -> WatchState:
        return self._state

    async def _see(self) -> Seen | None:
        """Wait until there is something to tell; None when the declaration changed first."""
        watch = WatchFor(service=self._state.service, healthy=self._state.healthy)
        seeing = asyncio.create_task(self._do(HealthActivities.watch_health, watch))
        await workflow.wait_condition(lambda: seeing.done() or self._new is not None)
        if self._new is None:
            seen: Seen = await seeing
            return seen
        seeing.cancel()
        # Its end is taken note of here, or it would be logged as a failure that nobody looked at.
        await asyncio.gather(seeing, return_exceptions=True)
        self._renew()
        return None

    def _renew(self) -> None:
        """Go on with the service as it is declared now."""
        if self._new is not None:
            self._state, self._new = self._state.model_copy(update={"service": self._new}), None

    async def _raise(self, before: WatchState, seen: Seen) -> None:
        text = f"{seen.reading.url}: {seen.reading.text}"
        if self._state.since is not None:
            alert = self._state.alert(AlertStatus.FIRING, self._state.since, text)
        elif before.since is not None:
            alert = self._state.alert(AlertStatus.RESOLVED, before.since, text)
        else:
            return
        await self._do(AlertActivities.raise_alert, RaiseAlert(alert=alert))

    def _show(self) -> None:
        health = {True: "healthy", False: "unhealthy", None: "not known yet"}[self._state.healthy]
        since = f" since {self._state.since:%Y-%m-%d %H:%M:%S}Z" if self._state.since else ""
        workflow.set_current_details(f"`{self._state.service.id}` is **{health}**{since}")
