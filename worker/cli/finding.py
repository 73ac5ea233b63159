"""Finding executions by their search attributes. An execution is a workflow that has a policy."""

import re
from bisect import bisect_left, insort
from datetime import UTC, datetime

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from models.errors import GiveUpError
from models.model import Model
from workflows.attributes import APPROVAL, AUTONOMY, OUTCOME, POLICY, RUNBOOK, TARGET, VERDICT

RECENT = 1000
"""An id may be shortened if it is unique among this many: the running executions, and those that ended last."""

_CANDIDATES_SHOWN = 10
_PLAIN = re.compile(r"[\w .:/@+=-]+")
_EVERY = "Policy IS NOT NULL"


class NoExecutionError(GiveUpError):
    """No execution goes by that id."""


class ExecutionRow(Model):
    """An execution as lists have it; these are the keys of ``--json``.

    Attributes:
        run: the id of this very run; another one has the same `id` if somebody reset the workflow.
        state: running, completed, failed, canceled, terminated or timed_out: what Temporal says.
        outcome: healed, recovered, observed, rejected, escalated, cancelled or rollback_incomplete.
        took: seconds, so far if it runs.
        waits_for: the id of its open approval request.
    """

    id: str
    run: str
    runbook: str
    target: str | None
    policy: str
    autonomy: str | None
    state: str
    outcome: str | None
    verdict: str | None
    started_at: datetime
    ended_at: datetime | None
    took: float
    waits_for: str | None

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.ended_at is None

    @property
    def word(self) -> str:
        """How it is or ended, in one word."""
        if self.running:
            return "waiting" if self.waits_for else "running"
        return self.outcome or self.state


class Where:
    """Which executions are meant: a condition on the server, and the same on what it answers.

    Temporal 1.29 cannot be asked for every value: it drops quotes at the ends, finds no double quote, and reads a
    backslash in its own way. So only plain characters go into a query; of another value it is what precedes the first
    one that is not plain, and the rest is decided here.
    """

    def __init__(self, *, open_only: bool = False, **attributes: str | None) -> None:
        keys = {"runbook": RUNBOOK, "target": TARGET, "policy": POLICY, "outcome": OUTCOME, "approval": APPROVAL}
        self._wanted = [(keys[name], value) for name, value in attributes.items() if value is not None]
        self.query = " AND ".join(
            [_EVERY, *(["ExecutionStatus = 'Running'"] if open_only else []), *(_clause(*one) for one in self._wanted)]
        )

    def holds(self, found: WorkflowExecution) -> bool:
        """Whether this one is meant."""
        return all(found.typed_search_attributes.get(key) == value for key, value in self._wanted)


async def newest(client: Client, where: Where, limit: int) -> tuple[list[ExecutionRow], bool]:
    """The executions that began last, newest first, and whether there are more.

    Temporal lists the running ones first, then the others by when they ended, and can be told nothing else. So it is
    read until what comes next ended, and the more so began, before those that were found.
    """
    rows: list[ExecutionRow] = []
    began: list[datetime] = []
    async for found in client.list_workflows(where.query):
        if found.close_time and len(began) - bisect_left(began, found.close_time) > limit:
            break
        if where.holds(found):
            rows.append(row(found))
            insort(began, found.start_time)
    rows.sort(key=lambda one: one.started_at, reverse=True)
    return rows[:limit], len(rows) > limit


async def find(client: Client, text: str) -> ExecutionRow:
    """The execution with this id, or the only recent one with this text in its id, or whose open request this is.

    Raises:
        NoExecutionError: there is none.
        GiveUpError: there are several.
    """
    if exact := await _described(client, text):
        return exact
    recent: dict[str, ExecutionRow] = {}
    async for found in client.list_workflows(_EVERY, limit=RECENT):
        if text and (text in found.id or found.typed_search_attributes.get(APPROVAL) == text):
            recent.setdefault(found.id, row(found))
    asking = [one for one in recent.values() if one.waits_for == text]
    candidates = asking or list(recent.values())
    if not candidates:
        raise NoExecutionError(f"no execution has {text!r} in its id: 'selfheal executions list' shows them")
    if len(candidates) > 1:
        shown = "".join(f"\n  {one.id}" for one in candidates[:_CANDIDATES_SHOWN])
        more = len(candidates) - _CANDIDATES_SHOWN
        raise GiveUpError(f"{text!r} could be any of these:{shown}" + (f"\n  and {more} more" if more > 0 else ""))
    return candidates[0]


def row(found: WorkflowExecution) -> ExecutionRow:
    """What a list says of an execution."""
    attributes = found.typed_search_attributes
    running = found.status is WorkflowExecutionStatus.RUNNING
    return ExecutionRow(
        id=found.id,
        run=found.run_id,
        runbook=attributes.get(RUNBOOK) or found.workflow_type,
        target=attributes.get(TARGET),
        policy=attributes.get(POLICY) or "",
        autonomy=attributes.get(AUTONOMY),
        state=found.status.name.lower() if found.status else "unknown",
        outcome=attributes.get(OUTCOME),
        verdict=attributes.get(VERDICT),
        started_at=found.start_time,
        ended_at=found.close_time,
        took=round(((found.close_time or datetime.now(UTC)) - found.start_time).total_seconds(), 3),
        waits_for=attributes.get(APPROVAL) if running else None,
    )


async def _described(client: Client, id_: str) -> ExecutionRow | None:
    """The execution with exactly this id, also one that began so lately that no list has it yet."""
    try:
        found = await client.get_workflow_handle(id_).describe()
    except RPCError as error:
        if error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT}:
            return None
        raise
    return row(found) if found.typed_search_attributes.get(POLICY) else None


def _clause(key: SearchAttributeKey[str], value: str) -> str:
    plain = _PLAIN.match(value)
    beginning = plain[0] if plain else ""
    if not beginning:
        return f"{key.name} IS NOT NULL"
    return f"{key.name} {'=' if beginning == value else 'STARTS_WITH'} '{beginning}'"
