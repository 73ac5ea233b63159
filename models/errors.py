"""Errors, named by what to do next.

    SelfhealError
    ├── TryAgainError     the world may answer differently in a moment: retried
    └── GiveUpError       it will not: never retried
        ├── NotAllowedError    a permission is missing
        └── UnknownEffectError a change may or may not have been made: look, do not repeat

All are Temporal application errors, so that a failed activity arrives in the workflow with its kind.
"""

from typing import ClassVar

from temporalio.exceptions import ApplicationError


class SelfhealError(ApplicationError):
    """Everything this project raises on purpose."""

    retried: ClassVar[bool] = True

    def __init__(self, message: str, *details: object) -> None:
        super().__init__(message, *details, type=type(self).__name__, non_retryable=not self.retried)


class TryAgainError(SelfhealError):
    """A failure that may pass: a lost connection, a busy server, a time-out."""


class GiveUpError(SelfhealError):
    """A failure that repeating cannot mend: a refused key, a missing file, an impossible request."""

    retried: ClassVar[bool] = False


class NotAllowedError(GiveUpError):
    """The other side refused us; the text names the permission that is missing."""


class UnknownEffectError(GiveUpError):
    """A change was begun and its end is not known. Repeating it might make it twice, so nobody does."""
