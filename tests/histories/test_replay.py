import re
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from models.outcome import Ending, Outcome, Reason
from tests.histories.careless import GivesUpSooner
from tests.histories.keeping import RECORDED, payloads, read
from tests.histories.record import SCENES
from tests.histories.studio import WORKFLOWS
from worker.plugin import selfheal_plugin

FILES = sorted(RECORDED.glob("*.json"))
HISTORIES = {file.stem: read(file) for file in FILES}
_OF_A_MACHINE = re.compile(r"/(?:work|root|home|tmp|usr|var)\b|site-packages|\.py\b|@")


def outcome(history: WorkflowHistory) -> dict[str, Any] | None:
    """How an execution of a runbook ended, as its last event tells."""
    event = history.events[-1].workflow_execution_completed_event_attributes
    data = event.result.payloads[0].data if event.result.payloads else b"null"
    return Outcome.model_validate_json(data).model_dump() if b'"ending"' in data else None


@pytest.mark.parametrize("name", HISTORIES)
async def test_a_history_replays(name: str) -> None:
    """The code of today takes an execution of yesterday the same way."""
    replayer = Replayer(workflows=WORKFLOWS, plugins=[selfheal_plugin()])
    await replayer.replay_workflow(HISTORIES[name])


async def test_a_careless_change_is_found() -> None:
    """A runbook that would now stop where an execution went on does not replay."""
    replayer = Replayer(workflows=[GivesUpSooner], plugins=[selfheal_plugin()])
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(HISTORIES["loop-nothing-left"])


def test_every_scene_is_recorded() -> None:
    """No scene lacks its history, and no history its scene."""
    scenes = {re.sub(r"-(first|second)$", "", name) for name in HISTORIES}
    assert scenes == set(SCENES)


def test_every_workflow_and_every_end_is_there() -> None:
    """Each runbook of ours, the guard and the watch, and each way to end or to hand over, occurs in a history."""
    types = {
        history.events[0].workflow_execution_started_event_attributes.workflow_type.name
        for history in HISTORIES.values()
    }
    assert types == {kind.__name__ for kind in WORKFLOWS}
    ends = [end for history in HISTORIES.values() if (end := outcome(history))]
    # A cancelled execution ends as cancelled, not with an outcome.
    assert {end["ending"] for end in ends} == set(Ending) - {Ending.CANCELLED}
    assert {end["reason"] for end in ends} - {None} == set(Reason)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_history_tells_nothing_of_the_machine_that_recorded_it(file: Path) -> None:
    """No path, no host and no user of that machine is in the file, nor in the data it holds; and it is small."""
    text = file.read_text()
    assert not re.search(r'"(identity|stackTrace|workerVersion)"', text)
    for told in (text, *payloads(HISTORIES[file.stem])):
        assert _OF_A_MACHINE.findall(told) == []
    assert len(text) < 100_000
