"""Telling people, by the channels that the policy names. A channel that fails is noted, and holds nothing up."""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from activities.notifications import Notice, NotificationActivities
from models.case import Case
from models.decision import ApprovalRequest
from models.outcome import Outcome
from workflows.do import Do
from workflows.ending import failure_text
from workflows.journal import Journal


async def tell_question(do: Do, case: Case[Any], journal: Journal, request: ApprovalRequest) -> None:
    """Tell them that a question waits."""
    text = f"{request.question.value.capitalize()}? {request.proposal.summary} {request.reason}"
    details = {
        "request": request.id,
        "expires_at": request.expires_at.isoformat(),
        "answer": f"selfheal approve {request.id}",
    }
    await _tell(do, case, journal, "approval_request", text, details)


async def tell_outcome(do: Do, case: Case[Any], journal: Journal, outcome: Outcome) -> None:
    """Tell them how it ended."""
    details = {"reason": outcome.reason.value} if outcome.reason else {}
    await _tell(do, case, journal, outcome.ending.value, outcome.text, details)


async def _tell(do: Do, case: Case[Any], journal: Journal, kind: str, text: str, details: dict[str, str]) -> None:
    info = workflow.info()
    for channel in case.policy.notify:
        notice = Notice(
            to=channel,
            kind=kind,
            execution=info.workflow_id,
            target=case.target.id,
            runbook=info.workflow_type,
            text=text,
            details=details,
        )
        try:
            await do(NotificationActivities.send_notice, notice)
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            journal.note(f"{channel.webhook} could not be told: {failure_text(error)}")
