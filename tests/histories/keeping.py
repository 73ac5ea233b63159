"""Histories as files: one event on a line, without what belongs to the machine that recorded them."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

RECORDED = Path(__file__).with_name("recorded")

_DROPPED = frozenset({"identity", "stackTrace", "taskId", "userMetadata", "workerVersion", "requestId"})
"""What names a process or its source files, or is only shown to people. A replay needs none of it."""


def kept(history: WorkflowHistory) -> str:
    """The file's content."""
    events = [json.dumps(_lean(event), sort_keys=True) for event in json.loads(history.to_json())["events"]]
    return '{"events": [\n' + ",\n".join(events) + "\n]}\n"


def read(file: Path) -> WorkflowHistory:
    """A history from its file."""
    return WorkflowHistory.from_json(file.stem, file.read_text(encoding="utf-8"))


def payloads(history: WorkflowHistory) -> Iterator[str]:
    """All data in a history, as text."""
    yield from _data(json.loads(history.to_json()))


def _lean(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        if value.get("kind") == "TASK_QUEUE_KIND_STICKY":
            return {**value, "name": "sticky"}  # else its worker's process and host
        return {name: _lean(inner) for name, inner in value.items() if name not in _DROPPED}
    return [_lean(inner) for inner in value] if isinstance(value, list) else value


def _data(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        if "metadata" in value and isinstance(value.get("data"), str):
            yield base64.b64decode(value["data"]).decode(errors="replace")
        for inner in value.values():
            yield from _data(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _data(inner)
