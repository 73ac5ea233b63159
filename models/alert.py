"""An alert: a firing condition with labels, as a monitoring system reports it."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from models.model import Model


class AlertStatus(StrEnum):
    """Whether the condition holds."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Alert(Model):
    """One report about one condition. A label is data: never a template, a command or a path.

    Attributes:
        source: which system said so: the name of its door, as in ``/alerts/{source}``, or ``watch``.
        name: the alert's name, as ``alertname`` in Prometheus.
        fingerprint: what tells this condition from others of the same source, stable from firing to resolved.
        starts_at: when the condition began; a new episode of the same condition has a new one.
        link: where a person finds the alert, or nothing.
    """

    source: str
    name: str
    status: AlertStatus = AlertStatus.FIRING
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: datetime
    ends_at: datetime | None = None
    fingerprint: str
    link: str = ""

    @property
    def condition(self) -> str:
        """What is firing, whichever episode of it."""
        return f"{self.source}:{self.fingerprint}"

    @property
    def episode(self) -> str:
        """This condition from this beginning: the same alert sent again has the same episode."""
        return f"{self.condition}:{self.starts_at.isoformat()}"

    @property
    def key(self) -> str:
        """This very report: sent twice, it has the same key."""
        return f"{self.episode}:{self.status}"

    @property
    def resolved(self) -> bool:
        """Whether the condition is over."""
        return self.status is AlertStatus.RESOLVED
