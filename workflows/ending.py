"""How the loop ends: one exception that carries the outcome, whatever depth it is raised from."""

from temporalio.exceptions import FailureError, TimeoutError as TemporalTimeoutError

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


def failure_text(error: BaseException) -> str:
    """The innermost message of a failure: what happened, not which layer carried it."""
    inner: BaseException = error
    while isinstance(inner, FailureError) and inner.cause is not None:
        inner = inner.cause
    if isinstance(inner, TemporalTimeoutError):
        return f"no result in time ({(inner.type.name if inner.type else 'timeout').lower().replace('_', ' ')})"
    if isinstance(inner, FailureError):
        return inner.message
    return f"{type(inner).__name__}: {inner}" if str(inner) else type(inner).__name__
