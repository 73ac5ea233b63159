"""The one seam through which a runbook touches the world."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol, TypeVar, overload

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.step import step_of
from models.change import Change

Hands = TypeVar("Hands", contravariant=True)  # noqa: PLC0105 - the hands of an activity, in the field's words
Argument = TypeVar("Argument")
Result = TypeVar("Result")

RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), backoff_coefficient=2, maximum_interval=timedelta(seconds=30)
)


class Do(Protocol):
    """Calls an activity by its method, with its one argument: ``await do(ServiceActivities.restart_service, …)``.

    Type checkers hold the argument against the method. A fake for tests is a function of the same shape.
    """

    @overload
    async def __call__(
        self, activity: Callable[[Any, Argument], Awaitable[Result]], argument: Argument, /, *, summary: str = ""
    ) -> Result: ...
    @overload
    async def __call__(
        self, activity: Callable[[Any, Argument], Result], argument: Argument, /, *, summary: str = ""
    ) -> Result: ...


class TemporalDo:
    """The real one: runs the activity on a worker, with the limits that its mark declares.

    Args:
        remaining: how long the execution still has; None where that does not count, as for undoing.
    """

    def __init__(self, remaining: Callable[[], timedelta | None]) -> None:
        self._remaining = remaining
        self._changes = 0

    async def __call__(self, activity: Callable[..., Any], argument: Any, /, *, summary: str = "") -> Any:  # noqa: ANN401 - typed by Do
        """Run one step.

        Raises:
            temporalio.exceptions.ActivityError: it failed for good; its cause is one of `models.errors`.
        """
        step = step_of(activity)
        text = summary or step.describe(argument)
        if isinstance(argument, Change):
            self._changes += 1
            argument = argument.model_copy(update={"key": self._key(activity, argument)})
        left = self._remaining()
        within = step.within if left is None else min(step.within, left)
        if step.local:
            return await workflow.execute_local_activity(
                activity,
                argument,
                start_to_close_timeout=min(step.timeout, within),
                schedule_to_close_timeout=within,
                retry_policy=RETRY,
                summary=text,
            )
        return await workflow.execute_activity(
            activity,
            argument,
            start_to_close_timeout=min(step.timeout, within),
            schedule_to_close_timeout=within,
            heartbeat_timeout=step.heartbeat,
            retry_policy=RETRY,
            # A change that is still running must not be undone beside itself.
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
            if step.changes
            else workflow.ActivityCancellationType.TRY_CANCEL,
            summary=text,
        )

    def _key(self, activity: Callable[..., Any], change: Change) -> str:
        """Names this change of this execution; what is changed is part of it, for executions that a person resets."""
        what = hashlib.sha256(f"{activity.__name__} {change.model_dump_json()}".encode()).hexdigest()[:12]
        return f"{workflow.info().workflow_id}/{self._changes}/{what}"
