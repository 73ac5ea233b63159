"""What is asked of a request before anything in it is read: who sends it, in what form, and how much."""

import asyncio
import hmac
from contextlib import suppress
from datetime import timedelta

from fastapi import Request, Response, status
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

MAX_BODY = 1024 * 1024
"""Bytes."""

_BODY_WITHIN = timedelta(seconds=30)
_LINGER = timedelta(seconds=2)
_LINGER_BYTES = 16 * MAX_BODY


class Refusal(Exception):  # noqa: N818 - an answer, not a mistake
    """A request that is not taken.

    Attributes:
        status: of the HTTP answer.
        detail: why, and what to do.
        headers: of the answer.
    """

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = {"Connection": "close", **(headers or {})}


class LingeringAnswer(Response):
    """An answer that comes before all of the body did.

    Closing a connection on which bytes still come in would reset it, and the sender might never see the answer. So
    it is sent at once, then what still comes is thrown away for a while, and then the connection is closed.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Send it, and linger."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        left = _LINGER_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER.total_seconds()):
                while left > 0:
                    message = await receive()
                    if message["type"] != "http.request" or not message.get("more_body"):
                        break
                    left -= len(message["body"])
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def check_sender(request: Request, token: str) -> None:
    """Compare the bearer token in constant time.

    Raises:
        Refusal: it is missing or another one.
    """
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode("latin-1", "replace"), token.encode())
    if scheme.lower() != "bearer" or not same:
        raise Refusal(
            status.HTTP_401_UNAUTHORIZED,
            "this door wants the header 'Authorization: Bearer TOKEN' with its own token",
            {"WWW-Authenticate": 'Bearer realm="selfheal"'},
        )


def check_form(request: Request) -> None:
    """Take JSON in UTF-8 and nothing else.

    Raises:
        Refusal: it is declared to be something else.
    """
    media, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    is_json = media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
    charsets = {part.partition("=")[2].strip('" ') for part in parameters if part.startswith("charset=")}
    if not is_json or charsets - {"utf-8", "utf8"}:
        wrong = f"send 'Content-Type: application/json' in UTF-8, not {media[:80]!r}"
    elif request.headers.get("content-encoding", "identity").lower() != "identity":
        wrong = "send the body as it is, without Content-Encoding"
    else:
        return
    raise Refusal(status.HTTP_415_UNSUPPORTED_MEDIA_TYPE, wrong)


async def read_body(request: Request) -> bytes:
    """Read the body as far as it is allowed to be long, however it is sent.

    Raises:
        Refusal: it is too long, comes too slowly, or breaks off.
    """
    too_long = Refusal(
        status.HTTP_413_CONTENT_TOO_LARGE, f"the body is longer than {MAX_BODY} bytes: send fewer alerts"
    )
    if int(request.headers.get("content-length", "0")) > MAX_BODY:
        raise too_long
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_WITHIN.total_seconds()):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise too_long
    except TimeoutError as error:
        raise Refusal(status.HTTP_408_REQUEST_TIMEOUT, "the body came too slowly") from error
    except ClientDisconnect as error:
        raise Refusal(status.HTTP_400_BAD_REQUEST, "the body broke off") from error
    return bytes(body)
