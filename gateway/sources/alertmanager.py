"""Prometheus Alertmanager's webhook, version 4.

Format: prometheus/alertmanager, ``notify/webhook/webhook.go`` and ``template/template.go``. Alertmanager repeats a
request on 5xx only and drops it on every other failure.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError

from gateway.sources.fields import MAX_KEY, Annotations, Labels, Link, Moment, Name
from gateway.sources.payload import (
    Malformed,
    MalformedBodyError,
    Payload,
    Source,
    harmless,
    named_faults,
    read_list,
    read_object,
)
from models.alert import Alert, AlertStatus
from models.model import Model

NAME = "alertmanager"
VERSION = "4"
_NAME_LABEL = "alertname"


class AlertmanagerAlert(Model):
    """One alert of the webhook; ``endsAt`` means something on a resolved one only."""

    status: Literal["firing", "resolved"]
    labels: Labels
    annotations: Annotations = Field(default_factory=dict)
    starts_at: Moment = Field(alias="startsAt")
    ends_at: Moment | None = Field(default=None, alias="endsAt")
    generator_url: Link = Field(default="", alias="generatorURL")
    fingerprint: Name

    def alert(self) -> Alert:
        """The same in our words."""
        return Alert(
            source=NAME,
            name=self.labels[_NAME_LABEL],
            status=AlertStatus(self.status),
            labels=self.labels,
            annotations=self.annotations,
            starts_at=self.starts_at,
            ends_at=self.ends_at if self.status == "resolved" else None,
            fingerprint=self.fingerprint,
            link=self.generator_url,
        )


def parse(body: bytes) -> Payload:
    """Read a request.

    Raises:
        MalformedBodyError: it is no webhook of version 4, or has no alert.
    """
    value = read_object(body)
    if value.get("version") != VERSION:
        raise MalformedBodyError(f"version: must be {VERSION!r}, Alertmanager's webhook format")
    truncated = value.get("truncatedAlerts", 0)
    return Payload(
        alerts=read_list(value.get("alerts"), "alerts", _read),
        truncated=truncated if isinstance(truncated, int) and truncated > 0 else 0,
    )


def _read(item: object, path: str) -> Alert | Malformed:
    labels = item.get("labels") if isinstance(item, Mapping) else None
    name = labels.get(_NAME_LABEL) if isinstance(labels, Mapping) else None
    faults = [f"{path}.labels.{_NAME_LABEL}: {fault}" for fault in _name_faults(name) if isinstance(labels, Mapping)]
    try:
        read = AlertmanagerAlert.model_validate(item)
    except ValidationError as error:
        faults += named_faults(error, path)
    else:
        if not faults:
            return read.alert()
    fingerprint = item.get("fingerprint") if isinstance(item, Mapping) else None
    return Malformed(harmless(name), harmless(fingerprint), tuple(faults))


def _name_faults(name: object) -> list[str]:
    """What is wrong with the name beyond what is wrong with any label."""
    if not name:
        return ["is missing"]
    too_long = isinstance(name, str) and len(name.encode()) > MAX_KEY
    return [f"is longer than {MAX_KEY} bytes"] if too_long else []


SOURCE = Source(
    name=NAME,
    parse=parse,
    schema={
        "type": "object",
        "required": ["version", "alerts"],
        "properties": {
            "version": {"const": VERSION},
            "truncatedAlerts": {"type": "integer"},
            "alerts": {"type": "array", "minItems": 1, "items": AlertmanagerAlert.model_json_schema()},
        },
    },
    example={
        "version": VERSION,
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "ServiceDown", "service": "shop", "instance": "web1:8080"},
                "annotations": {"summary": "shop does not answer"},
                "startsAt": "2026-01-31T12:00:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus:9090/graph",
                "fingerprint": "c2e1f5a9d0b34b71",
            }
        ],
    },
)
