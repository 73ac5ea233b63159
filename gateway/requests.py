"""What is asked of a request before anything in it is read: who sends it, in what form, and how much."""

import asyncio
import hmac
from datetime import timedelta

from fastapi import Request, status
from starlette.requests import ClientDisconnect

MAX_BODY = 1024 * 1024
"""Bytes."""

_BODY_WITHIN = timedelta(seconds=30)


class Refusal(Exception):  # noqa: N818 - an answer, not a mistake
    """A request that is not taken.

    Attributes:
        status: of the HTTP answer.
        detail: why, and what to do.
        fields: what is wrong with its content, each with its field.
        headers: of the answer.
    """

    def __init__(
        self, status: int, detail: str, *, fields: tuple[str, ...] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.fields = fields
        self.headers = headers or {}


_CLOSE = {"Connection": "close"}
"""For answers that come before the body was read: what is left of it is not waited for."""


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
            headers={"WWW-Authenticate": 'Bearer realm="selfheal"', **_CLOSE},
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
    raise Refusal(status.HTTP_415_UNSUPPORTED_MEDIA_TYPE, wrong, headers=_CLOSE)


async def read_body(request: Request) -> bytes:
    """Read the body as far as it is allowed to be long, however it is sent.

    Raises:
        Refusal: it is too long, comes too slowly, or breaks off.
    """
    too_long = Refusal(
        status.HTTP_413_CONTENT_TOO_LARGE,
        f"the body is longer than {MAX_BODY} bytes: send fewer alerts",
        headers=_CLOSE,
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
        raise Refusal(status.HTTP_408_REQUEST_TIMEOUT, "the body came too slowly", headers=_CLOSE) from error
    except ClientDisconnect as error:
        raise Refusal(status.HTTP_400_BAD_REQUEST, "the body broke off", headers=_CLOSE) from error
    return bytes(body)
