"""What policies and the door need to know of a runbook, without importing it."""

from dataclasses import dataclass

from models.model import Declared


class NoneTaken(Declared):
    """The parameters of a runbook that takes none."""


@dataclass(frozen=True)
class RunbookInfo:
    """One runbook, as policies see it.

    Attributes:
        name: its workflow type.
        summary: the first line of its docstring.
        handles: the alert names it was written for.
        targets: the kinds of target it can heal.
        parameters: what a policy may set on it.
    """

    name: str
    summary: str
    handles: tuple[str, ...]
    targets: tuple[str, ...]
    parameters: type[Declared] = NoneTaken
