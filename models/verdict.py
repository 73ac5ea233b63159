"""The scales on which a machine may decide."""

from enum import StrEnum


class Verdict(StrEnum):
    """What the facts say about the target. Inconclusive never passes for healthy."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    INCONCLUSIVE = "inconclusive"


class Risk(StrEnum):
    """How much a remediation can break, from least to most."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """Position on the scale, 0 for the least risk."""
        return list(Risk).index(self)


class Autonomy(StrEnum):
    """How far a policy lets the machine go by itself."""

    OBSERVE = "observe"
    APPROVE = "approve"
    AUTO = "auto"
