"""The two ways to get a `temporal` program where none is: the SDK's download, and Go."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from worker.embedded import download
from worker.embedded.progress import Progress

# The newest version that `go install` accepts: later ones have a replace directive in their go.mod.
GO_PACKAGE = "github.com/temporalio/cli/cmd/temporal@v1.5.1"

_BUILD_LIMIT = 1800.0  # seconds; two slow cores take 240
_KEPT_LINES = 5  # of a failed command's output, for the error


class FetchError(Exception):
    """This way did not work; its text is the reason."""


async def sdk_download(
    folder: Path, env: Mapping[str, str], progress: Progress, *, stalled_after: float = 10.0
) -> Path:
    """Have the SDK download the program into the folder.

    Raises:
        FetchError: Its host cannot be reached, or nothing arrived for `stalled_after` seconds.
    """
    progress.step("Downloading the Temporal server (once)")
    seen, since = -1, time.monotonic()
    async with _running([sys.executable, "-P", download.__file__, str(folder)], env) as (process, last):
        finished = asyncio.ensure_future(process.wait())
        while not (await asyncio.wait({finished}, timeout=0.2))[0]:
            size = _bytes_in(folder)
            if size != seen:
                seen, since = size, time.monotonic()
                progress.detail(f"{size / 1e6:.0f} MB")
            elif time.monotonic() - since > stalled_after:
                break
        if arrived := _arrived(folder):
            return arrived
        if process.returncode is None:
            raise FetchError(f"nothing arrived for {stalled_after:.0f} seconds")
        raise FetchError(" ".join(last) or f"ended with {process.returncode}")


def _bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _arrived(folder: Path) -> Path | None:
    """The downloaded program; the SDK writes it under another name before it is whole."""
    return next((file for file in folder.iterdir() if file.is_file() and file.suffix != ".downloading"), None)


async def go_install(folder: Path, env: Mapping[str, str], progress: Progress) -> Path:
    """Have Go build the program into the folder: 3 to 4 minutes on two cores.

    Raises:
        FetchError: There is no Go, or the build failed or took longer than half an hour.
    """
    go = shutil.which("go", path=env.get("PATH", ""))
    if go is None:
        raise FetchError("there is no go on PATH")
    progress.step("Building the Temporal server with Go (once, some minutes)")
    command = [go, "install", "-v", "-ldflags=-s -w", GO_PACKAGE]
    async with _running(command, {**env, "GOBIN": str(folder), "CGO_ENABLED": "0"}, progress) as (process, last):
        try:
            await asyncio.wait_for(process.wait(), _BUILD_LIMIT)
        except TimeoutError:
            raise FetchError(f"not built after {_BUILD_LIMIT:.0f} seconds, at {' '.join(last)}") from None
        if process.returncode:
            raise FetchError(" ".join(last) or f"ended with {process.returncode}")
    return folder / "temporal"


@contextlib.asynccontextmanager
async def _running(
    command: list[str], env: Mapping[str, str], progress: Progress | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, deque[str]]]:
    """Run a command, keep the last lines it says, and leave none of its processes behind."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    last: deque[str] = deque(maxlen=_KEPT_LINES)

    async def listen(stream: asyncio.StreamReader) -> None:
        async for line in stream:
            last.append(line.decode(errors="replace").strip())
            if progress is not None:
                progress.detail(last[-1])

    assert process.stderr is not None  # noqa: S101 - it was asked for
    listener = asyncio.create_task(listen(process.stderr))
    try:
        yield process, last
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await listener
