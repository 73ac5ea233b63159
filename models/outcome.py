"""How an execution ended, and what it did on the way."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from models.decision import ApprovalRequest, Decided
from models.model import Model
from models.proposal import Proposal
from models.verdict import Autonomy, Verdict


class Ending(StrEnum):
    """The ways an execution can end."""

    HEALED = "healed"
    RECOVERED = "recovered"
    OBSERVED = "observed"
    REJECTED = "rejected"
    ESCALATED = "escalated"
    CANCELLED = "cancelled"
    ROLLBACK_INCOMPLETE = "rollback_incomplete"


class Reason(StrEnum):
    """Why an execution handed over to people."""

    NOTHING_LEFT = "nothing_left"
    RUNBOOK = "runbook"
    APPROVAL_EXPIRED = "approval_expired"
    INCONCLUSIVE = "inconclusive"
    DEADLINE = "deadline"
    UNDO_FAILED = "undo_failed"
    DIAGNOSIS_FAILED = "diagnosis_failed"
    RUNBOOK_FAILED = "runbook_failed"


class Fate(StrEnum):
    """What became of a change."""

    APPLYING = "applying"
    VERIFYING = "verifying"
    KEPT = "kept"
    UNDOING = "undoing"
    UNDONE = "undone"
    NOT_UNDOABLE = "not_undoable"
    UNDO_FAILED = "undo_failed"


class AppliedChange(Model):
    """One remediation that was begun.

    Attributes:
        error: why applying or undoing failed, if it did.
    """

    proposal: Proposal
    fate: Fate
    began_at: datetime
    ended_at: datetime | None = None
    verdict: Verdict | None = None
    error: str = ""


class Outcome(Model):
    """The end of an execution.

    Attributes:
        verdict: what the last facts said.
        reason: why it was handed over to people, where it was.
        text: one or two sentences for a person.
        plan: with ``observe``, what would have been done.
        facts: the last that were read.
    """

    ending: Ending
    verdict: Verdict
    reason: Reason | None = None
    text: str = ""
    plan: tuple[Proposal, ...] = ()
    changes: tuple[AppliedChange, ...] = ()
    facts: dict[str, Any] = Field(default_factory=dict)

    @property
    def acted(self) -> bool:
        """Whether anything was changed, undone or not."""
        return bool(self.changes)


class Entry(Model):
    """One line of an execution's story."""

    at: datetime
    text: str


class Progress(Model):
    """What an execution is doing, for the command line, the page and the Temporal UI.

    Attributes:
        stage: what goes on now, in a few words.
        story: what happened, oldest first; bounded.
        joined: alerts that came for the same target meanwhile.
    """

    runbook: str
    target: str
    policy: str
    autonomy: Autonomy
    alert: str
    stage: str
    started_at: datetime
    verdict: Verdict | None = None
    facts: dict[str, Any] = Field(default_factory=dict)
    plan: tuple[Proposal, ...] = ()
    changes: tuple[AppliedChange, ...] = ()
    request: ApprovalRequest | None = None
    decided: tuple[Decided, ...] = ()
    joined: tuple[str, ...] = ()
    story: tuple[Entry, ...] = ()
    outcome: Outcome | None = None
