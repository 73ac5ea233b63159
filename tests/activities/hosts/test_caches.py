import os
import socket
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.hosts.filesystems import FilesystemActivities, MoveAside, MoveBack
from models.errors import GiveUpError
from models.target import Filesystem
from tests.activities.hosts.mounted import MEGABYTE, small_filesystem, tree
from tests.activities.hosts.moves import away, back, tree_names


def test_a_cache_is_moved_aside_and_back_byte_for_byte(
    caching: Filesystem, cache: Path, aside: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """The folder stays, its content goes and comes back with modes, times and links; each step twice is as once."""
    before, mode = tree(cache), cache.stat().st_mode
    for _ in range(2):
        moved = environment.run(filesystems.move_aside, away(caching))
        assert tree(cache) == {}
        assert before == tree(Path(moved.path))
        assert moved.bytes >= 3 * MEGABYTE
    assert Path(moved.path).stat().st_mode & 0o77 == 0
    for _ in range(2):
        assert environment.run(filesystems.move_back, back(caching)).kept == ()
        assert before == tree(cache)
        assert mode == cache.stat().st_mode
    assert list(aside.iterdir()) == []


def test_bringing_back_what_was_never_moved_changes_nothing(
    caching: Filesystem, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """An undo that comes before its change is fine."""
    before = tree(cache)
    assert environment.run(filesystems.move_back, back(caching)).kept == ()
    assert before == tree(cache)


def test_what_the_cache_holds_by_now_stays(
    caching: Filesystem, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """What was written meanwhile is not replaced; what it keeps from its place stays aside and is told."""
    moved = environment.run(filesystems.move_aside, away(caching))
    (cache / "a b").mkdir()
    (cache / "a b/new").write_text("new")
    (cache / "private").write_text("newer")
    for _ in range(2):
        assert environment.run(filesystems.move_back, back(caching)).kept == ("private",)
        assert (cache / "private").read_text() == "newer"
        assert {"new", "deep"} == {path.name for path in (cache / "a b").iterdir()}
        assert (Path(moved.path).with_name("kept") / "private").read_text() == "x"
    environment.run(filesystems.move_aside, away(caching))
    assert tree(cache) == {}
    assert environment.run(filesystems.move_back, back(caching)).kept == ()
    assert (cache / "private").read_text() == "newer"
    assert (Path(moved.path).with_name("kept") / "private").read_text() == "x"


def test_two_moves_have_two_places(
    caching: Filesystem, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """What the cache gathered after a first move is moved by a second one, and each comes back by its own key."""
    environment.run(filesystems.move_aside, away(caching, "a"))
    (cache / "later").write_text("later")
    environment.run(filesystems.move_aside, away(caching, "b"))
    assert tree(cache) == {}
    environment.run(filesystems.move_back, back(caching, "b"))
    assert [path.name for path in cache.iterdir()] == ["later"]


def test_two_caches_share_a_key(
    caching: Filesystem, mount: Path, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """One remediation may move several caches under one name; each comes back to its own folder."""
    other = mount / "other"
    other.mkdir()
    (other / "file").write_text("other")
    both = caching.model_copy(update={"caches": (str(cache), str(other))})
    before = tree(mount)
    for path in both.caches:
        environment.run(filesystems.move_aside, MoveAside(key="a", filesystem=both, cache=path, moved_key="one"))
        assert tree(Path(path)) == {}
    for path in both.caches:
        environment.run(filesystems.move_back, MoveBack(key="b", filesystem=both, cache=path, moved_key="one"))
    assert before == tree(mount)


def test_a_key_can_be_chosen(
    caching: Filesystem, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Whoever writes the remediation names what is moved, as the engine's keys are not known to its undo."""
    before = tree(cache)
    environment.run(filesystems.move_aside, away(caching).model_copy(update={"moved_key": "chosen"}))
    environment.run(filesystems.move_back, back(caching, "chosen"))
    assert before == tree(cache)


@pytest.mark.parametrize("path", ["/etc", "{mount}", "{mount}/other"])
def test_only_a_declared_cache_is_moved(
    caching: Filesystem, mount: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment, path: str
) -> None:
    """What was not declared is refused."""
    with pytest.raises(GiveUpError, match="declare it"):
        environment.run(filesystems.move_aside, MoveAside(key="a", filesystem=caching, cache=path.format(mount=mount)))


def test_a_cache_that_leads_out_is_refused(
    caching: Filesystem,
    mount: Path,
    tmp_path: Path,
    filesystems: FilesystemActivities,
    environment: ActivityEnvironment,
) -> None:
    """A declared cache that is a symbolic link to elsewhere is not followed."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").touch()
    (mount / "way").symlink_to(tmp_path / "outside")
    sly = caching.model_copy(update={"caches": (str(mount / "way"),)})
    for call, change in ((filesystems.move_aside, away(sly)), (filesystems.move_back, back(sly))):
        with pytest.raises(GiveUpError, match="does not lie on"):
            environment.run(call, change)  # type: ignore[arg-type]
    assert (tmp_path / "outside/file").exists()


def test_a_place_on_the_same_file_system_is_refused(
    caching: Filesystem, mount: Path, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Moving within a file system makes no room."""
    before = tree(cache)
    near = caching.model_copy(update={"aside": str(mount / "aside")})
    with pytest.raises(GiveUpError, match="same file system"):
        environment.run(filesystems.move_aside, away(near))
    assert before == tree(cache)


def test_a_place_without_room_is_refused(
    caching: Filesystem, cache: Path, aside: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Filling another file system is no help."""
    before = tree(cache)
    with small_filesystem(aside, megabytes=2), pytest.raises(GiveUpError, match="not enough room"):
        environment.run(filesystems.move_aside, away(caching))
    assert before == tree(cache)


def test_bringing_back_without_room_is_an_error_that_loses_nothing(
    caching: Filesystem, mount: Path, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """The copy stays until it can come back."""
    before = tree(cache)
    environment.run(filesystems.move_aside, away(caching))
    (mount / "ballast").write_bytes(b"x" * 18 * MEGABYTE)
    with pytest.raises(GiveUpError, match="not enough room"):
        environment.run(filesystems.move_back, back(caching))
    (mount / "ballast").unlink()
    environment.run(filesystems.move_back, back(caching))
    assert before == tree(cache)


def test_files_that_are_no_files_are_put_back(
    caching: Filesystem, cache: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """What cannot be copied and compared, like a socket, leaves the cache as it was."""
    names = tree_names(cache)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(cache / "socket"))
        with pytest.raises(GiveUpError, match="Nothing was moved"):
            environment.run(filesystems.move_aside, away(caching))
    assert names | {"socket"} == tree_names(cache)
