import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from temporalio.exceptions import CancelledError
from temporalio.testing import ActivityEnvironment

from activities.hosts.filesystems import FilesystemActivities
from models.errors import GiveUpError
from models.target import Filesystem
from tests.activities.hosts.mounted import MEGABYTE, tree
from tests.activities.hosts.moves import away, back, tree_names
from tests.activities.hosts.seen import in_thread, running
from tests.services.waiting import until


@pytest.mark.parametrize("state", ["taking out", "copying", "copied", "coming back"])
def test_a_try_that_was_killed_is_finished_by_the_next(
    caching: Filesystem, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment, state: str
) -> None:
    """Wherever it died, the next try finishes it, and the undo brings everything back."""
    before = tree(cache)
    to = Path(environment.run(filesystems.move_aside, away(caching)).path).parent
    out, incoming = (cache / f".selfheal-{word}{to.name}" for word in ("", "back-"))
    if state == "coming back":
        shutil.copytree(to / "content/a b", incoming / "a b")
    else:
        shutil.copytree(to / "content", out, symlinks=True)
        if state == "copying":
            (to / "content").rename(to / "part")
            (to / "part/private").write_text("ha")
        if state == "taking out":
            shutil.rmtree(to)
            (out / "private").rename(cache / "private")
        environment.run(filesystems.move_aside, away(caching))
        assert tree(cache) == {}
    assert environment.run(filesystems.move_back, back(caching)).kept == ()
    assert before == tree(cache)


def test_an_undo_takes_up_what_a_killed_try_left(
    caching: Filesystem, cache: Path, aside: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Without a whole copy, what was taken out is simply put back."""
    before = tree(cache)
    to = Path(environment.run(filesystems.move_aside, away(caching)).path).parent
    shutil.copytree(to / "content", cache / f".selfheal-{to.name}", symlinks=True)
    (to / "content").rename(to / "part")
    environment.run(filesystems.move_back, back(caching))
    assert before == tree(cache)
    assert list(aside.iterdir()) == []


def test_cancelling_puts_everything_back(
    caching: Filesystem, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Cancelled in the middle of the copy, the cache is as it was."""
    for number in range(5000):  # so that the copy takes long enough to be seen
        (cache / "empty" / str(number)).touch()
    before = tree(cache)
    moving = in_thread(lambda: environment.run(filesystems.move_aside, away(caching)))
    copying = until(lambda: copying_from(cache)) or 0
    os.kill(copying, signal.SIGSTOP)
    environment.cancel()
    until(lambda: int(status(copying)["ShdPnd"], 16) & 1 << signal.SIGTERM - 1)
    os.kill(copying, signal.SIGCONT)
    with pytest.raises(CancelledError):
        moving.result(60)
    until(lambda: tree_names(cache) == before.keys())
    assert before == tree(cache)


def copying_from(cache: Path) -> int | None:
    """The process that copies what was taken out of the cache."""
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # gone meanwhile
            if command.read_bytes().startswith(b"cp\0-a\0--\0" + os.fsencode(cache)):
                return int(command.parent.name)
    return None


def status(pid: int) -> dict[str, str]:
    """What proc(5) says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_a_cache_that_goes_on_changing_is_put_back(
    caching: Filesystem, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """A file that is written to all the time is never taken for copied."""
    (cache / "large").write_bytes(os.urandom(10 * MEGABYTE))  # so that time passes between copy and comparison
    with subprocess.Popen(["sh", "-c", "while :; do echo x; done >live"], cwd=cache) as writing:
        until((cache / "live").exists)
        os.truncate(cache / "live", 0)
        try:
            with pytest.raises(GiveUpError, match=r"(?s)goes on changing.*Nothing was moved"):
                environment.run(filesystems.move_aside, away(caching))
        finally:
            writing.kill()
    assert (cache / "live").exists()
    assert not list(cache.glob(".selfheal-*"))


def test_one_change_at_a_time(
    caching: Filesystem, mount: Path, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """A try waits for an earlier one that still runs on the host."""
    with subprocess.Popen(["flock", mount, "sleep", "600"], start_new_session=True) as earlier:
        until(lambda: subprocess.run(["flock", "-n", mount, "true"], check=False).returncode)
        moving = in_thread(lambda: environment.run(filesystems.move_aside, away(caching)))
        beats: list[None] = []
        environment.on_heartbeat = lambda *_: beats.append(None)
        until(lambda: len(beats) > 1)
        assert not moving.done()
        assert (cache / "private").exists()
        os.killpg(earlier.pid, signal.SIGKILL)
    moving.result(30)
    assert tree(cache) == {}


def test_a_try_that_nobody_waits_for_does_not_get_its_turn(
    caching: Filesystem, mount: Path, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """What still waits on the host for an earlier change, when its worker is killed, changes nothing later on."""
    before, root = tree(cache), Path(__file__).parents[3]
    with subprocess.Popen(["flock", mount, "sleep", "600"], start_new_session=True) as earlier:
        until(lambda: subprocess.run(["flock", "-n", mount, "true"], check=False).returncode)
        late = [sys.executable, "-m", "tests.activities.hosts.one_move", away(caching).model_dump_json()]
        with subprocess.Popen(late, cwd=root) as worker:
            script = until(lambda: waiting_for(mount))
            worker.kill()
        until(lambda: not any(running(pid) for pid in script))
        os.killpg(earlier.pid, signal.SIGKILL)
    assert before == tree(cache)
    environment.run(filesystems.move_aside, away(caching))
    assert tree(cache) == {}


def waiting_for(mount: Path) -> list[int]:
    """The shells on this machine that have the mount open as the scripts do."""
    links = (link for link in Path("/proc").glob("[0-9]*/fd/9") if link.is_symlink())
    return [
        int(link.parts[2]) for link in links if os.path.realpath(link) == str(mount) and running(int(link.parts[2]))
    ]
