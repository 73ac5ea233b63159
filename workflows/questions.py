"""Questions to people inside an execution: one open at a time, answered by an update or by a signal."""

from collections.abc import Callable
from datetime import timedelta

from pydantic import ValidationError
from temporalio import workflow

from models.decision import ApprovalRequest, Decided, Decision, Question, refusal
from models.errors import GiveUpError
from models.proposal import Proposal


class Questions:
    """Holds the open question and the answers that counted."""

    def __init__(self) -> None:
        self.open: ApprovalRequest | None = None
        self.decided: tuple[Decided, ...] = ()
        self._answer: Decision | None = None

    def ask(
        self, question: Question, proposal: Proposal, reason: str, approvers: tuple[str, ...], within: timedelta
    ) -> ApprovalRequest:
        """Open a question that expires after `within`."""
        now = workflow.now()
        self._answer = None
        self.open = ApprovalRequest(
            id=f"{workflow.random().getrandbits(32):08x}",
            question=question,
            proposal=proposal,
            reason=reason,
            approvers=approvers,
            asked_at=now,
            expires_at=now + within,
        )
        return self.open

    async def answered(self, over: Callable[[], bool]) -> Decision | None:
        """Wait for the answer and close the question. None when it expired or `over` became true first."""
        request = self.open
        if request is None:
            raise RuntimeError("no question is open")
        try:
            await workflow.wait_condition(
                lambda: self._answer is not None or over(),
                timeout=request.expires_at - workflow.now(),
                timeout_summary=f"approval request {request.id} expires",
            )
        except TimeoutError:
            pass
        finally:
            self.open = None
        return self._answer

    def check(self, decision: Decision) -> None:
        """Tell at once why a decision does not count.

        Raises:
            GiveUpError: with the reason.
        """
        why = refusal(decision, self.open, self.decided, workflow.now())
        if why:
            raise GiveUpError(why)

    def decide(self, decision: Decision) -> Decided:
        """Take a decision that counts.

        Raises:
            GiveUpError: it does not count.
        """
        self.check(decision)
        decided = Decided(decision=decision, at=workflow.now())
        self._answer = decision
        self.decided = (*self.decided, decided)
        return decided


def read_decision(raw: object) -> Decision:
    """A decision as somebody typed it, in the Temporal UI for example.

    Raises:
        GiveUpError: it is not one, with what is wrong and an example.
    """
    try:
        return Decision.model_validate(raw)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'input'}: {e['msg']}" for e in error.errors())
        raise GiveUpError(
            f'not a decision ({problems}): send {{"request": "…", "approved": true, "by": "you", "reason": "…"}}'
        ) from error
