import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from temporalio.exceptions import CancelledError
from temporalio.testing import ActivityEnvironment

from activities.hosts.connection import Connections
from activities.hosts.filesystems import FilesystemActivities, MoveAside, MoveBack
from models.errors import GiveUpError
from models.host import Host
from models.target import Filesystem
from tests.activities.hosts.mounted import MEGABYTE, small_filesystem, tree
from tests.activities.hosts.seen import in_thread, running
from tests.services.waiting import until


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Path]:
    """A small file system."""
    with small_filesystem(tmp_path / "small data") as folder:
        yield folder


@pytest.fixture
def cache(mount: Path) -> Path:
    """A cache with all that may be in one: odd names, folders, links, modes and times."""
    cache = mount / "cache"
    (cache / "a b/deep").mkdir(parents=True)
    (cache / "a b/deep/$(touch x)").write_bytes(os.urandom(3 * MEGABYTE))
    (cache / ".hidden").write_text("hidden")
    (cache / "..double").write_text("dots")
    (cache / "-f").write_text("dash")
    (cache / "new\nline").write_text("line")
    (cache / "ünï").write_text("x")
    (cache / "empty").mkdir(mode=0o700)
    (cache / "link").symlink_to("/etc/passwd")
    (cache / "dangling").symlink_to("nowhere")
    (cache / "private").write_text("x")
    (cache / "private").chmod(0o600)
    os.utime(cache / "private", ns=(1_700_000_000_123_456_789, 1_700_000_000_123_456_789))
    cache.chmod(0o755)
    return cache


@pytest.fixture
def aside(tmp_path: Path) -> Path:
    """A folder on another file system; not there yet."""
    return tmp_path / "aside"


@pytest.fixture
def filesystem(host: Host, mount: Path, cache: Path, aside: Path) -> Filesystem:
    """The file system with that cache."""
    return Filesystem(mount=str(mount), host=host, caches=(str(cache),), aside=str(aside))


@pytest.fixture
def hands(connections: Connections) -> FilesystemActivities:
    """The activities."""
    return FilesystemActivities(connections)


@pytest.fixture
def environment() -> ActivityEnvironment:
    """An activity to be in."""
    return ActivityEnvironment()


def away(filesystem: Filesystem, key: str = "a") -> MoveAside:
    """The change."""
    return MoveAside(key=key, filesystem=filesystem, cache=filesystem.caches[0])


def back(filesystem: Filesystem, key: str = "a") -> MoveBack:
    """The change that undoes it."""
    return MoveBack(key="undo", filesystem=filesystem, cache=filesystem.caches[0], moved_key=key)


def test_a_cache_is_moved_aside_and_back_byte_for_byte(
    filesystem: Filesystem, cache: Path, aside: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """The folder stays, its content goes and comes back with modes, times and links; each step twice is as once."""
    before, mode = tree(cache), cache.stat().st_mode
    for _ in range(2):
        moved = environment.run(hands.move_aside, away(filesystem))
        assert tree(cache) == {}
        assert before == tree(Path(moved.path))
        assert moved.bytes >= 3 * MEGABYTE
    assert Path(moved.path).stat().st_mode & 0o77 == 0
    for _ in range(2):
        assert environment.run(hands.move_back, back(filesystem)).kept == ()
        assert before == tree(cache)
        assert mode == cache.stat().st_mode
    assert list(aside.iterdir()) == []


def test_bringing_back_what_was_never_moved_changes_nothing(
    filesystem: Filesystem, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """An undo that comes before its change is fine."""
    before = tree(cache)
    assert environment.run(hands.move_back, back(filesystem)).kept == ()
    assert before == tree(cache)


def test_what_the_cache_holds_by_now_stays(
    filesystem: Filesystem, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """What was written meanwhile is not replaced; what it keeps from its place stays aside and is told."""
    moved = environment.run(hands.move_aside, away(filesystem))
    (cache / "a b").mkdir()
    (cache / "a b/new").write_text("new")
    (cache / "private").write_text("newer")
    for _ in range(2):
        assert environment.run(hands.move_back, back(filesystem)).kept == ("private",)
        assert (cache / "private").read_text() == "newer"
        assert {"new", "deep"} == {path.name for path in (cache / "a b").iterdir()}
        assert (Path(moved.path).with_name("kept") / "private").read_text() == "x"
    environment.run(hands.move_aside, away(filesystem))
    assert tree(cache) == {}
    assert environment.run(hands.move_back, back(filesystem)).kept == ()
    assert (cache / "private").read_text() == "newer"
    assert (Path(moved.path).with_name("kept") / "private").read_text() == "x"


def test_two_moves_have_two_places(
    filesystem: Filesystem, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """What the cache gathered after a first move is moved by a second one, and each comes back by its own key."""
    environment.run(hands.move_aside, away(filesystem, "a"))
    (cache / "later").write_text("later")
    environment.run(hands.move_aside, away(filesystem, "b"))
    assert tree(cache) == {}
    environment.run(hands.move_back, back(filesystem, "b"))
    assert [path.name for path in cache.iterdir()] == ["later"]


def test_two_caches_share_a_key(
    filesystem: Filesystem, mount: Path, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """One remediation may move several caches under one name; each comes back to its own folder."""
    other = mount / "other"
    other.mkdir()
    (other / "file").write_text("other")
    both = filesystem.model_copy(update={"caches": (str(cache), str(other))})
    before = tree(mount)
    for path in both.caches:
        environment.run(hands.move_aside, MoveAside(key="a", filesystem=both, cache=path, moved_key="one"))
        assert tree(Path(path)) == {}
    for path in both.caches:
        environment.run(hands.move_back, MoveBack(key="b", filesystem=both, cache=path, moved_key="one"))
    assert before == tree(mount)


def test_a_key_can_be_chosen(
    filesystem: Filesystem, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Whoever writes the remediation names what is moved, as the engine's keys are not known to its undo."""
    before = tree(cache)
    environment.run(hands.move_aside, away(filesystem).model_copy(update={"moved_key": "chosen"}))
    environment.run(hands.move_back, back(filesystem, "chosen"))
    assert before == tree(cache)


@pytest.mark.parametrize("state", ["taking out", "copying", "copied", "coming back"])
def test_a_try_that_was_killed_is_finished_by_the_next(
    filesystem: Filesystem, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment, state: str
) -> None:
    """Wherever it died, the next try finishes it, and the undo brings everything back."""
    before = tree(cache)
    to = Path(environment.run(hands.move_aside, away(filesystem)).path).parent
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
        environment.run(hands.move_aside, away(filesystem))
        assert tree(cache) == {}
    assert environment.run(hands.move_back, back(filesystem)).kept == ()
    assert before == tree(cache)


def test_an_undo_takes_up_what_a_killed_try_left(
    filesystem: Filesystem, cache: Path, aside: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Without a whole copy, what was taken out is simply put back."""
    before = tree(cache)
    to = Path(environment.run(hands.move_aside, away(filesystem)).path).parent
    shutil.copytree(to / "content", cache / f".selfheal-{to.name}", symlinks=True)
    (to / "content").rename(to / "part")
    environment.run(hands.move_back, back(filesystem))
    assert before == tree(cache)
    assert list(aside.iterdir()) == []


def test_cancelling_puts_everything_back(
    filesystem: Filesystem, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Cancelled in the middle of the copy, the cache is as it was."""
    for number in range(5000):  # so that the copy takes long enough to be seen
        (cache / "empty" / str(number)).touch()
    before = tree(cache)
    moving = in_thread(lambda: environment.run(hands.move_aside, away(filesystem)))
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


def tree_names(folder: Path) -> set[str]:
    """The names of all that is in a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_cache_that_goes_on_changing_is_put_back(
    filesystem: Filesystem, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """A file that is written to all the time is never taken for copied."""
    (cache / "large").write_bytes(os.urandom(10 * MEGABYTE))  # so that time passes between copy and comparison
    with subprocess.Popen(["sh", "-c", "while :; do echo x; done >live"], cwd=cache) as writing:
        until((cache / "live").exists)
        os.truncate(cache / "live", 0)
        try:
            with pytest.raises(GiveUpError, match=r"(?s)goes on changing.*Nothing was moved"):
                environment.run(hands.move_aside, away(filesystem))
        finally:
            writing.kill()
    assert (cache / "live").exists()
    assert not list(cache.glob(".selfheal-*"))


@pytest.mark.parametrize("path", ["/etc", "{mount}", "{mount}/other"])
def test_only_a_declared_cache_is_moved(
    filesystem: Filesystem, mount: Path, hands: FilesystemActivities, environment: ActivityEnvironment, path: str
) -> None:
    """What was not declared is refused."""
    with pytest.raises(GiveUpError, match="declare it"):
        environment.run(hands.move_aside, MoveAside(key="a", filesystem=filesystem, cache=path.format(mount=mount)))


def test_a_cache_that_leads_out_is_refused(
    filesystem: Filesystem, mount: Path, tmp_path: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """A declared cache that is a symbolic link to elsewhere is not followed."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").touch()
    (mount / "way").symlink_to(tmp_path / "outside")
    sly = filesystem.model_copy(update={"caches": (str(mount / "way"),)})
    for call, change in ((hands.move_aside, away(sly)), (hands.move_back, back(sly))):
        with pytest.raises(GiveUpError, match="does not lie on"):
            environment.run(call, change)  # type: ignore[arg-type]
    assert (tmp_path / "outside/file").exists()


def test_a_place_on_the_same_file_system_is_refused(
    filesystem: Filesystem, mount: Path, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Moving within a file system makes no room."""
    before = tree(cache)
    near = filesystem.model_copy(update={"aside": str(mount / "aside")})
    with pytest.raises(GiveUpError, match="same file system"):
        environment.run(hands.move_aside, away(near))
    assert before == tree(cache)


def test_a_place_without_room_is_refused(
    filesystem: Filesystem, cache: Path, aside: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Filling another file system is no help."""
    before = tree(cache)
    with small_filesystem(aside, megabytes=2), pytest.raises(GiveUpError, match="not enough room"):
        environment.run(hands.move_aside, away(filesystem))
    assert before == tree(cache)


def test_bringing_back_without_room_is_an_error_that_loses_nothing(
    filesystem: Filesystem, mount: Path, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """The copy stays until it can come back."""
    before = tree(cache)
    environment.run(hands.move_aside, away(filesystem))
    (mount / "ballast").write_bytes(b"x" * 18 * MEGABYTE)
    with pytest.raises(GiveUpError, match="not enough room"):
        environment.run(hands.move_back, back(filesystem))
    (mount / "ballast").unlink()
    environment.run(hands.move_back, back(filesystem))
    assert before == tree(cache)


def test_one_change_at_a_time(
    filesystem: Filesystem, mount: Path, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """A try waits for an earlier one that still runs on the host."""
    with subprocess.Popen(["flock", mount, "sleep", "600"], start_new_session=True) as earlier:
        until(lambda: subprocess.run(["flock", "-n", mount, "true"], check=False).returncode)
        moving = in_thread(lambda: environment.run(hands.move_aside, away(filesystem)))
        beats: list[None] = []
        environment.on_heartbeat = lambda *_: beats.append(None)
        until(lambda: len(beats) > 1)
        assert not moving.done()
        assert (cache / "private").exists()
        os.killpg(earlier.pid, signal.SIGKILL)
    moving.result(30)
    assert tree(cache) == {}


def test_files_that_are_no_files_are_put_back(
    filesystem: Filesystem, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """What cannot be copied and compared, like a socket, leaves the cache as it was."""
    names = tree_names(cache)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(cache / "socket"))
        with pytest.raises(GiveUpError, match="Nothing was moved"):
            environment.run(hands.move_aside, away(filesystem))
    assert names | {"socket"} == tree_names(cache)


def test_a_try_that_nobody_waits_for_does_not_get_its_turn(
    filesystem: Filesystem, mount: Path, cache: Path, hands: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """What still waits on the host for an earlier change, when its worker is killed, changes nothing later on."""
    before, root = tree(cache), Path(__file__).parents[3]
    with subprocess.Popen(["flock", mount, "sleep", "600"], start_new_session=True) as earlier:
        until(lambda: subprocess.run(["flock", "-n", mount, "true"], check=False).returncode)
        late = [sys.executable, "-m", "tests.activities.hosts.one_move", away(filesystem).model_dump_json()]
        with subprocess.Popen(late, cwd=root) as worker:
            script = until(lambda: waiting_for(mount))
            worker.kill()
        until(lambda: not any(running(pid) for pid in script))
        os.killpg(earlier.pid, signal.SIGKILL)
    assert before == tree(cache)
    environment.run(hands.move_aside, away(filesystem))
    assert tree(cache) == {}


def waiting_for(mount: Path) -> list[int]:
    """The shells on this machine that have the mount open as the scripts do."""
    links = (link for link in Path("/proc").glob("[0-9]*/fd/9") if link.is_symlink())
    return [
        int(link.parts[2]) for link in links if os.path.realpath(link) == str(mount) and running(int(link.parts[2]))
    ]
