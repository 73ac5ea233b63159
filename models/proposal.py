"""A remediation as people see it: what, how risky, how it is undone."""

from typing import Any

from pydantic import Field

from models.model import Model
from models.verdict import Risk


class Proposal(Model):
    """What would be done.

    Attributes:
        remediation: the class, such as ``RollBack``.
        summary: one line that names what is changed, from what to what.
        undo: how it is undone; empty when it cannot be.
        arguments: the remediation's own fields.
    """

    remediation: str
    summary: str
    risk: Risk
    undo: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)

    @property
    def undoable(self) -> bool:
        """Whether the change can be taken back."""
        return bool(self.undo)
