"""What the guard of a target did with an alert, and why."""

from datetime import datetime
from enum import StrEnum

from models.model import Model


class Admitted(StrEnum):
    """What became of an alert."""

    STARTED = "started"
    JOINED = "joined"
    RESOLVED = "resolved"
    REFUSED = "refused"
    MATCHED_NOTHING = "matched_nothing"
    TAKEN = "taken"


class Refused(StrEnum):
    """Why an alert started nothing."""

    MALFORMED = "malformed"
    NO_SUCH_TARGET = "no_such_target"
    AMBIGUOUS_TARGET = "ambiguous_target"
    DUPLICATE = "duplicate"
    COOLDOWN = "cooldown"
    ATTEMPTS_SPENT = "attempts_spent"
    NOTHING_RUNNING = "nothing_running"


class Admission(Model):
    """The answer to one alert.

    Attributes:
        execution: the execution that it started, joined or resolved.
        detail: one sentence for a person.
        until: with a cooldown or spent attempts, when the next execution may start.
    """

    result: Admitted
    refused: Refused | None = None
    execution: str | None = None
    policy: str | None = None
    target: str | None = None
    detail: str = ""
    until: datetime | None = None
