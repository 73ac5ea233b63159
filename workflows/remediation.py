"""A remediation: one corrective change, as data that can be shown, counted, applied and undone."""

import inspect
from typing import ClassVar

from models.proposal import Proposal
from models.record import Record
from models.showing import shown
from models.verdict import Risk
from workflows.do import Do


class Remediation(Record):
    """Subclass it with the fields that say what is changed, `apply`, and `undo` where there is a way back.

    `apply` and `undo` may be cut off anywhere and are then undone or tried again: write both as steps towards an
    absolute state. `undo` must tolerate that `apply` never happened. The docstring's first line is shown to people.
    """

    risk: ClassVar[Risk] = Risk.MEDIUM

    async def apply(self, do: Do) -> None:
        """Make the change."""
        raise NotImplementedError(f"{type(self).__name__} needs an apply")

    async def undo(self, do: Do) -> None:
        """Take the change back. Not overriding it says that nothing needs to be, or can be, taken back."""

    def summary(self) -> str:
        """One line that names what would be changed; the docstring's first line unless overridden."""
        return (inspect.getdoc(type(self)) or type(self).__name__).partition("\n")[0]

    def undo_summary(self) -> str:
        """How it is undone, in one line; empty when there is no way back."""
        if type(self).undo is Remediation.undo:
            return ""
        return (inspect.getdoc(type(self).undo) or "it is taken back").partition("\n")[0]

    def same(self, other: "Remediation") -> bool:
        """Whether the other is this remediation: tried already, or still proposed after a wait.

        Override it where fields may differ that do not matter, such as a list of files that grew meanwhile.
        """
        return self == other

    def proposal(self) -> Proposal:
        """This remediation as people see it."""
        return Proposal(
            remediation=type(self).__name__,
            summary=self.summary(),
            risk=self.risk,
            undo=self.undo_summary(),
            arguments=shown(self),
        )


class Escalate(Record):
    """What `propose` returns when a person must look: with the reason, in a sentence."""

    reason: str
