"""The `temporal` program: found on PATH or in the cache, else fetched into it, else an error that names all ways."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

from worker.embedded.errors import NoTemporalError
from worker.embedded.fetch import GO_PACKAGE, FetchError, go_install, sdk_download
from worker.embedded.locks import try_lock
from worker.embedded.progress import Display, Progress

_VERSION_LIMIT = 20.0  # seconds; the program answers in 0.1, but it has 100 MB to be read from a cold disk


def cache_dir(env: Mapping[str, str] = os.environ) -> Path:
    """Where selfheal keeps what it fetched: SELFHEAL_CACHE_DIR, or `selfheal` in the user's cache folder."""
    if chosen := env.get("SELFHEAL_CACHE_DIR"):
        return Path(chosen).expanduser()
    return Path(env.get("XDG_CACHE_HOME") or Path(env.get("HOME") or "~", ".cache")).expanduser() / "selfheal"


def find_temporal(env: Mapping[str, str] = os.environ) -> Path | None:
    """The `temporal` program of this machine, if there is one that works; nothing is fetched."""
    return _find(env)[0]


async def get_temporal(env: Mapping[str, str] = os.environ, progress: Progress | None = None) -> Path:
    """The `temporal` program of this machine; fetched or built into the cache if there is none that works.

    Processes that fetch at the same time wait for one another, and never see a half-written program.

    Args:
        env: PATH, the cache folder, proxies and Go's settings are read from it.
        progress: Hears about a fetch; by default it is shown on stderr.

    Raises:
        NoTemporalError: No way worked; the text says why each did not, and what to do.
    """
    found, failures = await asyncio.to_thread(_find, env)
    if found is None:
        with Display() as display:
            try:
                found = await _fetch(env, progress or display, failures)
            except OSError as error:
                failures[f"the cache folder {cache_dir(env)}"] = str(error)
    if found is None:
        raise NoTemporalError(
            "There is no Temporal server to run. Tried:\n"
            + "".join(f"  - {way}: {reason}\n" for way, reason in failures.items())
            + "Any one of these helps: set TEMPORAL_ADDRESS to a Temporal server that runs already; put the `temporal` "
            "program on PATH (https://docs.temporal.io/cli); give access to https://temporal.download; or install "
            "Go 1.25 with access to its module proxy."
        )
    return found


def _find(env: Mapping[str, str]) -> tuple[Path | None, dict[str, str]]:
    """The program, or why each place has none."""
    failures = {}
    for place, program in _places(env):
        reason = _defect(program) if program else "not found"
        if program and not reason:
            return program, {}
        failures[place] = f"{program} {reason}" if program else "not found"
    return None, failures


def _places(env: Mapping[str, str]) -> Iterator[tuple[str, Path | None]]:
    on_path = shutil.which("temporal", path=env.get("PATH", ""))
    yield "`temporal` on PATH", Path(on_path) if on_path else None
    yield "`temporal` in the cache", cached if (cached := _cached(env)).exists() else None


def _cached(env: Mapping[str, str]) -> Path:
    return cache_dir(env) / "bin" / "temporal"


def _defect(program: Path) -> str | None:
    """Why the program is not one to use; None if it is."""
    try:
        answer = subprocess.run(  # noqa: S603 - it runs what the user put there
            [program, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_LIMIT,
            check=False,
        )
    except OSError as error:
        return f"does not run: {error.strerror}"
    except subprocess.TimeoutExpired:
        return f"`--version` did not answer in {_VERSION_LIMIT:.0f} seconds"
    if answer.returncode or not answer.stdout.startswith("temporal version"):
        said = (answer.stderr or answer.stdout).strip()[:200]
        return f"`--version` ended with {answer.returncode} and said {said!r}"
    return None


async def _fetch(env: Mapping[str, str], progress: Progress, failures: dict[str, str]) -> Path | None:
    """The program in the cache; None if each way failed, with the reasons added. OSError: the cache is not writable."""
    ways: dict[str, Callable[[Path, Mapping[str, str], Progress], Awaitable[Path]]] = {
        "the SDK's download": sdk_download,
        f"go install {GO_PACKAGE}": go_install,
    }
    target = _cached(env)
    target.parent.mkdir(parents=True, exist_ok=True)
    async with _alone(target.with_name(".lock"), progress):
        if found := (await asyncio.to_thread(_find, env))[0]:
            return found  # another process was faster
        for left_over in target.parent.glob("fetch-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        for way, fetch in ways.items():
            with tempfile.TemporaryDirectory(prefix="fetch-", dir=target.parent) as folder:
                try:
                    program = await fetch(Path(folder), env, progress)
                except FetchError as error:
                    failures[way] = str(error)
                    continue
                if reason := await asyncio.to_thread(_defect, program):
                    failures[way] = f"what it gave {reason}"
                    continue
                return program.replace(target)
    return None


@contextlib.asynccontextmanager
async def _alone(lock: Path, progress: Progress) -> AsyncIterator[None]:
    """Let one process at a time in; the kernel opens the lock when its holder dies."""
    with lock.open("w") as file:
        if not try_lock(file):
            progress.step("Waiting for another process that fetches the Temporal server")
            while not try_lock(file):  # noqa: ASYNC110 - the kernel has no asynchronous lock
                await asyncio.sleep(0.5)
        yield
