import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.hosts.services import (
    Released,
    ServiceActivities,
    SetRelease,
)
from models.errors import GiveUpError
from models.target import Service
from tests.activities.hosts.counted import logged
from tests.activities.hosts.seen import written


def test_a_release_is_set_and_taken_back(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Back to the release before and forth again; each restarts the service once, the link stays relative."""
    for key, release, before in (("a", "v 9", "v 10"), ("a", "v 9", "v 9"), ("b", "v 10", "v 9")):
        done = environment.run(services.set_release, SetRelease(key=key, service=service, release=release))
        assert Released(before=before, release=release) == done
        assert f"releases/{release}" == str((folder / "current").readlink())
    assert logged(folder) == ["restart v 9", "restart v 10"]
    assert {"current", "releases", "instances", "log", "up", "marks"} == {path.name for path in folder.iterdir()}


def test_the_live_release_is_never_absent(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Whoever looks through the link while it is replaced sees a whole release."""
    over, seen = threading.Event(), set()

    def look() -> None:
        while not over.wait(0.001):
            seen.add((folder / "current" / "version").read_text())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for key in range(4):
            release = "v 9" if key % 2 == 0 else "v 10"
            environment.run(services.set_release, SetRelease(key=str(key), service=service, release=release))
    finally:
        over.set()
        looking.join()
    assert seen == {"v 9", "v 10"}


def test_a_late_try_does_not_take_the_release_again(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """A try that Temporal gave up on, and that comes after the release was taken back, changes nothing."""
    apply, undo = (SetRelease(key=key, service=service, release=to) for key, to in (("a", "v 9"), ("b", "v 10")))
    for change in (apply, undo, apply):
        environment.run(services.set_release, change)
    assert (folder / "current" / "version").read_text() == "v 10"
    assert logged(folder) == ["restart v 9", "restart v 10"]


@pytest.mark.parametrize("release", ["v 11", "..", ".", "", "/etc", "v 9/..", "newest", "notes.txt", "*"])
def test_only_a_folder_of_releases_can_be_set(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment, release: str
) -> None:
    """What is no folder directly among the releases is refused, and nothing is touched."""
    with pytest.raises(GiveUpError, match="holds v 8, v 9, v 10"):
        environment.run(services.set_release, SetRelease(key="a", service=service, release=release))
    assert (folder / "current" / "version").read_text() == "v 10"
    assert logged(folder) == []


def test_a_folder_in_the_links_place_is_left_alone(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Where the current release is no link, it is not replaced."""
    (folder / "current").unlink()
    (folder / "current").mkdir()
    with pytest.raises(GiveUpError, match="no symbolic link"):
        environment.run(services.set_release, SetRelease(key="a", service=service, release="v 9"))
    assert (folder / "current").is_dir()


def test_a_missing_link_is_made(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """A service without a live release gets one."""
    (folder / "current").unlink()
    done = environment.run(services.set_release, SetRelease(key="a", service=service, release="v 9"))
    assert Released(before=None, release="v 9") == done
    assert (folder / "current" / "version").read_text() == "v 9"


def test_a_worker_killed_while_it_sets_a_release(service: Service, folder: Path) -> None:
    """Killed between the swap and the acknowledgement, the next try ends with one swap and one restart."""
    slow = service.commands.restart
    assert slow is not None
    wait = 'echo began >"$0"; until [ -e "$0.go" ]; do sleep 0.05; done; exec "$@"'
    restart = ("sh", "-c", wait, str(folder / "restarting"), *slow)
    commands = service.commands.model_copy(update={"restart": restart})
    change = SetRelease(key="a", service=service.model_copy(update={"commands": commands}), release="v 9")
    again = [sys.executable, "-m", "tests.activities.hosts.one_release", change.model_dump_json()]
    root = Path(__file__).parents[3]
    with subprocess.Popen(again, cwd=root) as worker:
        written(folder / "restarting")
        os.kill(worker.pid, signal.SIGKILL)
    (folder / "restarting.go").touch()
    answer = subprocess.check_output(again, cwd=root, text=True)
    assert Released(before="v 9", release="v 9") == Released.model_validate_json(answer)
    assert logged(folder) == ["restart v 9"]
