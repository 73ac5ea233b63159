"""How the loop ends: one exception that carries the outcome, whatever depth it is raised from."""

from temporalio.exceptions import ApplicationError, FailureError
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from models.errors import SelfhealError
from models.outcome import Ending, Outcome, Reason
from models.verdict import Verdict
from workflows.journal import Journal


class Ended(Exception):  # noqa: N818 - an end is not an error
    """The execution is over.

    Args:
        text: one or two sentences for a person.
        reason: why it is handed over to people, where it is.
        keeps: a change that is being verified stays as it is.
    """

    def __init__(self, ending: Ending, text: str, reason: Reason | None = None, *, keeps: bool = False) -> None:
        super().__init__(text)
        self.ending = ending
        self.text = text
        self.reason = reason
        self.keeps = keeps

    def outcome(self, journal: Journal) -> Outcome:
        """The outcome, with what the journal holds."""
        progress = journal.progress
        return Outcome(
            ending=self.ending,
            verdict=progress.verdict or Verdict.INCONCLUSIVE,
            reason=self.reason,
            text=self.text,
            plan=progress.plan if self.ending is Ending.OBSERVED else (),
            changes=progress.changes,
            facts=progress.facts,
        )


def of_kind(error: BaseException, kind: type[SelfhealError]) -> bool:
    """Whether a failed activity raised this error of ours, which arrives by its name."""
    inner = _innermost(error)
    return isinstance(inner, ApplicationError) and inner.type == kind.__name__


def failure_text(error: BaseException) -> str:
    """The innermost message of a failure: what happened, not which layer carried it."""
    inner = _innermost(error)
    if isinstance(inner, TemporalTimeoutError):
        return f"no result in time ({(inner.type.name if inner.type else 'timeout').lower().replace('_', ' ')})"
    if isinstance(inner, FailureError):
        return inner.message
    return f"{type(inner).__name__}: {inner}" if str(inner) else type(inner).__name__


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, FailureError) and error.cause is not None:
        error = error.cause
    return error
