"""A hand-written `do`, and the cases that runbooks are asked about."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from models.alert import Alert
from models.case import Case
from models.policy import Policy

T = TypeVar("T")

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


class FakeDo:
    """Notes what is wanted done, and answers what it was given.

    Args:
        answers: by the activity's name; an exception is raised.
    """

    def __init__(self, **answers: object) -> None:
        self._answers = answers
        self.done: list[tuple[str, Any]] = []

    async def __call__(self, activity: Callable[..., Any], argument: Any, /, *, summary: str = "") -> Any:  # noqa: ANN401, ARG002
        """Note it instead of doing it."""
        self.done.append((activity.__name__, argument))
        answer = self._answers.get(activity.__name__)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def steps(self) -> list[str]:
        """The activities in the order they were called."""
        return [name for name, _ in self.done]


def case_of(target: T, **policy: object) -> Case[T]:
    """A case about a target."""
    alert = Alert(source="test", name="Test", starts_at=NOW, fingerprint="test")
    return Case(target=target, alert=alert, policy=Policy.model_validate({"name": "test", "runbook": "Test"} | policy))
