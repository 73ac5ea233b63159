"""What every activity that changes something takes."""

from models.model import Model


class Change(Model):
    """The argument of a change. The engine fills in the key, the same at each retry of the same step.

    Attributes:
        key: names this one step of this one execution; the target keeps it as a mark, so that a retry sees
            that the change was made.
    """

    key: str = ""
