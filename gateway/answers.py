"""What the door answers."""

from collections.abc import Iterable

from pydantic import Field

from gateway.sources.payload import Malformed
from models.admission import Admission, Admitted, Refused
from models.alert import Alert
from models.model import Model


class AlertAnswer(Admission):
    """What became of one alert.

    Attributes:
        name: the alert's, like fingerprint.
        fields: with a malformed one, what is wrong with each bad field.
    """

    name: str
    fingerprint: str
    fields: tuple[str, ...] = ()


class Answer(Model):
    """The answer to a request of which something was taken.

    Attributes:
        alerts: one for each alert, in the order of the request.
        truncated: how many alerts the sender left out; they are not known here.
    """

    alerts: tuple[AlertAnswer, ...]
    truncated: int = 0


class Trouble(Model):
    """The answer to a request of which nothing was taken.

    Attributes:
        detail: why, and what to do.
        fields: what is wrong with each bad field.
    """

    detail: str
    fields: tuple[str, ...] = Field(default=())


def answer(alerts: Iterable[Alert | Malformed], admissions: Iterable[Admission], truncated: int) -> Answer:
    """The admissions of the good alerts and the refusals of the others, in the order of the request."""
    given = iter(admissions)
    return Answer(
        alerts=tuple(
            _malformed(alert) if isinstance(alert, Malformed) else _admitted(alert, next(given)) for alert in alerts
        ),
        truncated=truncated,
    )


def _malformed(alert: Malformed) -> AlertAnswer:
    return AlertAnswer(
        name=alert.name,
        fingerprint=alert.fingerprint,
        result=Admitted.REFUSED,
        refused=Refused.MALFORMED,
        detail="the alert cannot be read",
        fields=alert.fields,
    )


def _admitted(alert: Alert, admission: Admission) -> AlertAnswer:
    return AlertAnswer(name=alert.name, fingerprint=alert.fingerprint, **dict(admission))
