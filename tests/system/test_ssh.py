import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.outcome import Ending, Fate, Outcome, Reason
from models.verdict import Verdict
from tests.activities.hosts.mounted import MEGABYTE, small_filesystem, tree
from tests.services.ssh import Sshd
from tests.system.conftest import OpenShop
from tests.system.house import House

pytestmark = pytest.mark.xdist_group("ssh")

OVER_SSH = 'echo "${SSH_CONNECTION:-not over ssh}" >>"$1"; shift; exec "$@"'


def behind(sshd: Sshd, folder: Path) -> dict[str, object]:
    """The server's machine as a policy file declares it."""
    return {
        "name": "web1",
        "address": sshd.host,
        "port": sshd.port,
        "user": sshd.user,
        "key": str(sshd.key),
        "known_hosts": str(sshd.known_hosts),
        "marks": str(folder / "web1-marks"),
    }


async def test_a_service_behind_ssh_is_healed(house: House, shop: OpenShop, sshd: Sshd) -> None:
    """A process that hangs on another host is restarted there, through its sshd and nowhere else."""
    copy, ways = shop("ssh-shop"), house.folder / "ways"
    declared: dict[str, Any] = copy.declared(reloads=False)
    commands = {verb: ["sh", "-c", OVER_SSH, "sh", str(ways), *argv] for verb, argv in declared["commands"].items()}
    house.declare(
        hosts=[behind(sshd, house.folder)],
        services=[{**declared, "host": "web1", "commands": commands, "watch": False}],
        policies=[
            {
                "name": "services",
                "runbook": "ServiceUnhealthy",
                "autonomy": "auto",
                "verify": {"within": "60s", "settle": "500ms", "every": "200ms"},
            }
        ],
    )
    await house.start("up")
    copy.freeze()
    assert (await copy.asks())[0] == 0

    await house.alert("ServiceDown", service=copy.name, host="web1")
    outcome = await house.end(await house.execution(f"service:web1/{copy.name}"))

    assert outcome.ending is Ending.HEALED
    assert (await copy.asks())[0] == httpx.codes.OK
    assert copy.effects() == ["started 1.4.0", "restart", "started 1.4.0"]
    assert {way.split()[2:] == [sshd.host, str(sshd.port)] for way in ways.read_text().splitlines()} == {True}


async def filled(house: House, sshd: Sshd, disk: Path, aside: Path) -> Outcome:
    """Declare a disk behind SSH, send the alert that it is full, and wait for the end."""
    house.declare(
        hosts=[behind(sshd, house.folder)],
        filesystems=[
            {
                "mount": str(disk),
                "host": "web1",
                "logs": [str(disk / "log")],
                "caches": [str(disk / "cache")],
                "aside": str(aside),
            }
        ],
        policies=[
            {
                "name": "disks",
                "runbook": "DiskFilling",
                "autonomy": "auto",
                "verify": {"within": "1s", "settle": "0s", "every": "1s"},
            }
        ],
    )
    await house.start("up")
    await house.alert("NodeFilesystemAlmostOutOfSpace", mountpoint=str(disk), instance=f"{sshd.host}:9100")
    return await house.end(await house.execution(f"filesystem:web1{disk}"))


def write(path: Path, content: bytes) -> bytes:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return content


async def test_a_full_disk_behind_ssh_is_healed(house: House, sshd: Sshd, tmp_path: Path) -> None:
    """Rotated logs are packed, which makes room enough; the cache and the log in use stay as they are."""
    with small_filesystem(tmp_path / "disk", megabytes=16) as disk:
        line = b"2026-01-31 12:00:00 GET /buy 200\n"
        for number in range(1, 5):
            write(disk / "log" / f"shop.log.{number}", line * (3 * MEGABYTE // len(line)))
        live = write(disk / "log" / "shop.log", line * 1000)
        cached = write(disk / "cache" / "pages", os.urandom(3 * MEGABYTE))

        outcome = await filled(house, sshd, disk, tmp_path / "aside")

        assert (outcome.ending, outcome.verdict) == (Ending.HEALED, Verdict.HEALTHY)
        assert sorted(path.name for path in (disk / "log").iterdir()) == ["shop.log"] + [
            f"shop.log.{number}.gz" for number in range(1, 5)
        ]
        assert (disk / "log" / "shop.log").read_bytes() == live
        assert (disk / "cache" / "pages").read_bytes() == cached


async def test_what_makes_no_room_is_undone_to_the_byte(house: House, sshd: Sshd, tmp_path: Path) -> None:
    """Where neither logs nor caches help, all is put back as it was, and people are called."""
    with small_filesystem(tmp_path / "disk", megabytes=16) as disk:
        write(disk / "data", os.urandom(15 * MEGABYTE))
        for number in range(1, 4):
            write(disk / "log" / f"shop.log.{number}", os.urandom(MEGABYTE // 8))
        write(disk / "cache" / "deep" / "page", os.urandom(MEGABYTE // 4))
        (disk / "cache" / "link").symlink_to("deep/page")
        (disk / "cache" / "deep" / "page").chmod(0o640)
        before = tree(disk)

        outcome = await filled(house, sshd, disk, tmp_path / "aside")

        assert (outcome.ending, outcome.reason) == (Ending.ESCALATED, Reason.NOTHING_LEFT)
        assert [change.fate for change in outcome.changes] == [Fate.UNDONE] * 3
        assert tree(disk) == before
        assert tree(tmp_path / "aside") == {}
