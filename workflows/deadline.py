"""The deadline of an execution: a moment that every step is measured against, not a timer of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio import workflow

from models.outcome import Ending, Reason
from workflows.ending import Ended


class Deadline:
    """Counts from `start`; before that, and while suspended, there is none."""

    def __init__(self) -> None:
        self._at: float | None = None

    def start(self, after: timedelta) -> None:
        """Set it."""
        self._at = workflow.time() + after.total_seconds()

    def check(self) -> None:
        """End the execution if its time is over.

        Raises:
            Ended: it is.
        """
        if self._at is not None and workflow.time() >= self._at:
            raise Ended(Ending.ESCALATED, "The execution's deadline is over.", Reason.DEADLINE)

    def remaining(self) -> timedelta | None:
        """What is left, more than nothing; None without a deadline.

        Raises:
            Ended: nothing is left.
        """
        self.check()
        return None if self._at is None else timedelta(seconds=self._at - workflow.time())

    def within(self, limit: timedelta) -> timedelta:
        """The limit, or what is left if that is less."""
        left = self.remaining()
        return limit if left is None else min(limit, left)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """For what must never be cut short: taking a change back, telling people."""
        at, self._at = self._at, None
        try:
            yield
        finally:
            self._at = at
