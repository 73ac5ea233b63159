"""POST to first effect, and healed executions a second, beside a hand-written Temporal workflow.

    python -m bench.latency [--alerts 30] [--burst 100] [--json]

Both run in one process on one embedded server with the same three activities (look, push, look): the hand-written
workflow is started directly by the client; ours goes the whole way from an HTTP POST through gateway and guard. They
take turns, so that what else the machine does falls on both. The ratios carry over to other machines; the
milliseconds do not.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import Worker

from activities.executions import ExecutionActivities
from activities.intake import Intake
from activities.notifications import NotificationActivities
from activities.step import steps
from bench.hand_written import HandWritten
from gateway.app import build_app
from gateway.serve import serve
from models.admission import Admitted
from models.ids import TASK_QUEUE
from models.policy import Policy
from models.policy_file import PolicyFile
from models.target import HttpProbe, Service
from models.verdict import Autonomy
from runbooks.catalog import catalog
from tests.services.ports import free_port
from tests.workflows.toy import MachineBroken
from tests.workflows.world import Machine, World, WorldActivities
from worker.embedded import EmbeddedTemporal
from worker.plugin import selfheal_plugin
from workflows.attributes import ALL
from workflows.target import TargetGuard

_TOKEN = "bench"  # noqa: S105 - of a gateway that lives for this run


Send = Callable[[str], Coroutine[Any, Any, None]]


class Bed:
    """What both are measured in."""

    def __init__(self, client: Client, http: httpx.AsyncClient, url: str, world: World, names: list[str]) -> None:
        self.client = client
        self.world = world
        self._http = http
        self._url = url
        self._names = names

    def machine(self) -> str:
        """A broken machine that nobody has touched yet."""
        return self._names.pop()

    async def ours(self, machine: str) -> None:
        """POST an alert."""
        answer = await self._http.post(
            f"{self._url}/alerts/generic",
            json={"name": "MachineBroken", "labels": {"service": machine}},
            headers={"Authorization": f"Bearer {_TOKEN}"},
        )
        answer.raise_for_status()
        result = answer.json()["alerts"][0]["result"]
        if result not in {Admitted.STARTED, Admitted.TAKEN}:
            raise RuntimeError(f"the alert started nothing: {answer.text}")

    async def theirs(self, machine: str) -> None:
        """Start the hand-written workflow."""
        service = Service(name=machine, health=HttpProbe(port=1))
        await self.client.start_workflow(HandWritten.run, service, id=f"hand-{machine}", task_queue=TASK_QUEUE)

    async def first_effect(self, send: Send) -> float:
        """Seconds from sending to the first effect."""
        machine = self.machine()
        began = time.perf_counter()
        sending = asyncio.create_task(send(machine))
        while self.world.machines[machine].health == "bad":  # noqa: ASYNC110 - an event would cost the world a wake-up
            await asyncio.sleep(0.0005)
        took = time.perf_counter() - began
        await sending
        return took

    async def rate(self, send: Send, count: int, kind: str) -> float:
        """Executions a second, from the first sent to the last closed, all sent at once."""
        machines = [self.machine() for _ in range(count)]
        before = await self.closed(kind)
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for machine in machines:
                group.create_task(send(machine))
        while await self.closed(kind) < before + count:  # noqa: ASYNC110 - only Temporal knows
            await asyncio.sleep(0.05)
        return count / (time.perf_counter() - began)

    async def closed(self, kind: str) -> int:
        """How many executions of a workflow type are closed."""
        query = f'WorkflowType = "{kind}" AND ExecutionStatus != "Running"'
        return (await self.client.count_workflows(query)).count

    async def cost(self, kind: str) -> tuple[int, int]:
        """History events and billable actions of one closed execution of a type."""
        async for found in self.client.list_workflows(f'WorkflowType = "{kind}"', limit=1):
            return await self.cost_of(found.id)
        return 0, 0

    async def cost_of(self, workflow_id: str) -> tuple[int, int]:
        """History events and billable actions of a workflow."""
        kinds: Counter[int] = Counter()
        async for event in self.client.get_workflow_handle(workflow_id).fetch_history_events():
            kinds[event.event_type] += 1
        return sum(kinds.values()), sum(kinds[kind] for kind in _BILLABLE)


_BILLABLE = (
    # Temporal Cloud's actions, as far as they occur here: a start, a signal, a timer, an activity, a child (which
    # bills its start in the parent), an update of search attributes.
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_MARKER_RECORDED,
)


async def measure(alerts: int, burst: int) -> dict[str, float]:
    """Run all measurements."""
    world = World()
    names = [f"m{uuid.uuid4().hex[:10]}" for _ in range(2 * (alerts + burst) + 20)]
    for name in names:
        world.machines[name] = Machine(cures="a")
    file = PolicyFile(
        services=[Service(name=name, health=HttpProbe(port=1), watch=False) for name in names],
        policies=[Policy(name="bench", runbook="MachineBroken", autonomy=Autonomy.AUTO)],
    )
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        attributes = {key.name: "Keyword" for key in ALL}
        server = await stack.enter_async_context(
            EmbeddedTemporal(state_dir=folder, port=free_port(), ui_port=None, search_attributes=attributes)
        )
        client = await Client.connect(server.address, plugins=[selfheal_plugin("tests.workflows.world")])
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=60))
        hands = (WorldActivities(world), NotificationActivities(http), ExecutionActivities(client))
        await stack.enter_async_context(
            Worker(
                client,
                task_queue=TASK_QUEUE,
                workflows=[MachineBroken, TargetGuard, HandWritten],
                activities=[step for hand in hands for step in steps(hand)],
            )
        )
        stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()
        app = build_app(Intake(client, file, catalog([MachineBroken])), {"generic": _TOKEN})
        gateway = asyncio.create_task(serve(app, "127.0.0.1", 0, stop=stop, listening=listening.set_result))
        bed = Bed(client, http, await listening, world, names)
        try:
            return await _measured(bed, alerts, burst)
        finally:
            stop.set()
            await gateway


async def _measured(bed: Bed, alerts: int, burst: int) -> dict[str, float]:
    for send in (bed.ours, bed.theirs) * 5:
        await bed.first_effect(send)
    ours, theirs = [], []
    for _ in range(alerts):
        ours.append(await bed.first_effect(bed.ours))
        theirs.append(await bed.first_effect(bed.theirs))
    our_rate = await bed.rate(bed.ours, burst, "MachineBroken")
    their_rate = await bed.rate(bed.theirs, burst, "HandWritten")
    events, actions = await bed.cost("MachineBroken")
    guard_events, guard_actions = await bed.cost("TargetGuard")
    hand_events, hand_actions = await bed.cost("HandWritten")
    return {
        "first_effect_ms": statistics.median(ours) * 1000,
        "first_effect_by_hand_ms": statistics.median(theirs) * 1000,
        "first_effect_ratio": statistics.median(ours) / statistics.median(theirs),
        "healed_per_s": our_rate,
        "by_hand_per_s": their_rate,
        "rate_ratio": our_rate / their_rate,
        "events": events + guard_events,
        "events_by_hand": hand_events,
        "actions": actions + guard_actions,
        "actions_by_hand": hand_actions,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=30, help="alerts one after the other")
    parser.add_argument("--burst", type=int, default=100, help="alerts at once")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(measure(options.alerts, options.burst))
    if options.json:
        print(json.dumps(found))
        return
    table = Table("", "selfheal", "by hand", "ratio")
    rows = (
        ("POST to first effect, median ms", "first_effect_ms", "first_effect_by_hand_ms"),
        ("healed a second", "healed_per_s", "by_hand_per_s"),
        ("history events per healing (guard included)", "events", "events_by_hand"),
        ("billable actions per healing (guard included)", "actions", "actions_by_hand"),
    )
    for title, ours, hand in rows:
        table.add_row(title, f"{found[ours]:.1f}", f"{found[hand]:.1f}", f"{found[ours] / found[hand]:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
