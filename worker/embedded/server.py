"""The embedded Temporal server: a real one in a process of its own, its database a file in the state folder."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from worker.embedded.binary import get_temporal
from worker.embedded.errors import EmbeddedServerError
from worker.embedded.leash import leashed
from worker.embedded.namespace import keep_history, register_search_attributes
from worker.embedded.ports import HOST, check_free, listening
from worker.embedded.progress import Progress
from worker.embedded.state import StateFolder

_START_LIMIT = 60.0  # seconds; it serves in under 2
_PROBE_LIMIT = 2.0  # seconds for one answer while it starts


@dataclass(kw_only=True)
class EmbeddedTemporal:
    """A Temporal server that lives as long as this process wants, and whose executions live longer.

    Its executions survive a stop, a crash or a kill of everything. What of the last moments survives a
    power cut is a choice: see `synchronous`. It runs in a session of its own, so that Ctrl-C in the terminal
    reaches the workers first, and it dies with this process (on Linux; see `leash`). Start it in a thread
    that lives as long as it shall.

    Attributes:
        state_dir: The folder of its database and log; made if it is missing. One server at a time.
        port: Where it serves gRPC, on 127.0.0.1.
        ui_port: Where it serves the Web UI, on 127.0.0.1; None for no UI.
        namespace: Made if it is missing.
        search_attributes: The type (`Keyword`, …) by name; registered if they are missing.
        synchronous: SQLite's pragma. `NORMAL`: a power cut may lose the last moments, a killed process nothing.
            `FULL`: nothing is lost, at half the throughput.
        retention: How long the history of closed executions is kept.
        log_level: How much it writes to `temporal.log`.
        program: The `temporal` program; by default it is found, or fetched into the cache.
        progress: Hears about a fetch; by default it is shown on stderr.
    """

    state_dir: Path
    port: int = 7233
    ui_port: int | None = 8233
    namespace: str = "default"
    search_attributes: Mapping[str, str] = field(default_factory=dict)
    synchronous: Literal["NORMAL", "FULL"] = "NORMAL"
    retention: timedelta = timedelta(days=30)
    log_level: Literal["debug", "info", "warn", "error"] = "warn"
    program: Path | None = None
    progress: Progress | None = None
    _process: asyncio.subprocess.Process | None = field(default=None, init=False, repr=False)
    _held: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack, init=False, repr=False)

    @property
    def address(self) -> str:
        """Where clients connect, as `host:port`."""
        return f"{HOST}:{self.port}"

    @property
    def ui_url(self) -> str | None:
        """The Web UI's address; None without one."""
        return f"http://{HOST}:{self.ui_port}" if self.ui_port else None

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it does not run."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start it, and wait until it serves.

        Raises:
            EmbeddedServerError: A port or the state folder is in use, there is no program, or it did not start.
        """
        if self.pid:
            raise EmbeddedServerError(f"This Temporal server runs already, as process {self.pid}: stop it first.")
        program = self.program or await get_temporal(progress=self.progress)
        state = StateFolder(self.state_dir)
        try:
            lock = await self._held.enter_async_context(state.claimed())
            check_free(self.port, "Temporal", "--temporal-port", "SELFHEAL_TEMPORAL_PORT")
            if self.ui_port:
                check_free(self.ui_port, "the Temporal UI", "--ui-port", "SELFHEAL_UI_PORT")
            with state.open_log() as log:
                self._process = await asyncio.create_subprocess_exec(
                    *leashed([program, *self._arguments(state)]),
                    env=_environment(),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    umask=0o077,  # histories are nobody else's business
                    pass_fds=[lock],
                )
            await self._until_it_serves(self._process, state)
        except BaseException:
            await self.stop()
            raise

    async def stop(self, within: float = 10.0) -> None:
        """Stop it, and kill it if that takes longer than so many seconds; nothing happens if it does not run."""
        process = self._process
        try:
            if process is not None and process.returncode is None:
                process.terminate()
                await asyncio.wait_for(process.wait(), within)
        except TimeoutError:
            pass
        finally:
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
            await self._held.aclose()

    async def ended(self) -> int:
        """Wait until it is gone, for whatever reason; its exit code, negative for a signal."""
        return await self._process.wait() if self._process else 0

    def _arguments(self, state: StateFolder) -> list[str]:
        return [
            *("server", "start-dev", "--db-filename", str(state.database), "--log-level", self.log_level),
            *("--ip", HOST, "--port", str(self.port), "--namespace", self.namespace),
            *(("--ui-port", str(self.ui_port)) if self.ui_port else ("--headless",)),
            # Twice the throughput and a quarter of the latency of the defaults, measured.
            *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", f"synchronous={self.synchronous}"),
            *("--dynamic-config-value", "system.enableActivityEagerExecution=true"),
            *(
                part
                for name, kind in self.search_attributes.items()
                for part in ("--search-attribute", f"{name}={kind}")
            ),
        ]

    async def _until_it_serves(self, process: asyncio.subprocess.Process, state: StateFolder) -> None:
        serving = asyncio.create_task(self._prepare())
        died = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({serving, died}, timeout=_START_LIMIT, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                return await serving
            fact = f"ended with {died.result()}" if died.done() else f"did not serve within {_START_LIMIT:.0f} seconds"
            raise EmbeddedServerError(
                f"The Temporal server on {self.address} {fact}. Its log {state.log} ends with:\n{state.end_of_log()}\n"
                "If that names the database, move the state folder aside to start with an empty one; "
                "or set TEMPORAL_ADDRESS to use another server."
            )
        finally:
            serving.cancel()
            died.cancel()

    async def _prepare(self) -> None:
        """Wait until it answers, then set up the namespace: a database from before may lack what is new."""
        while (client := await self._answer()) is None:  # noqa: ASYNC110 - a process has no event for it
            await asyncio.sleep(0.05)
        try:
            await register_search_attributes(client, self.search_attributes)
            await keep_history(client, self.retention)
        except RPCError as error:
            raise EmbeddedServerError(
                f"The Temporal server refuses the settings of namespace {self.namespace!r}: {error}. "
                "Change its search attributes or retention."
            ) from error

    async def _answer(self) -> Client | None:
        try:
            async with asyncio.timeout(_PROBE_LIMIT):
                client = await Client.connect(self.address, namespace=self.namespace)
                await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=self.namespace))
                healthy = await client.service_client.check_health()
        except (RuntimeError, RPCError, TimeoutError):  # not yet: what stays wrong ends at the start limit
            return None
        return client if healthy and (self.ui_port is None or await listening(self.ui_port)) else None


def _environment() -> dict[str, str]:
    """Ours, without the settings of a Temporal *client*, and with its look for newer versions off."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    return {**kept, "TEMPORAL_VERSION_CHECK_DISABLED": "1"}
