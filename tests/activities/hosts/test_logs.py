import gzip
import os
import subprocess
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.hosts.filesystems import (
    CompressLogs,
    FilesystemActivities,
    LogsChanged,
    RestoreLogs,
)
from models.errors import GiveUpError
from models.target import Filesystem
from tests.activities.hosts.mounted import MEGABYTE, tree, write_log
from tests.services.missing import program


def compress(filesystem: Filesystem, *files: Path) -> CompressLogs:
    """The change."""
    return CompressLogs(key="a", filesystem=filesystem, files=tuple(str(file) for file in files))


def restore(filesystem: Filesystem, *files: Path) -> RestoreLogs:
    """The change that undoes it."""
    return RestoreLogs(key="b", filesystem=filesystem, files=tuple(str(file) for file in files))


def reason(changed: LogsChanged) -> str:
    """Why the only file was skipped."""
    assert changed.files == ()
    (skipped,) = changed.skipped
    return skipped.reason


def test_a_full_file_system_is_packed_and_unpacked_byte_for_byte(
    filesystem: Filesystem, mount: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Packed the smallest first, as there is no room for the largest; unpacked with content, mode and times."""
    logs = [
        write_log(mount / f"logs/app/app.log.{number}", size * MEGABYTE // 2)
        for number, size in enumerate((5, 1, 3, 2))
    ]
    before = tree(mount)
    room = os.statvfs(mount).f_bavail * os.statvfs(mount).f_frsize - MEGABYTE // 2  # what the smallest alone needs
    (mount / "ballast").write_bytes(b"x" * room)
    packed = environment.run(filesystems.compress_logs, compress(filesystem, *logs))
    assert tuple(str(log) for log in logs) == packed.files
    assert packed.skipped == ()
    assert {f"{log.name}.gz" for log in logs} == {path.name for path in (mount / "logs/app").iterdir()}
    usage = os.statvfs(mount)
    assert usage.f_bavail * usage.f_frsize >= packed.bytes > 2 * MEGABYTE
    again = environment.run(filesystems.compress_logs, compress(filesystem, *logs))
    assert (packed.files, 0) == (again.files, again.bytes)

    (mount / "ballast").unlink()
    for _ in range(2):
        assert packed.files == environment.run(filesystems.restore_logs, restore(filesystem, *logs)).files
        assert before == tree(mount)


def test_unpacking_without_room_is_an_error_that_loses_nothing(
    filesystem: Filesystem, mount: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """An undo that cannot be made is told, and can be made later."""
    log = write_log(mount / "logs/app.log.1", 8 * MEGABYTE)
    before = tree(mount / "logs")
    environment.run(filesystems.compress_logs, compress(filesystem, log))
    (mount / "ballast").write_bytes(b"x" * 13 * MEGABYTE)
    with pytest.raises(GiveUpError, match="No space"):
        environment.run(filesystems.restore_logs, restore(filesystem, log))
    assert [f"{log.name}.gz"] == [path.name for path in log.parent.glob("app.log*")]
    (mount / "ballast").unlink()
    environment.run(filesystems.restore_logs, restore(filesystem, log))
    assert before == tree(mount / "logs")


def test_a_try_that_was_killed_is_finished_by_the_next(
    filesystem: Filesystem, mount: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Whether it died while packing, before it removed the original, or while unpacking: nothing is lost."""
    half, whole, back = (write_log(mount / f"logs/app.log.{number}", MEGABYTE) for number in (1, 2, 3))
    before = tree(mount)
    Path(f"{half}.gz").write_bytes(gzip.compress(half.read_bytes())[:5000])
    Path(f"{whole}.gz").write_bytes(gzip.compress(whole.read_bytes()))
    packed = environment.run(filesystems.compress_logs, compress(filesystem, half, whole, back))
    assert len(packed.files) == 3
    assert [f"app.log.{number}.gz" for number in (1, 2, 3)] == sorted(
        path.name for path in half.parent.glob("app.log*")
    )
    back.write_bytes(gzip.decompress(Path(f"{back}.gz").read_bytes())[:5000])
    environment.run(filesystems.restore_logs, restore(filesystem, half, whole, back))
    assert tree(mount).keys() == before.keys()
    assert {path: content[2] for path, content in before.items()} == {
        path: content[2] for path, content in tree(mount).items()
    }


def test_undoing_what_was_never_done_changes_nothing(
    filesystem: Filesystem, mount: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """A log that was never packed stays; one that is gone altogether is told."""
    log = write_log(mount / "logs/app.log.1", 1000)
    before = tree(mount)
    assert (str(log),) == environment.run(filesystems.restore_logs, restore(filesystem, log)).files
    assert (
        reason(environment.run(filesystems.restore_logs, restore(filesystem, mount / "logs/app.log.2"))) == "it is gone"
    )
    assert before == tree(mount)


def test_what_others_made_is_not_replaced(
    filesystem: Filesystem, mount: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """A packed file of other content, and a newer log in the place of a packed one, both stay."""
    log = write_log(mount / "logs/app.log.1", 1000)
    Path(f"{log}.gz").write_bytes(gzip.compress(b"something else"))
    before = tree(mount)
    assert "something else" in reason(environment.run(filesystems.compress_logs, compress(filesystem, log)))
    assert "newer" in reason(environment.run(filesystems.restore_logs, restore(filesystem, log)))
    assert before == tree(mount)


def test_open_linked_and_doubled_files_are_left_alone(
    filesystem: Filesystem,
    mount: Path,
    tmp_path: Path,
    filesystems: FilesystemActivities,
    environment: ActivityEnvironment,
) -> None:
    """A log that a process has open, a symbolic link and a file with a second name are skipped with the reason."""
    opened, doubled = (write_log(mount / f"logs/{name}.log.1", 1000) for name in ("open", "double"))
    (mount / "second").hardlink_to(doubled)
    outside = write_log(tmp_path / "outside.log.1", 1000)
    (mount / "logs/link.log.1").symlink_to(outside)
    before = tree(mount)
    with opened.open("ab"):
        changed = environment.run(
            filesystems.compress_logs,
            compress(filesystem, opened, doubled, mount / "logs/link.log.1", mount / "logs/no.log.1"),
        )
    assert [skipped.reason for skipped in changed.skipped] == [
        "a process has it open",
        "it has a second name, so packing it frees nothing",
        "it is no plain file",
        "it is gone",
    ]
    assert before == tree(mount)
    assert outside.exists()


@pytest.mark.parametrize(
    "name", ["/etc/app.log.1", "{mount}/app.log.1", "{mount}/logs/app.log", "{mount}/logsx/app.log.1"]
)
def test_only_declared_logs_are_packed(
    filesystem: Filesystem, mount: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment, name: str
) -> None:
    """A path outside, beside or without the name of a rotated log is refused before anything is done."""
    fine = write_log(mount / "logs/app.log.1", 1000)
    with pytest.raises(GiveUpError, match="leave it out"):
        environment.run(filesystems.compress_logs, compress(filesystem, fine, Path(name.format(mount=mount))))
    assert fine.exists()


def test_a_folder_that_leads_out_is_not_followed(
    filesystem: Filesystem,
    mount: Path,
    tmp_path: Path,
    filesystems: FilesystemActivities,
    environment: ActivityEnvironment,
) -> None:
    """A symbolic link on the way out of the declared folder is refused on the host, and never offered."""
    outside = tmp_path / "outside"
    outside.mkdir()
    log = write_log(outside / "app.log.1", 1000)
    (mount / "logs/way").symlink_to(outside)
    assert "does not lie in" in reason(
        environment.run(filesystems.compress_logs, compress(filesystem, mount / "logs/way/app.log.1"))
    )
    (mount / "logs2").symlink_to(outside)
    (mount / "cache2").symlink_to(outside)
    sly = filesystem.model_copy(update={"logs": (str(mount / "logs2"),), "caches": (str(mount / "cache2"),)})
    assert "is not on" in reason(environment.run(filesystems.compress_logs, compress(sly, mount / "logs2/app.log.1")))
    state = environment.run(filesystems.read_filesystem, sly)
    assert (state.logs, state.caches) == ((), ())
    assert log.exists()


def test_names_of_logs_are_not_read_by_a_shell(
    filesystem: Filesystem, mount: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Blanks, quotes, dashes and substitutions in a name are only a name."""
    odd = [
        write_log(mount / "logs" / name, 1000)
        for name in ("-f $(touch x) 'a\".log.1", "  b|c ü.log.2", "*.log.3", "\\n.log.4")
    ]
    before = tree(mount)
    state = environment.run(filesystems.read_filesystem, filesystem)
    assert {str(log) for log in odd} == {log.path for log in state.logs}
    changed = environment.run(filesystems.compress_logs, compress(filesystem, *odd))
    assert len(changed.files) == 4
    environment.run(filesystems.restore_logs, restore(filesystem, *odd))
    assert before == tree(mount)


def test_a_log_that_was_packed_by_its_owner_is_taken_as_done(
    filesystem: Filesystem, mount: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """When logrotate packed it meanwhile there is nothing left to do."""
    log = write_log(mount / "logs/app.log.1", 1000)
    subprocess.run(["gzip", log], check=True)
    assert (str(log),) == environment.run(filesystems.compress_logs, compress(filesystem, log)).files


def test_a_host_that_becomes_root_packs_behind_sudo(
    filesystem: Filesystem, mount: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """The scripts and their input pass through sudo."""
    program("sudo")
    root = filesystem.model_copy(update={"host": filesystem.host.model_copy(update={"become": True})})
    log = write_log(mount / "logs/app.log.1", 1000)
    before = tree(mount)
    assert [str(log)] == [found.path for found in environment.run(filesystems.read_filesystem, root).logs]
    assert (str(log),) == environment.run(filesystems.compress_logs, compress(root, log)).files
    assert not log.exists()
    environment.run(filesystems.restore_logs, restore(root, log))
    assert before == tree(mount)
