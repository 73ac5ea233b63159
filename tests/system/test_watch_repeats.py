import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.health import HealthActivities, Seen, Streak, WatchFor
from activities.http import ProbeReading
from activities.intake import RaiseAlert
from models.admission import Admission
from models.alert import Alert
from models.target import HttpProbe, Service
from tests.services.ports import free_port
from tests.services.waiting import eventually
from tests.system.hurried import HurriedLoop
from worker.embedded import EmbeddedTemporal
from worker.plugin import selfheal_plugin
from workflows.watch import HealthWatch, WatchState

SERVICE = Service(name="shop", health=HttpProbe(port=8080))


def reading(*, healthy: bool) -> ProbeReading:
    """One answer."""
    return ProbeReading(url="http://127.0.0.1:8080/healthz", healthy=healthy, milliseconds=1)


@pytest.mark.parametrize(
    ("failure", "success", "before", "readings", "states"),
    [
        (3, 1, None, "-", [None]),
        (3, 1, None, "---", [None, None, False]),
        (3, 1, None, "+", [True]),
        (3, 9, None, "+", [True]),
        (3, 1, None, "--+", [None, None, True]),
        (3, 1, True, "---", [True, True, False]),
        (3, 1, True, "--+--", [True] * 5),
        (3, 1, True, "--+---", [True] * 5 + [False]),
        (1, 1, True, "-+", [False, True]),
        (3, 1, False, "+", [True]),
        (3, 2, False, "+-++", [False, False, False, True]),
        (3, 2, False, "++---", [False, True, True, True, False]),
        (3, 3, False, "----", [False] * 4),
    ],
)
def test_the_state_turns_when_its_threshold_is_reached(
    failure: int, success: int, readings: str, states: list[bool | None], *, before: bool | None
) -> None:
    """Only so many in a row count, one to the contrary begins anew, and what is not known yet stands for well."""
    rules = HttpProbe(port=1, failure_threshold=failure, success_threshold=success)
    streak, turned = Streak(healthy=before), []
    for sign in readings:
        streak = streak.after(reading(healthy=sign == "+"), rules)
        turned.append(streak.healthy)
    assert turned == states


def hurried(work: Callable[[], Awaitable[Seen]], times: float) -> tuple[Seen, timedelta]:
    """What work came to on a hurried loop, and how long it took on that loop's clock."""
    loop = HurriedLoop(times)
    try:
        began = loop.time()
        told = loop.run_until_complete(work())
        return told, timedelta(seconds=loop.time() - began)
    finally:
        loop.close()


def test_a_service_that_stays_sick_is_told_of_every_five_minutes() -> None:
    """After five minutes of failures the same state is told again, as one that did not change."""
    sick = Service(name="shop", health=HttpProbe(port=free_port()))

    async def watch() -> Seen:
        async with httpx.AsyncClient(trust_env=False) as http:
            hand = HealthActivities(http)
            return await ActivityEnvironment().run(hand.watch_health, WatchFor(service=sick, healthy=False))

    told, took = hurried(watch, times=200)
    assert (told.healthy, told.changed) == (False, False)
    assert timedelta(minutes=5) < took < timedelta(minutes=15)


class Script:
    """Hands that see what was written down, and take note of the alerts."""

    def __init__(self, *seen: Seen) -> None:
        self._left = list(seen)
        self.raised: list[Alert] = []

    @activity.defn
    async def watch_health(self, _: WatchFor) -> Seen:
        """The next line; after the last one nothing more happens."""
        while not self._left:
            activity.heartbeat()
            await asyncio.sleep(0.05)
        return self._left.pop(0)

    @activity.defn
    async def raise_alert(self, change: RaiseAlert) -> list[Admission]:
        """Take note of it."""
        self.raised.append(change.alert)
        return []


def seen(*, healthy: bool, changed: bool = True) -> Seen:
    """A state."""
    return Seen(healthy=healthy, changed=changed, reading=reading(healthy=healthy))


async def test_an_alert_is_repeated_until_it_is_over(temporal: EmbeddedTemporal) -> None:
    """What stays sick raises the very same report again, its end is told once, and a new episode is a new alert."""
    script = Script(
        seen(healthy=True),
        seen(healthy=False),
        seen(healthy=False, changed=False),
        seen(healthy=True),
        seen(healthy=True, changed=False),
        seen(healthy=False),
    )
    client = await Client.connect(temporal.address, namespace=temporal.namespace, plugins=[selfheal_plugin()])
    name = f"repeats-{uuid.uuid4()}"
    hands: list[Callable[..., Any]] = [script.watch_health, script.raise_alert]
    async with Worker(client, task_queue=name, workflows=[HealthWatch], activities=hands):
        handle = await client.start_workflow(HealthWatch.run, WatchState(service=SERVICE), id=name, task_queue=name)

        async def all_told() -> bool:
            return len(script.raised) == 4

        await eventually(all_told, within=60)
        await handle.terminate()

    first, again, over, anew = script.raised
    assert [alert.status.value for alert in script.raised] == ["firing", "firing", "resolved", "firing"]
    assert first.key == again.key
    assert (over.episode, over.resolved) == (first.episode, True)
    assert (anew.condition, anew.episode == first.episode) == (first.condition, False)
    assert first.labels == {"service": "shop", "host": "local"}
