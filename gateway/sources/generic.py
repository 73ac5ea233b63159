"""Our own format, for scripts and for systems that can send JSON of one's own making.

One alert, or a list of them under ``alerts``. Only ``name`` is needed. Two requests are about the same condition if
their fingerprints are the same, which without one are made from name and labels, and about the same episode of it if
``starts_at`` is the same too. Without ``starts_at`` every request is about one and the same episode: sending it again,
after a lost answer say, starts nothing while its execution is under way or its cooldown lasts, and it is resolved by
the same alert with ``"status": "resolved"``. Who wants each request to count gives ``starts_at``.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field, ValidationError

from gateway.sources.fields import Annotations, Labels, Link, Moment, Name
from gateway.sources.payload import (
    Malformed,
    Payload,
    Source,
    harmless,
    named_faults,
    read_list,
    read_object,
)
from models.alert import Alert, AlertStatus
from models.model import Model

NAME = "generic"

NO_TIME = datetime.fromtimestamp(0, UTC)
"""Stands for a beginning that was not told, so that a request sent twice has the same key."""


class GenericAlert(Model):
    """One alert.

    Attributes:
        starts_at: when the condition began.
        fingerprint: what tells the condition from others; made from name and labels when left out.
        link: where a person finds the alert.
    """

    name: Name
    labels: Labels = Field(default_factory=dict)
    annotations: Annotations = Field(default_factory=dict)
    status: Literal["firing", "resolved"] = "firing"
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    fingerprint: Name | None = None
    link: Link = ""

    def alert(self) -> Alert:
        """The same in our words."""
        return Alert(
            source=NAME,
            name=self.name,
            status=AlertStatus(self.status),
            labels=self.labels,
            annotations=self.annotations,
            starts_at=self.starts_at or NO_TIME,
            ends_at=self.ends_at if self.status == "resolved" else None,
            fingerprint=self.fingerprint or fingerprint_of(self.name, self.labels),
            link=self.link,
        )


def fingerprint_of(name: str, labels: Mapping[str, str]) -> str:
    """16 hexadecimal digits that are the same for the same name and labels, in whatever order these come."""
    return hashlib.sha256(json.dumps([name, sorted(labels.items())]).encode()).hexdigest()[:16]


def parse(body: bytes) -> Payload:
    """Read a request.

    Raises:
        MalformedBodyError: it is no JSON object, or its ``alerts`` are no list with something in it.
    """
    value = read_object(body)
    if "alerts" in value:
        return Payload(alerts=read_list(value["alerts"], "alerts", _read))
    return Payload(alerts=(_read(value, ""),))


def _read(item: object, path: str) -> Alert | Malformed:
    try:
        return GenericAlert.model_validate(item).alert()
    except ValidationError as error:
        known = item if isinstance(item, Mapping) else {}
        return Malformed(
            harmless(known.get("name")), harmless(known.get("fingerprint")), tuple(named_faults(error, path))
        )


_ALERT = GenericAlert.model_json_schema()
SOURCE = Source(
    name=NAME,
    parse=parse,
    schema={
        "anyOf": [
            _ALERT,
            {
                "type": "object",
                "required": ["alerts"],
                "properties": {"alerts": {"type": "array", "minItems": 1, "items": _ALERT}},
            },
        ]
    },
    example={"name": "ServiceDown", "labels": {"service": "shop", "host": "web1"}},
)
