"""Moving a cache aside and back, and a cache with all that may be in one."""

import os
from pathlib import Path

from activities.hosts.filesystems import MoveAside, MoveBack
from models.target import Filesystem
from tests.activities.hosts.mounted import MEGABYTE


def odd_cache(mount: Path) -> Path:
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


def away(filesystem: Filesystem, key: str = "a") -> MoveAside:
    """The change."""
    return MoveAside(key=key, filesystem=filesystem, cache=filesystem.caches[0])


def back(filesystem: Filesystem, key: str = "a") -> MoveBack:
    """The change that undoes it."""
    return MoveBack(key="undo", filesystem=filesystem, cache=filesystem.caches[0], moved_key=key)


def tree_names(folder: Path) -> set[str]:
    """The names of all that is in a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
