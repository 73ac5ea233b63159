import asyncio
import os
import select
import socket
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.services.missing import missing
from tests.services.waiting import eventually
from worker.embedded import Display, NoTemporalError, Silent, find_temporal, get_temporal
from worker.embedded.fetch import FetchError, sdk_download

NOWHERE = "http://127.0.0.1:9"  # the discard port, where nothing listens: a proxy that refuses at once


@pytest.fixture(scope="module")
def real() -> Path:
    """The real `temporal` program."""
    return find_temporal() or missing("temporal")


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    """A folder to be all there is on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def env(tmp_path: Path, bin_dir: Path) -> dict[str, str]:
    """An environment without programs, with an empty cache, that reaches nothing."""
    return {"PATH": str(bin_dir), "SELFHEAL_CACHE_DIR": str(tmp_path / "cache"), "HTTPS_PROXY": NOWHERE}


def _executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def _go(bin_dir: Path, script: str) -> None:
    """A stand-in for Go, which takes minutes: a shell script that puts something where Go would."""
    _executable(bin_dir / "go", f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")


def _cache(env: Mapping[str, str], *parts: str) -> Path:
    return Path(env["SELFHEAL_CACHE_DIR"], "bin", *parts)


def _in_cache(env: Mapping[str, str]) -> list[str]:
    return sorted(file.name for file in _cache(env).iterdir() if file.name != ".lock")


async def test_the_one_on_path_is_used(env: dict[str, str], bin_dir: Path, real: Path) -> None:
    """A `temporal` on PATH is taken as it is, and nothing is fetched."""
    (bin_dir / "temporal").symlink_to(real)

    assert await get_temporal(env, Silent()) == bin_dir / "temporal"
    assert not _cache(env).exists()


@pytest.mark.parametrize("broken", ["just text", "#!/bin/sh\nexit 1\n", "#!/bin/sh\necho another program\n"])
async def test_a_broken_one_on_path_gives_way_to_the_cache(
    env: dict[str, str], bin_dir: Path, real: Path, broken: str
) -> None:
    """A `temporal` that does not run, fails, or is another program is passed over."""
    _executable(bin_dir / "temporal", broken)
    cached = _cache(env, "temporal")
    cached.parent.mkdir(parents=True)
    cached.symlink_to(real)

    assert await get_temporal(env, Silent()) == cached
    assert find_temporal(env) == cached


async def test_no_way_at_all(env: dict[str, str]) -> None:
    """Where nothing works, the error says what was tried, why it failed, and what would help."""
    with pytest.raises(NoTemporalError) as error:
        await get_temporal(env, Silent())

    said = str(error.value)
    assert "`temporal` on PATH: not found" in said
    assert "`temporal` in the cache: not found" in said
    assert "the SDK's download: Failed starting Temporal dev server" in said
    assert "go install github.com/temporalio/cli/cmd/temporal@v1.5.1: there is no go on PATH" in said
    assert "TEMPORAL_ADDRESS" in said
    assert _in_cache(env) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("just text", "does not run: Exec format error"),
        ("#!/bin/sh\necho out of order >&2\nexit 1\n", "`--version` ended with 1 and said 'out of order'"),
    ],
)
async def test_a_broken_one_is_in_the_error(env: dict[str, str], bin_dir: Path, text: str, reason: str) -> None:
    """Why a program that is there was not used is said too."""
    program = _executable(bin_dir / "temporal", text)
    with pytest.raises(NoTemporalError) as error:
        await get_temporal(env, Silent())
    assert f"`temporal` on PATH: {program} {reason}" in str(error.value)


async def test_a_failed_build_leaves_nothing(env: dict[str, str], bin_dir: Path) -> None:
    """A build that breaks off half way leaves no half program in the cache, and its last words in the error."""
    _go(bin_dir, 'echo half > "$GOBIN/temporal"; echo no space left >&2; exit 1')
    with pytest.raises(NoTemporalError, match=r"go install .*: no space left"):
        await get_temporal(env, Silent())
    assert _in_cache(env) == []


async def test_a_build_that_gives_garbage_is_not_kept(env: dict[str, str], bin_dir: Path) -> None:
    """What was built is tried before it is put into the cache."""
    _go(bin_dir, 'echo text > "$GOBIN/temporal"; chmod +x "$GOBIN/temporal"')
    with pytest.raises(NoTemporalError, match=r"go install .*: what it gave does not run: Exec format error"):
        await get_temporal(env, Silent())
    assert _in_cache(env) == []


async def test_two_at_once_build_once(env: dict[str, str], bin_dir: Path, real: Path, tmp_path: Path) -> None:
    """Of two processes without a program one builds, and the other waits for it."""
    _go(bin_dir, f'echo built >> {tmp_path}/builds; ln -s {real} "$GOBIN/temporal"')

    first, second = await asyncio.gather(get_temporal(env, Silent()), get_temporal(env, Silent()))

    assert first == second == _cache(env, "temporal")
    assert (tmp_path / "builds").read_text() == "built\n"
    assert _in_cache(env) == ["temporal"]


async def test_an_interrupted_build_ends(env: dict[str, str], bin_dir: Path, tmp_path: Path) -> None:
    """Ctrl-C during a build ends the build and what it started, and leaves nothing in the cache."""
    _go(bin_dir, f"sleep 600 & echo $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/compiler; wait")
    fetching = asyncio.create_task(get_temporal(env, Silent()))
    await eventually(lambda: asyncio.to_thread((tmp_path / "compiler").exists))
    compiler = os.pidfd_open(int((tmp_path / "compiler").read_text()))

    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching

    gone, _, _ = select.select([compiler], [], [], 30)  # a process that has ended makes its descriptor readable
    os.close(compiler)
    assert gone
    assert _in_cache(env) == []


async def test_what_a_killed_process_left_is_cleared(env: dict[str, str], bin_dir: Path, real: Path) -> None:
    """The scratch folder of a fetch that was killed goes with the next fetch."""
    _cache(env, "fetch-killed").mkdir(parents=True)
    _go(bin_dir, f'ln -s {real} "$GOBIN/temporal"')
    await get_temporal(env, Silent())
    assert _in_cache(env) == ["temporal"]


async def test_a_cache_that_cannot_be_written(env: dict[str, str]) -> None:
    """An unusable cache folder is named like any other way that failed."""
    with pytest.raises(NoTemporalError, match=r"the cache folder /proc/selfheal: .*No such file or directory"):
        await get_temporal({**env, "SELFHEAL_CACHE_DIR": "/proc/selfheal"}, Silent())


async def test_a_download_that_hangs_is_given_up(env: dict[str, str], tmp_path: Path) -> None:
    """A host that takes the connection and never answers does not hold up the other ways."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        folder = tmp_path / "download"
        folder.mkdir()
        with pytest.raises(FetchError, match="nothing arrived for 2 seconds"):
            await sdk_download(folder, {**env, "HTTPS_PROXY": proxy}, Silent(), stalled_after=2)


async def test_plain_progress_where_there_is_no_terminal(env: dict[str, str], bin_dir: Path, real: Path) -> None:
    """In a log each step is a line, and a thousand built packages are not."""
    log = StringIO()
    _go(bin_dir, f'for i in 1 2 3; do echo package/$i >&2; done; ln -s {real} "$GOBIN/temporal"')

    await get_temporal(env, Display(Console(file=log, width=200)))

    assert log.getvalue().splitlines() == [
        "Downloading the Temporal server (once) …",
        "Building the Temporal server with Go (once, some minutes) …",
    ]


async def test_a_spinner_on_a_terminal(env: dict[str, str], bin_dir: Path, real: Path) -> None:
    """On a terminal the package being built is shown."""
    screen = StringIO()
    _go(bin_dir, f'echo google.golang.org/grpc >&2; sleep 0.3; ln -s {real} "$GOBIN/temporal"')

    with Display(Console(file=screen, force_terminal=True, width=200)) as display:
        await get_temporal(env, display)

    assert "google.golang.org/grpc" in screen.getvalue()
