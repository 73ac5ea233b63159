"""A case: all that an execution starts from, so that its history says which settings held."""

from typing import Generic, TypeVar

from models.alert import Alert
from models.model import Declared, Model
from models.policy import Policy
from models.target import Target

T = TypeVar("T")
P = TypeVar("P", bound=Declared)


class Case(Model, Generic[T]):
    """One alert about one target, under one policy.

    Attributes:
        receipt: names this sending of it; by that the guard is asked what became of it.
    """

    target: T
    alert: Alert
    policy: Policy
    receipt: str = ""

    def parameters(self, kind: type[P]) -> P:
        """What the policy sets on the runbook, read as the model the runbook declares for it."""
        return kind.model_validate(self.policy.parameters)


AnyCase = Case[Target]
"""A case whatever its target, as the gateway and the guard hand it on."""
