from collections.abc import AsyncIterator
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml

from models.decision import Decided, Decision, Question
from models.outcome import Ending, Fate, Outcome, Reason
from tests.services.ports import free_port
from tests.services.waiting import eventually
from tests.system.house import Execution, House
from tests.system.house import house as open_house
from worker.demo.stage import Copy
from worker.embedded import EmbeddedTemporal

pytestmark = pytest.mark.xdist_group("policy-actions")

SAMPLE = """policies:
  - name: scale-on-cpu
    trigger: {metric: cpu_utilization, threshold: 80, duration: 5m}
    actions: [{type: scale, parameters: {increment: 2, max: 10}}]
    cooldown: 10m
"""
"""As it stands in the issue."""

BRIEF = {"within": "1s", "settle": "0s", "every": "500ms"}
QUICK = {"within": "60s", "settle": "0s", "every": "500ms"}


def variant(name: str, *actions: str, verify: dict[str, str] = QUICK) -> dict[str, Any]:
    """Another policy of the same kind."""
    trigger = {"metric": f"metric_of_{name}", "threshold": 80}
    return {"name": name, "trigger": trigger, "actions": [{"type": kind} for kind in actions], "verify": verify}


class Farm:
    """Services whose number of instances is a number in a file."""

    def __init__(self, house: House, copies: dict[str, Copy]) -> None:
        self.house = house
        self.copies = copies

    def declared(self, name: str, count: int) -> dict[str, object]:
        """A service with that many instances."""
        file = self.house.folder / f"{name}.count"
        file.write_text(f"{count}\n")
        write = 'echo "$2" >"$1"; echo "$2" >>"$1.log"'
        return {
            "name": name,
            "commands": {"status": ["test", "-e", str(file)]},
            "scaling": {"read": ["cat", str(file)], "set": ["sh", "-c", write, "sh", str(file), "{count}"], "max": 50},
        }

    def count(self, name: str) -> int:
        """How many instances there are."""
        return int((self.house.folder / f"{name}.count").read_text())

    def history(self, name: str) -> list[int]:
        """The numbers that were set."""
        log = self.house.folder / f"{name}.count.log"
        return [int(line) for line in log.read_text().split()] if log.exists() else []

    async def alert(self, policy: str, service: str, status: str = "firing") -> Execution:
        """Send an alert, and find the execution that it is about."""
        await self.house.alert(policy, service=service, status=status)
        return await self.house.execution(f"service:local/{service}")

    async def ends(self, execution: Execution, policy: str, service: str, *, when: Fate) -> Outcome:
        """Resolve the alert once a change has come so far, and wait for the end."""

        async def reached() -> bool:
            progress = await self.house.ask(execution, "progress")
            return bool(progress and progress["changes"]) and progress["changes"][-1]["fate"] == when

        await eventually(reached, within=60)
        await self.alert(policy, service, "resolved")
        return await self.house.end(execution)


@pytest.fixture(scope="module")
async def farm(tmp_path_factory: pytest.TempPathFactory, temporal: EmbeddedTemporal) -> AsyncIterator[Farm]:
    """A running house with the issue's policy, and variants of it."""
    folder = tmp_path_factory.mktemp("farm")
    async with open_house(folder, temporal.address) as house:
        copies = {name: shop_in(folder, name) for name in ("acts-restart", "acts-rollback")}
        farm = Farm(house, copies)
        counts = {"acts-three": 3, "acts-metric": 3, "acts-nine": 9, "acts-ten": 10, "acts-no": 3, "acts-yes": 3}
        house.declare(
            text=SAMPLE
            + indent(
                yaml.safe_dump(
                    [
                        variant("brief", "scale", verify=BRIEF),
                        variant("restarts", "restart"),
                        variant("rolls-back", "rollback"),
                    ]
                ),
                "  ",
            ),
            services=[
                *(farm.declared(name, count) for name, count in counts.items()),
                *({**copy.declared(reloads=False), "watch": False} for copy in copies.values()),
            ],
        )
        try:
            await house.start("up")
            yield farm
        finally:
            for copy in copies.values():
                copy.shop.stop()


def shop_in(folder: Path, name: str) -> Copy:
    """A running copy of the demonstration's service."""
    copy = Copy(folder / "shops" / name, free_port())
    copy.folder.mkdir(parents=True)
    copy.build()
    return copy


@pytest.mark.parametrize(
    ("alert", "service", "before", "after"),
    [
        ("scale-on-cpu", "acts-three", 3, 5),
        ("cpu_utilization", "acts-metric", 3, 5),
        ("scale-on-cpu", "acts-nine", 9, 10),
    ],
)
async def test_the_sample_policy_scales(farm: Farm, alert: str, service: str, before: int, after: int) -> None:
    """An alert by the policy's or the metric's name adds two instances, never beyond ten; its end is the proof."""
    assert farm.count(service) == before
    execution = await farm.alert(alert, service)
    outcome = await farm.ends(execution, alert, service, when=Fate.VERIFYING)
    assert (outcome.ending, outcome.changes[0].fate) == (Ending.HEALED, Fate.KEPT)
    assert farm.history(service) == [after]


async def test_the_sample_policy_stops_at_its_maximum(farm: Farm) -> None:
    """With ten instances there is nothing to add: people are told, and nothing is set."""
    outcome = await farm.house.end(await farm.alert("scale-on-cpu", "acts-ten"))
    assert (outcome.ending, outcome.reason) == (Ending.ESCALATED, Reason.RUNBOOK)
    assert (farm.count("acts-ten"), farm.history("acts-ten")) == (10, [])


@pytest.mark.parametrize(
    ("service", "keep", "fate", "history"),
    [("acts-no", False, Fate.UNDONE, [4, 3]), ("acts-yes", True, Fate.KEPT, [4])],
)
async def test_an_alert_that_does_not_end_is_a_question(
    farm: Farm, service: str, fate: Fate, history: list[int], *, keep: bool
) -> None:
    """Where the alert goes on, a person says whether to keep the instances or to take them back."""
    execution = await farm.alert("brief", service)
    request = await farm.house.question(execution)
    assert (request.question, farm.count(service)) == (Question.KEEP, 4)
    answer = Decision(request=request.id, approved=keep, by="ann")
    await execution.execute_update("decide", answer, result_type=Decided)
    outcome = await farm.house.end(execution)
    assert outcome.changes[0].fate is fate
    assert farm.history(service) == history


async def test_restart(farm: Farm) -> None:
    """The action restart restarts the target, and the end of the alert is the proof."""
    copy = farm.copies["acts-restart"]
    before = copy.shop.pid()
    execution = await farm.alert("restarts", copy.name)
    outcome = await farm.ends(execution, "restarts", copy.name, when=Fate.VERIFYING)
    assert outcome.ending is Ending.HEALED
    assert copy.shop.pid() not in {None, before}
    assert copy.effects() == ["started 1.4.0", "restart", "started 1.4.0"]


async def test_rollback(farm: Farm) -> None:
    """The action rollback makes the release before live, and the end of the alert is the proof."""
    copy = farm.copies["acts-rollback"]
    copy.release("1.5.0")
    execution = await farm.alert("rolls-back", copy.name)
    outcome = await farm.ends(execution, "rolls-back", copy.name, when=Fate.VERIFYING)
    assert outcome.ending is Ending.HEALED
    assert (await copy.asks())[1].startswith("1.4.0 ")
    assert copy.effects()[-2:] == ["restart", "started 1.4.0"]
