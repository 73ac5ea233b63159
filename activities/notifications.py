"""Telling people: webhooks that take a JSON body."""

import os
from datetime import timedelta
from pathlib import Path

import httpx
from pydantic import Field

from activities.step import changes
from models.change import Change
from models.errors import GiveUpError, TryAgainError
from models.policy import Webhook

_CLIENT_ERROR = 400
_SERVER_ERROR = 500
_TOO_MANY = 429


class Notice(Change):
    """What people are told.

    Attributes:
        to: where; the address may be a reference to a secret.
        kind: such as ``approval_request``, ``escalated`` or ``healed``.
        text: a sentence or two.
        details: more, as JSON.
    """

    to: Webhook
    kind: str
    execution: str
    target: str
    runbook: str
    text: str
    details: dict[str, str] = Field(default_factory=dict)


class NotificationActivities:
    """Sends notices; its client is injected."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @changes("tell people: {kind}", timeout=timedelta(seconds=10), within=timedelta(seconds=30), heartbeat=None)
    async def send_notice(self, notice: Notice) -> None:
        """POST the notice as JSON; the ``Idempotency-Key`` header lets the receiver drop a repeat.

        Raises:
            TryAgainError: the receiver is away or answers 5xx or 429.
            GiveUpError: it answers 4xx, or its address cannot be resolved from the reference.
        """
        url = resolve_reference(notice.to.webhook)
        body = notice.model_dump(mode="json", exclude={"to", "key"})
        try:
            answer = await self._client.post(url, json=body, headers={"Idempotency-Key": notice.key}, timeout=5)
        except httpx.InvalidURL as error:
            raise GiveUpError(f"notify address {notice.to.webhook!r} is no URL: {error}") from error
        except httpx.HTTPError as error:
            raise TryAgainError(
                f"notify address {notice.to.webhook!r} does not answer: {type(error).__name__}"
            ) from error
        if answer.status_code >= _SERVER_ERROR or answer.status_code == _TOO_MANY:
            raise TryAgainError(f"notify address {notice.to.webhook!r} answered {answer.status_code}")
        if answer.status_code >= _CLIENT_ERROR:
            raise GiveUpError(f"notify address {notice.to.webhook!r} refused the notice: {answer.status_code}")


def resolve_reference(reference: str) -> str:
    """The value behind ``env:NAME`` or ``file:/path``; anything else stands for itself.

    Raises:
        GiveUpError: the variable is not set, or the file cannot be read.
    """
    scheme, _, rest = reference.partition(":")
    if scheme == "env":
        value = os.environ.get(rest)
        if not value:
            raise GiveUpError(f"{reference!r} is not set: set the environment variable {rest!r} on the worker")
        return value
    if scheme == "file":
        try:
            return Path(rest).read_text().strip()
        except OSError as error:
            raise GiveUpError(f"{reference!r} cannot be read: {error.strerror}") from error
    return reference
