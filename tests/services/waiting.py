"""Waiting for a condition, instead of sleeping and hoping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T | None], within: float = 30) -> T:
    """The condition's first true value; AssertionError if it has none in so many seconds."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not so after {within} seconds: {value!r}"
        time.sleep(0.02)
    return value


async def eventually(condition: Callable[[], Awaitable[T | None]], within: float = 30) -> T:
    """As `until`, for a condition to be awaited."""
    deadline = time.monotonic() + within
    while not (value := await condition()):
        assert time.monotonic() < deadline, f"not so after {within} seconds: {value!r}"
        await asyncio.sleep(0.02)
    return value
