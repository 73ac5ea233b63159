"""Runs what a command does, and turns what goes wrong into one clear line."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

from models.errors import SelfhealError

T = TypeVar("T")


def fail(text: str, code: int = 1) -> typer.Exit:
    """Say what is wrong on stderr; raise the result to leave with the exit code."""
    line = f"error: {text}"
    # Typer does not heed no-color.org by itself.
    typer.echo(line if os.environ.get("NO_COLOR") else typer.style(line, fg=typer.colors.RED), err=True)
    return typer.Exit(code)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run asynchronous work to its end. Failures that we know become one line and exit code 1."""
    from temporalio.service import RPCError, RPCStatusCode  # noqa: PLC0415 - not needed for --help

    from worker.embedded.errors import EmbeddedServerError  # noqa: PLC0415

    try:
        return asyncio.run(work)
    except (SelfhealError, EmbeddedServerError) as error:
        raise fail(getattr(error, "message", None) or str(error)) from error
    except RPCError as error:
        if error.status in {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED}:
            raise fail(f"Temporal does not answer: {error.message}. {_START}") from error
        raise fail(f"Temporal refused it ({error.status.name.lower()}): {error.message}") from error
    except RuntimeError as error:
        if "connect" not in str(error).lower():
            raise
        raise fail(f"Temporal cannot be reached: {error}. {_START}") from error


_START = "Start it with 'selfheal up', or set TEMPORAL_ADDRESS to where it is"
