import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.requests import MAX_BODY
from tests.gateway.raw import HEAD, raw
from tests.gateway.serving import GENERIC


async def test_declared_too_long(gateway: httpx.AsyncClient) -> None:
    """A body that says it is too long is refused before it comes."""
    head = (
        f"POST /alerts/generic HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer g-token\r\nContent-Length: {MAX_BODY + 1}"
    )

    answer = await raw(gateway, f"{head}\r\nContent-Type: application/json\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"send fewer alerts" in answer


@pytest.mark.parametrize(("length", "status"), [(MAX_BODY, 422), (MAX_BODY + 1, 413)])
async def test_chunked_too_long(gateway: httpx.AsyncClient, length: int, status: int) -> None:
    """A body without a declared length is refused when it gets too long, and no byte earlier."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, length, 65536):
            yield b" " * min(65536, length - start)

    answer = await gateway.post(
        "/alerts/generic", content=chunks(), headers=GENERIC | {"Content-Type": "application/json"}
    )

    assert answer.status_code == status


@pytest.mark.parametrize("headers", [{}, GENERIC, GENERIC | {"Content-Type": "application/json"}])
async def test_answer_arrives_though_the_body_is_still_coming(
    gateway: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """Who sends a large body to be refused gets to read why, instead of a connection that breaks."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65536

    answer = await gateway.post("/alerts/generic", content=chunks(), headers=headers)

    assert answer.status_code in {401, 413, 415}
    assert answer.json()["detail"]


async def test_endless_body(gateway: httpx.AsyncClient) -> None:
    """A body without an end is cut off."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.base_url.port)
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")

    async def pour() -> None:
        while True:
            writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
            await writer.drain()

    pouring = asyncio.create_task(pour())
    assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 413 ")
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(pouring, 20)
    writer.close()


async def test_sender_that_asks_first(gateway: httpx.AsyncClient) -> None:
    """Who asks whether to send the body is told that it is not wanted."""
    head = HEAD.replace(b"g-token", b"wrong") + b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n"

    assert (await raw(gateway, head)).startswith(b"HTTP/1.1 401 ")


async def test_body_breaks_off(gateway: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """A sender that goes away in the middle of a body leaves no error behind."""
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.base_url.port)
    writer.write(HEAD + b"Content-Length: 1000\r\n\r\n{")
    await writer.drain()
    writer.close()

    assert (await gateway.get("/healthz")).status_code == 200
    assert not [record for record in caplog.records if record.exc_info]
