"""Telling people, by the channels that the policy names. A channel that fails is noted, and holds nothing up."""

from collections.abc import Callable
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
    await tell(do, case, journal.note, "approval_request", text, details)


async def tell_outcome(do: Do, case: Case[Any], journal: Journal, outcome: Outcome) -> None:
    """Tell them how it ended."""
    details = {"reason": outcome.reason.value} if outcome.reason else {}
    await tell(do, case, journal.note, outcome.ending.value, outcome.text, details)


async def tell(
    do: Do, case: Case[Any], failed: Callable[[str], None], kind: str, text: str, details: dict[str, str]
) -> None:
    """Tell them something; `failed` is called with a sentence for each channel that could not be reached."""
    for channel in case.policy.notify:
        notice = Notice(
            to=channel,
            kind=kind,
            execution=workflow.info().workflow_id,
            target=case.target.id,
            runbook=case.policy.starts,
            text=text,
            details=details,
        )
        try:
            await do(NotificationActivities.send_notice, notice)
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            failed(f"{channel.webhook} could not be told: {failure_text(error)}")
