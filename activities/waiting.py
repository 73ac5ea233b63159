"""Waiting inside an activity that may take hours: never silent, and gone at once when its worker stops."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

_BEAT = 5.0


async def pause(seconds: float, *beat: object) -> None:
    """Sleep, with a heartbeat every few seconds that carries `beat` for the next try.

    Raises:
        ApplicationError: the worker stops; another one goes on at once, from the last heartbeat.
    """
    while True:
        activity.heartbeat(*beat)
        step = min(seconds, _BEAT)
        with suppress(TimeoutError):
            await asyncio.wait_for(activity.wait_for_worker_shutdown(), step)
            raise ApplicationError(
                "the worker stops; another goes on",
                next_retry_delay=timedelta(milliseconds=100),
                category=ApplicationErrorCategory.BENIGN,
            )
        seconds -= step
        if seconds <= 0:
            return
