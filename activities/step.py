"""How an activity says what it is: a read or a change, how long it may take, and how it is told in the UI.

Every activity of a runbook is marked `reads` or `changes`. The mark makes it a Temporal activity and carries what
the caller would otherwise repeat at each call. Reads are retried freely. Changes take a `Change`, whose key lets
the target see that a retry is one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

from temporalio import activity

P = ParamSpec("P")
R = TypeVar("R")

_MARK = "__selfheal_step__"


@dataclass(frozen=True)
class Step:
    """What the engine needs to know to call an activity.

    Attributes:
        summary: a format string over the fields of the argument; the result is shown in the Temporal UI.
        timeout: for one try, of which there may be many.
        within: for all tries together.
        heartbeat: a worker that is silent for longer than this is given up; None for steps of a few seconds.
        local: run in the workflow's own task, for reads that take well under a second.
    """

    summary: str
    timeout: timedelta
    within: timedelta
    heartbeat: timedelta | None
    changes: bool
    local: bool = False

    def describe(self, argument: object) -> str:
        """The summary with this argument's fields filled in."""
        return self.summary.format_map(_Fields(argument))


class _Fields(dict[str, object]):
    """Looks the fields of a model up by name, its properties too."""

    def __init__(self, argument: object) -> None:
        super().__init__()
        self._argument = argument

    def __missing__(self, key: str) -> object:
        return getattr(self._argument, key)


def reads(
    summary: str,
    *,
    timeout: timedelta = timedelta(seconds=30),
    within: timedelta = timedelta(minutes=2),
    heartbeat: timedelta | None = None,
    local: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark an activity that changes nothing."""
    return _mark(Step(summary, timeout, within, heartbeat, changes=False, local=local))


def changes(
    summary: str,
    *,
    timeout: timedelta = timedelta(minutes=5),
    within: timedelta = timedelta(minutes=15),
    heartbeat: timedelta | None = timedelta(seconds=10),
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark an activity that changes something. Its argument is a `Change`, and it may run twice with one key."""
    return _mark(Step(summary, timeout, within, heartbeat, changes=True))


def step_of(function: Callable[..., Any]) -> Step:
    """What `reads` or `changes` said of this activity.

    Raises:
        TypeError: it is not marked.
    """
    step = getattr(function, _MARK, None)
    if not isinstance(step, Step):
        raise TypeError(f"{function!r} is no step: mark it with @reads or @changes from activities.step")
    return step


def steps(hand: object) -> list[Callable[..., Any]]:
    """The activities of one hand: its methods that are marked as reads or changes."""
    methods = (getattr(hand, name) for name in dir(hand) if not name.startswith("_"))
    return [method for method in methods if isinstance(getattr(method, _MARK, None), Step)]


def _mark(step: Step) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def mark(function: Callable[P, R]) -> Callable[P, R]:
        setattr(function, _MARK, step)
        return activity.defn(function)

    return mark
