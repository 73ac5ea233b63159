import os
import time
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.hosts.filesystems import (
    FilesystemActivities,
)
from models.errors import GiveUpError
from models.host import Host
from models.target import Filesystem
from tests.activities.hosts.mounted import MEGABYTE, write_log
from tests.activities.hosts.seen import in_thread


def test_its_state_is_read(
    filesystem: Filesystem, mount: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """How full, what can be packed and moved, and what grows meanwhile; the live log and open logs are not offered."""
    old = write_log(mount / "logs/app/app.log.2", 3 * MEGABYTE)
    older = write_log(mount / "logs/app.log-20260101", MEGABYTE)
    write_log(mount / "logs/app.log", MEGABYTE)
    (mount / "logs/app.log.3.gz").write_bytes(b"x")
    (mount / "logs/linked.log.1").symlink_to(old)
    (mount / "cache/object").write_bytes(b"x" * 2 * MEGABYTE)
    held = write_log(mount / "logs/held.log.1", MEGABYTE)
    growing = mount / "growing" / "file"
    growing.parent.mkdir()
    with held.open("rb"), growing.open("ab", buffering=0) as grows:
        reading = in_thread(lambda: environment.run(filesystems.read_filesystem, filesystem))
        while not reading.done():
            if growing.stat().st_size < 6 * MEGABYTE:
                grows.write(b"x" * 65536)
            time.sleep(0.05)
        state = reading.result()
    usage = os.statvfs(mount)
    assert state.size == usage.f_blocks * usage.f_frsize == 20 * MEGABYTE
    assert state.mounted
    assert state.used_share == pytest.approx(state.used / (state.used + state.available))
    assert [(str(old), 3 * MEGABYTE), (str(older), MEGABYTE)] == [(log.path, log.bytes) for log in state.logs]
    (cache,) = state.caches
    assert cache.path == str(mount / "cache")
    assert cache.bytes >= 2 * MEGABYTE
    assert str(growing.parent) == state.growth[0].path
    assert 100_000 < state.growth[0].per_second < 10 * MEGABYTE
    assert state.aside is not None
    assert state.aside.elsewhere
    assert state.aside.available > 0


def test_a_folder_is_not_taken_for_a_mount(
    host: Host, tmp_path: Path, filesystems: FilesystemActivities, environment: ActivityEnvironment
) -> None:
    """Where nothing is mounted, that is told; where nothing is at all, that is an error."""
    (tmp_path / "plain").mkdir()
    plain = Filesystem(mount=str(tmp_path / "plain"), host=host)
    assert not environment.run(filesystems.read_filesystem, plain).mounted
    with pytest.raises(GiveUpError):
        environment.run(filesystems.read_filesystem, Filesystem(mount=str(tmp_path / "nowhere"), host=host))
