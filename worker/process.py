"""What a ``selfheal`` process is made of: the embedded server, a worker, the gateway, or several of them."""

import asyncio
import contextlib
import logging
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from temporalio.client import Client

from activities.intake import Intake
from gateway.app import build_app
from gateway.serve import serve as serve_http
from gateway.tokens import door_tokens, token_file
from models.errors import GiveUpError
from models.policy_file import PolicyFile, parse_policies
from models.runbook_info import RunbookInfo
from runbooks.catalog import all_runbooks, catalog
from worker.connecting import connect, named_server
from worker.embedded import EmbeddedServerError, EmbeddedTemporal
from worker.leaving import leave
from worker.serving import serving
from worker.settings import Settings
from worker.watches import declare_watches
from workflows import attributes

log = logging.getLogger("selfheal")

_DEFAULT_POLICIES = Path("policies.yaml")


async def serve(settings: Settings, parts: set[str]) -> None:
    """Run some of ``temporal``, ``worker`` and ``gateway`` until SIGTERM or SIGINT, then drain and stop.

    Raises:
        SelfhealError: the policies or runbooks have mistakes.
        EmbeddedServerError: there is no way to a Temporal server, or it cannot start.
    """
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for loud in ("httpx", "uvicorn.error", "paramiko.transport", "temporalio.worker"):
        logging.getLogger(loud).setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level.upper())))
    runbooks = all_runbooks(settings.runbooks)
    known = catalog(runbooks)
    file = read_policies(settings, known)
    stop = _stop_on_signals()
    running: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as stack:
        if "temporal" in parts and named_server() is None:
            embedded = await stack.enter_async_context(embedded_server(settings))
            say(f"Temporal UI  {embedded.ui_url}")
            running.append(asyncio.create_task(_outlived(embedded, stop)))
        client = await _connect(settings, stop, lazy=parts == {"gateway"})
        if client is None:
            return
        intake = Intake(client, file, known, task_queue=settings.task_queue)
        if "worker" in parts:
            await stack.enter_async_context(serving(client, settings, runbooks, intake))
            watched = await declare_watches(client, file, settings.task_queue)
            say(f"Worker       runbooks: {len(known)}, policies: {len(file.policies)}, services watched: {watched}")
        if "gateway" in parts:
            running.append(await _gateway(settings, intake, stop))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        say("Stopping: running steps get to their end; executions go on when a worker is back")
        for task in running:
            await task


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def read_policies(settings: Settings, known: dict[str, RunbookInfo]) -> PolicyFile:
    """The policy file, or an empty one when none is named and there is no ./policies.yaml.

    Raises:
        GiveUpError: the file is missing or has mistakes.
    """
    path = settings.policies or (_DEFAULT_POLICIES if _DEFAULT_POLICIES.exists() else None)
    if path is None:
        log.warning("no policies: every alert will match nothing; write policies.yaml or name one with --policies")
        return PolicyFile()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GiveUpError(f"policy file {str(path)!r} cannot be read: {error}") from error
    return parse_policies(text, file=str(path), runbooks=known)


def embedded_server(settings: Settings) -> EmbeddedTemporal:
    """The embedded Temporal server that the settings describe."""
    return EmbeddedTemporal(
        state_dir=settings.state_dir,
        port=settings.temporal_port,
        ui_port=settings.ui_port,
        synchronous=settings.sqlite_synchronous,
        search_attributes={key.name: "Keyword" for key in attributes.ALL},
    )


async def _outlived(server: EmbeddedTemporal, stop: asyncio.Event) -> None:
    """Wait until we stop.

    Raises:
        EmbeddedServerError: the server ended first.
    """
    ended, stopping = asyncio.create_task(server.ended()), asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not ended.done():
        ended.cancel()
        return
    log_file = server.state_dir / "temporal.log"
    raise EmbeddedServerError(
        f"the Temporal server ended (exit code {ended.result()}); see {str(log_file)!r}, start again"
    )


async def _connect(settings: Settings, stop: asyncio.Event, *, lazy: bool) -> Client | None:
    """A client, waiting for Temporal if it is away. None when told to stop meanwhile."""
    told = False
    while not stop.is_set():
        try:
            return await connect(settings, lazy=lazy)
        except RuntimeError as error:
            if not told:
                log.warning("Temporal cannot be reached yet, waiting for it: %s", error)
                told = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1)
    return None


async def _gateway(settings: Settings, intake: Intake, stop: asyncio.Event) -> "asyncio.Task[None]":
    tokens = door_tokens(settings.tokens, settings.state_dir)
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        serve_http(
            build_app(intake, tokens),
            settings.gateway_host,
            settings.gateway_port,
            stop=stop,
            listening=listening.set_result,
        )
    )
    begun: set[asyncio.Future[Any]] = {task, listening}
    await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    url = listening.result()
    say(f"Gateway      {url}")
    for source in tokens:
        given = (
            "the token you set"
            if source in settings.tokens
            else f"the token in {token_file(settings.state_dir, source)}"
        )
        say(f"  alerts     POST {url}/alerts/{source} with {given}")
    say(f"  try it     {_example(url, token_file(settings.state_dir, 'generic'))}")
    return task


def _example(url: str, token: Path) -> str:
    return (
        f"curl -H \"Authorization: Bearer $(cat '{token}')\" -H 'Content-Type: application/json' "
        f'-d \'{{"name": "ServiceUnhealthy", "labels": {{"service": "NAME"}}}}\' {url}/alerts/generic'
    )


def _stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; a second one leaves at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if stop.is_set():
            leave(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return stop
