"""The question to a person and the answer."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from models.model import Declared, Model
from models.proposal import Proposal


class Question(StrEnum):
    """What a person is asked."""

    APPLY = "apply"
    KEEP = "keep"


class ApprovalRequest(Model):
    """A question that waits for a person.

    Attributes:
        id: what the answer must name, so that it cannot be taken for an answer to another question.
        question: ``apply`` this proposal, or ``keep`` this change although its effect is inconclusive.
    """

    id: str
    question: Question
    proposal: Proposal
    reason: str
    approvers: tuple[str, ...] = ()
    asked_at: datetime
    expires_at: datetime


class Decision(Declared):
    """A person's answer, as sent by the command line or typed as JSON in the Temporal UI.

    Attributes:
        request: the id of the approval request.
        by: who decides.
    """

    request: str = Field(min_length=1, max_length=64)
    approved: bool
    by: str = Field(min_length=1, max_length=256)
    reason: str = Field(default="", max_length=4096)


class Decided(Model):
    """An answer that counted."""

    decision: Decision
    at: datetime


def refusal(
    decision: Decision, request: ApprovalRequest | None, decided: tuple[Decided, ...], now: datetime
) -> str | None:
    """Why this decision does not count, or None if it does.

    Args:
        decision: the answer.
        request: the question that is open, if one is.
        decided: the answers that counted so far.
        now: the present moment.
    """
    for earlier in decided:
        if earlier.decision.request == decision.request:
            word = "approved" if earlier.decision.approved else "rejected"
            by, at = earlier.decision.by, f"{earlier.at:%Y-%m-%d %H:%M:%S}Z"
            return f"request {decision.request!r} was already {word} by {by!r} at {at}"
    if request is None or request.id != decision.request:
        waits = f"the open one is {request.id!r}" if request else "none is open"
        return f"request {decision.request!r} is not open any more: {waits}"
    if now >= request.expires_at:
        return f"request {decision.request!r} expired at {request.expires_at:%Y-%m-%d %H:%M:%S}Z; nothing was applied"
    if request.approvers and decision.by not in request.approvers:
        return f"{decision.by!r} is not an approver: this policy names {', '.join(request.approvers)}"
    return None
