"""Requests as bytes, for what no client would send."""

import asyncio

import httpx

HEAD = (
    b"POST /alerts/generic HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer g-token\r\nContent-Type: application/json\r\n"
)


async def raw(gateway: httpx.AsyncClient, request: bytes) -> bytes:
    """Send these bytes and nothing more; the answer up to the end of its JSON."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.base_url.port)
    writer.write(request)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.readuntil(b"}"), 10)
    finally:
        writer.close()
