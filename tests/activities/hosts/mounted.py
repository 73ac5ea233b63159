"""A real small file system to fill."""

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MEGABYTE = 1024 * 1024


@contextmanager
def small_filesystem(folder: Path, megabytes: int = 20) -> Iterator[Path]:
    """A tmpfs of this size mounted at the folder. Only root can mount; others skip the test."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a file system to fill")
    folder.mkdir()
    size = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "selfheal-test", str(folder)]
    mounted = subprocess.run(size, check=False, capture_output=True, text=True)
    if mounted.returncode:
        reason = f"root may not mount a file system here: {mounted.stderr.strip()}"
        if os.environ.get("SELFHEAL_REQUIRE_SERVICES") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """All that is in a folder: mode, time of modification in nanoseconds (not of folders), content or a link's text."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        if path.is_dir() and not path.is_symlink():
            found[str(path.relative_to(folder))] = (stat.st_mode, 0, b"")
            continue
        content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        found[str(path.relative_to(folder))] = (stat.st_mode, stat.st_mtime_ns, content)
    return found


def write_log(file: Path, size: int) -> Path:
    """A log of that many bytes with a mode and a time of its own, which packs to about a half."""
    draw = random.Random(file.name)  # noqa: S311 - the same content each time, no secret
    file.write_bytes(draw.randbytes(-(-size // 2)).hex()[:size].encode())
    file.chmod(0o640)
    os.utime(file, ns=(1_700_000_000_123_456_789, 1_700_000_000_123_456_789))
    return file
