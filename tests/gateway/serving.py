"""A gateway on a real port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from gateway.serve import serve

TOKENS = {"alertmanager": "a-token", "generic": "g-token"}
GENERIC = {"Authorization": "Bearer g-token"}
ALERTMANAGER = {"Authorization": "Bearer a-token"}


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, served for as long as the context is open."""
    stop, base = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, stop=stop, listening=base.set_result))
    async with httpx.AsyncClient(base_url=await base, timeout=30, trust_env=False) as client:
        try:
            yield client
        finally:
            stop.set()
            await serving
