"""The engine's own judgement: pure, so that tables test it."""

from collections.abc import Sequence
from enum import Enum, auto

from models.policy import Policy
from models.verdict import Autonomy, Risk, Verdict
from workflows.remediation import Remediation


class Gate(Enum):
    """What stands between a proposal and its application."""

    CLOSED = auto()
    ASK = auto()
    OPEN = auto()


def gate(policy: Policy, risk: Risk) -> Gate:
    """Whether a change of this risk may be made under this policy."""
    match policy.autonomy:
        case Autonomy.OBSERVE:
            return Gate.CLOSED
        case Autonomy.APPROVE:
            return Gate.ASK
        case Autonomy.AUTO:
            return Gate.OPEN if risk.rank <= policy.max_risk.rank else Gate.ASK


def weigh(verdict: Verdict, *, resolved: bool) -> Verdict:
    """The verdict after a change, with the alert's own end as one more fact. It settles a doubt, never a failure."""
    return Verdict.HEALTHY if verdict is Verdict.INCONCLUSIVE and resolved else verdict


def untried(candidates: Sequence[Remediation], tried: Sequence[Remediation]) -> list[Remediation]:
    """The candidates that were not tried yet, in the author's order."""
    return [candidate for candidate in candidates if not any(candidate.same(other) for other in tried)]
