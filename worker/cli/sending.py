"""Sending an alert to the gateway, in the format of a source."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import httpx

from gateway.answers import AlertAnswer
from gateway.tokens import token_file as kept_token
from models.admission import Admitted
from worker.cli.console import plain
from worker.settings import Settings

_WITHIN = 15.0  # seconds; a gateway answers in well under one, if Temporal does
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where it listens, not where we do
_NO_TIME = "1970-01-01T00:00:00Z"
"""Stands for a beginning that was not told, so that the same alert sent again, or resolved, is known as the same."""


class NotSentError(Exception):
    """The alert did not arrive; the text says why and what to do."""


@dataclass(frozen=True)
class Door:
    """Where alerts of one source go."""

    gateway: str
    source: str

    @classmethod
    def of(cls, settings: Settings, gateway: str | None, source: str) -> Self:
        """The door of a source, at the given gateway or where the settings have it."""
        host = _EVERYWHERE.get(settings.gateway_host, settings.gateway_host)
        here = f"http://{f'[{host}]' if ':' in host else host}:{settings.gateway_port}"
        return cls((gateway or here).rstrip("/"), source)

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.gateway}/alerts/{self.source}"


@dataclass(frozen=True)
class Sent:
    """What became of an alert.

    Attributes:
        answer: as the gateway told it; the keys of ``alert send --json``.
        useful: whether an execution heard of it, or will.
    """

    answer: dict[str, Any]
    text: str
    useful: bool


def body_for(
    source: str, name: str, status: str, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> dict[str, Any]:
    """The request body: the gateway's own form, or the webhook of Alertmanager, version 4."""
    if source == "generic":
        return {"name": name, "status": status, "labels": dict(labels), "annotations": dict(annotations)}
    all_labels = {"alertname": name, **labels}
    fingerprint = hashlib.sha256(json.dumps(sorted(all_labels.items())).encode()).hexdigest()[:16]
    alert = {
        "status": status,
        "labels": all_labels,
        "annotations": dict(annotations),
        "startsAt": _NO_TIME,
        "fingerprint": fingerprint,
    }
    return {"version": "4", "status": status, "alerts": [alert]}


def token_for(settings: Settings, source: str, file: Path | None, token: str | None) -> str:
    """The door's token: from the file, as given, as configured for the gateway, or as the gateway keeps it.

    Raises:
        NotSentError: there is none.
    """
    if file is None and (given := token or settings.tokens.get(source)):
        return given
    path = file or kept_token(settings.state_dir, source)
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotSentError(
            f"no token for {source!r}: {str(path)!r} cannot be read ({error}). 'selfheal up' makes it; "
            "or give --token-file, or SELFHEAL_TOKEN"
        ) from error


def post(door: Door, token: str, body: Mapping[str, Any]) -> Sent:
    """Send it, and read the answer.

    Raises:
        NotSentError: it was not taken.
    """
    try:
        # Straight to where it is addressed, as our own probes go: never through a proxy of the environment.
        with httpx.Client(trust_env=False, timeout=_WITHIN) as client:
            answer = client.post(door.url, json=body, headers={"Authorization": f"Bearer {token}"})
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise NotSentError(f"{door.gateway!r} is no address of a gateway: {error}") from error
    except (httpx.HTTPError, UnicodeEncodeError) as error:
        raise NotSentError(
            f"the gateway at {door.gateway} does not answer ({error}): start it with 'selfheal up' or "
            "'selfheal gateway', or name another with --gateway"
        ) from error
    if answer.status_code != HTTPStatus.ACCEPTED:
        raise NotSentError(_why(door, answer))
    return _sent(answer.json()["alerts"][0])


def _sent(answer: dict[str, Any]) -> Sent:
    read = AlertAnswer.model_validate(answer)
    useful = read.result not in {Admitted.REFUSED, Admitted.MATCHED_NOTHING}
    why = f" ({read.refused.replace('_', ' ')})" if read.refused else ""
    lines = [f"{read.result.replace('_', ' ').capitalize()}{why}"]
    lines[0] += f": {plain(read.detail)}" if read.detail else ""
    lines += [
        f"  {name:9}  {plain(value)}" for name in ("policy", "target", "execution") if (value := answer.get(name))
    ]
    if read.execution:
        lines.append(f"  follow it  selfheal executions watch {plain(read.execution)}")
    return Sent(answer, "\n".join(lines), useful)


def _why(door: Door, answer: httpx.Response) -> str:
    """What the gateway has against it."""
    try:
        said = answer.json()
        detail, fields = str(said["detail"]), [str(field) for field in said.get("fields", [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{door.url} answered {answer.status_code}, and not as a selfheal gateway does: check --gateway"
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        detail = f"the token is not the one of {door.source!r} at {door.gateway}: check --token-file or SELFHEAL_TOKEN"
    if answer.status_code == HTTPStatus.NOT_FOUND:
        detail = f"there is no door {door.url}: check --gateway and --source"
    return plain("; ".join([detail, *fields]))
