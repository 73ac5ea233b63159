"""The class that every runbook extends: what its author writes, and what Temporal sends to its executions."""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from temporalio import workflow

from models.alert import Alert
from models.case import Case
from models.decision import Decided, Decision
from models.errors import SelfhealError
from models.model import Declared
from models.outcome import Outcome, Progress
from models.policy import Verification
from models.record import Record
from models.runbook_info import NoneTaken
from models.verdict import Verdict
from workflows.conditions import Conditions
from workflows.deadline import Deadline
from workflows.do import Do, TemporalDo
from workflows.journal import Journal
from workflows.loop import Loop
from workflows.questions import Questions, read_decision
from workflows.remediation import Escalate, Remediation

T = TypeVar("T")
F = TypeVar("F", bound=Record)


class Runbook(Generic[T, F]):
    """How one class of failure is healed, on targets of kind `T`, judged by facts `F`.

    Attributes:
        handles: the alert names it is for, where a policy does not name its own.
        parameters: the model of what a policy may set; read it with ``case.parameters(…)``.
        verification: how long a change has to show that it helped, where the policy does not say.
        do: the seam to the activities; a test may put its own in its place.
    """

    handles: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[type[Declared]] = NoneTaken
    verification: ClassVar[Verification] = Verification()

    def __init__(self) -> None:
        self._deadline = Deadline()
        self._questions = Questions()
        self._conditions = Conditions()
        self._journal: Journal | None = None
        self.do: Do = TemporalDo(self._deadline.remaining)

    async def diagnose(self, case: "Case[T]") -> F:
        """Read what is the matter. Reads only; retried freely."""
        raise NotImplementedError(f"{type(self).__name__} needs a diagnose")

    def propose(self, facts: F) -> Sequence[Remediation] | Escalate:
        """What could help, the safest first; nothing, or an `Escalate`, hands over to people."""
        raise NotImplementedError(f"{type(self).__name__} needs a propose")

    def verify(self, facts: F) -> Verdict:
        """Whether the target is well. What cannot be known is inconclusive."""
        raise NotImplementedError(f"{type(self).__name__} needs a verify")

    async def heal(self, case: "Case[T]") -> Outcome:
        """Go through the loop. Call it from `run`, which the SDK wants to see in each workflow class."""
        self._journal = Journal(case, self._questions)
        return await Loop(self, case, self._journal, self._questions, self._conditions, self._deadline).run()

    @workflow.signal(name="alert", description="Another alert for the same target, or the end of one.")
    def _on_alert(self, alert: Alert) -> None:
        joined = self._conditions.take(alert)
        if self._journal:
            self._journal.join(joined)

    @workflow.update(name="decide", description="Answer the open approval request; told at once if it does not count.")
    def _decide(self, decision: Decision) -> Decided:
        return self._questions.decide(decision)

    @_decide.validator
    def _check_decision(self, decision: Decision) -> None:
        self._questions.check(decision)

    @workflow.signal(
        name="decide",
        description='Answer the open approval request: {"request": "ID", "approved": true, "by": "you", "reason": "…"}',
    )
    def _on_decision(self, raw: Any) -> None:  # noqa: ANN401 - whatever a person typed; none of it may be lost
        try:
            self._questions.decide(read_decision(raw))
        except SelfhealError as error:
            if self._journal:
                self._journal.note(f"an answer did not count: {error.message}")

    @workflow.query(name="progress", description="What was found, what is being tried, what it waits for.")
    def _progress(self) -> Progress | None:
        return self._journal.progress if self._journal else None
