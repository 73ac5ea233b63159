import asyncio
import signal
import socket
import statistics
import time

import httpx
import pytest
from fastapi import FastAPI

from gateway.serve import PortTakenError, serve
from tests.gateway.serving import served


def slow_app() -> tuple[FastAPI, asyncio.Event, asyncio.Event]:
    """An application whose one answer waits; events say that it was asked, and that it may answer."""
    app, asked, answer = FastAPI(), asyncio.Event(), asyncio.Event()

    @app.get("/")
    async def root() -> str:
        asked.set()
        await answer.wait()
        return "done"

    return app, asked, answer


async def test_drains() -> None:
    """A request that is under way when it is told to stop gets its answer; none is taken afterwards."""
    app, asked, answer = slow_app()
    async with served(app) as client:
        port = client.base_url.port
        asking = asyncio.create_task(client.get("/"))
        await asked.wait()
        asyncio.get_running_loop().call_later(0.3, answer.set)

    assert (await asking).json() == "done"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


async def test_answers_at_once() -> None:
    """An answer is not held back until the network has acknowledged its head, which would take 40 ms."""
    took = []
    async with served(FastAPI()) as client:
        for _ in range(21):
            began = time.perf_counter()
            await client.get("/")
            took.append(time.perf_counter() - began)

    assert statistics.median(took) < 0.03


async def test_leaves_signals_alone() -> None:
    """Signal handlers are those of the process, before, during and after."""
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    async with served(FastAPI()) as client:
        await client.get("/")
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers


async def test_cancelling_frees_the_port() -> None:
    """Who cancels it instead of stopping it can listen there again."""
    base: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(FastAPI(), "127.0.0.1", 0, stop=asyncio.Event(), listening=base.set_result))
    port = int((await base).rpartition(":")[2])
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(await base)).status_code == 404

    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving

    socket.create_server(("127.0.0.1", port)).close()


async def test_port_in_use() -> None:
    """A port in use is told with the settings that choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(PortTakenError) as raised:
            await serve(FastAPI(), "127.0.0.1", port, stop=asyncio.Event())

    assert f"port {port} on 127.0.0.1 is in use" in raised.value.message
    assert "--gateway-port or SELFHEAL_GATEWAY_PORT" in raised.value.message


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
async def test_no_such_address(host: str) -> None:
    """An address that is not ours is told with the settings that choose another."""
    with pytest.raises(PortTakenError, match="--gateway-host or SELFHEAL_GATEWAY_HOST"):
        await serve(FastAPI(), host, 0, stop=asyncio.Event())


async def test_ipv6() -> None:
    """An IPv6 address is served and written as addresses are."""
    stop, base = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(FastAPI(), "::1", 0, stop=stop, listening=base.set_result))
    try:
        address = await base
        assert address.startswith("http://[::1]:")
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(address)).status_code == 404
    finally:
        stop.set()
        await serving
