import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.hosts.connection import Connections
from activities.hosts.services import (
    Released,
    ReloadService,
    RestartService,
    Scaled,
    ScaleService,
    ServiceActivities,
    SetRelease,
)
from models.change import Change
from models.errors import GiveUpError, TryAgainError
from models.host import Host
from models.target import Commands, HttpProbe, Releases, Scaling, Service
from tests.activities.hosts.seen import written
from tests.services.missing import program

HEALTH = HttpProbe(port=80)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A service's folder with three releases, the newest live, each with a blank in its name."""
    for name in ("v 8", "v 9", "v 10"):
        (tmp_path / "releases" / name).mkdir(parents=True)
        (tmp_path / "releases" / name / "version").write_text(name)
    (tmp_path / "releases" / "newest").symlink_to("v 8")
    (tmp_path / "releases" / "notes.txt").touch()
    (tmp_path / "current").symlink_to("releases/v 10")
    (tmp_path / "instances").write_text("2\n")
    return tmp_path


@pytest.fixture
def service(host: Host, folder: Path) -> Service:
    """A service whose every restart, reload and scaling can be counted."""
    log = str(folder / "log")
    return Service(
        name="web",
        host=host,
        commands=Commands(
            status=("test", "-e", str(folder / "up")),
            restart=(
                "sh",
                "-c",
                'echo "restart $(cat "$2/current/version")" >>"$1"; touch "$2/up"',
                "sh",
                log,
                str(folder),
            ),
            reload=("sh", "-c", 'echo reload >>"$1"', "sh", log),
            reload_undo=("sh", "-c", 'echo undone >>"$1"', "sh", log),
        ),
        releases=Releases(directory=str(folder / "releases"), current=str(folder / "current")),
        scaling=Scaling(
            read=("cat", str(folder / "instances")),
            set=("sh", "-c", 'echo "$1" >"$2/instances"; echo "scale $1" >>"$2/log"', "sh", "{count}", str(folder)),
            max=4,
        ),
    )


@pytest.fixture
def hands(connections: Connections) -> ServiceActivities:
    """The activities."""
    return ServiceActivities(connections)


@pytest.fixture
def environment() -> ActivityEnvironment:
    """An activity to be in."""
    return ActivityEnvironment()


def logged(folder: Path) -> list[str]:
    """What was done, in order."""
    log = folder / "log"
    return log.read_text().splitlines() if log.exists() else []


def test_all_that_is_declared_is_read(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """State, releases from the oldest on, the live one, since when, and instances; links and files are no releases."""
    made = datetime.fromtimestamp((folder / "current").lstat().st_mtime, UTC)
    state = environment.run(hands.read_service, service)
    assert (state.running, state.unit, state.instances) == (False, None, 2)
    assert state.releases == ("v 8", "v 9", "v 10")
    assert (state.release, state.release_before) == ("v 10", "v 9")
    assert state.released_at is not None
    assert abs(state.released_at - made) < timedelta(seconds=1)
    (folder / "up").touch()
    assert environment.run(hands.read_service, service).running is True


def test_nothing_declared_is_nothing_read(
    host: Host, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """A service known only by its health endpoint has no state on its host."""
    state = environment.run(hands.read_service, Service(name="web", host=host, health=HEALTH))
    assert (state.running, state.releases, state.release, state.instances) == (None, (), None, None)


def test_a_unit_without_systemd_is_told(host: Host, hands: ServiceActivities, environment: ActivityEnvironment) -> None:
    """A host that has no such unit, or no systemd at all, is a mistake in the policy file, not an outage."""
    with pytest.raises(GiveUpError, match="no unit 'selfheal-nothing'"):
        environment.run(hands.read_service, Service(name="web", host=host, unit="selfheal-nothing"))


def test_words_of_commands_are_not_read_by_a_shell(
    host: Host, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Status and count arrive whole through the script that runs both."""
    service = Service(
        name="web",
        host=host,
        commands=Commands(status=("test", "$(touch x) 'a\" \n", "=", "$(touch x) 'a\" \n")),
        scaling=Scaling(read=("printf", "%s", "7"), set=("true", "{count}")),
        releases=Releases(directory=str(folder / "releases"), current=str(folder / "current")),
    )
    state = environment.run(hands.read_service, service)
    assert (state.running, state.instances, state.release) == (True, 7, "v 10")


def test_a_restart_is_made_once(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Tried twice with one key, the service is restarted once; with another key, again."""
    for key in ("a", "a", "b"):
        assert environment.run(hands.restart_service, RestartService(key=key, service=service)).code == 0
    assert logged(folder) == ["restart v 10"] * 2


def test_a_reload_and_its_undo(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Reloading and undoing that are two commands, each once for its key."""
    for key, undo in (("a", False), ("a", False), ("b", True), ("b", True)):
        environment.run(hands.reload_service, ReloadService(key=key, service=service, undo=undo))
    assert logged(folder) == ["reload", "undone"]


def test_a_command_that_fails_is_told_and_not_repeated(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """A restart that fails is an error with what it said, also on the second try."""
    failing = Commands(
        status=("true",),
        restart=("sh", "-c", 'echo tried >>"$1"; echo port taken >&2; exit 1', "sh", str(folder / "log")),
    )
    change = RestartService(key="a", service=service.model_copy(update={"commands": failing}))
    for _ in range(2):
        with pytest.raises(GiveUpError, match="ended with 1: port taken"):
            environment.run(hands.restart_service, change)
    assert logged(folder) == ["tried"]


@pytest.mark.parametrize(
    ("step", "change", "names"),
    [
        (
            ServiceActivities.restart_service,
            lambda bare: RestartService(key="a", service=bare),
            "commands.restart or unit",
        ),
        (
            ServiceActivities.reload_service,
            lambda bare: ReloadService(key="a", service=bare),
            "commands.reload or unit",
        ),
        (
            ServiceActivities.reload_service,
            lambda bare: ReloadService(key="a", service=bare, undo=True),
            "commands.reload_undo",
        ),
        (
            ServiceActivities.set_release,
            lambda bare: SetRelease(key="a", service=bare, release="v"),
            "declare releases",
        ),
        (ServiceActivities.scale_service, lambda bare: ScaleService(key="a", service=bare, count=2), "declare scaling"),
    ],
)
def test_what_is_not_declared_cannot_be_done(
    hands: ServiceActivities,
    environment: ActivityEnvironment,
    step: Callable[[ServiceActivities, Change], object],
    change: Callable[[Service], Change],
    names: str,
) -> None:
    """The error names the field to add."""
    with pytest.raises(GiveUpError, match=names):
        environment.run(step, hands, change(Service(name="web", health=HEALTH)))


def test_a_release_is_set_and_taken_back(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Back to the release before and forth again; each restarts the service once, the link stays relative."""
    for key, release, before in (("a", "v 9", "v 10"), ("a", "v 9", "v 9"), ("b", "v 10", "v 9")):
        done = environment.run(hands.set_release, SetRelease(key=key, service=service, release=release))
        assert Released(before=before, release=release) == done
        assert f"releases/{release}" == str((folder / "current").readlink())
    assert logged(folder) == ["restart v 9", "restart v 10"]
    assert {"current", "releases", "instances", "log", "up", "marks"} == {path.name for path in folder.iterdir()}


def test_the_live_release_is_never_absent(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Whoever looks through the link while it is replaced sees a whole release."""
    over, seen = threading.Event(), set()

    def look() -> None:
        while not over.is_set():
            seen.add((folder / "current" / "version").read_text())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for key in range(6):
            release = "v 9" if key % 2 == 0 else "v 10"
            environment.run(hands.set_release, SetRelease(key=str(key), service=service, release=release))
    finally:
        over.set()
        looking.join()
    assert seen == {"v 9", "v 10"}


def test_a_late_try_does_not_take_the_release_again(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """A try that Temporal gave up on, and that comes after the release was taken back, changes nothing."""
    apply, undo = (SetRelease(key=key, service=service, release=to) for key, to in (("a", "v 9"), ("b", "v 10")))
    for change in (apply, undo, apply):
        environment.run(hands.set_release, change)
    assert (folder / "current" / "version").read_text() == "v 10"
    assert logged(folder) == ["restart v 9", "restart v 10"]


@pytest.mark.parametrize("release", ["v 11", "..", ".", "", "/etc", "v 9/..", "newest", "notes.txt", "*"])
def test_only_a_folder_of_releases_can_be_set(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment, release: str
) -> None:
    """What is no folder directly among the releases is refused, and nothing is touched."""
    with pytest.raises(GiveUpError, match="holds v 8, v 9, v 10"):
        environment.run(hands.set_release, SetRelease(key="a", service=service, release=release))
    assert (folder / "current" / "version").read_text() == "v 10"
    assert logged(folder) == []


def test_a_folder_in_the_links_place_is_left_alone(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Where the current release is no link, it is not replaced."""
    (folder / "current").unlink()
    (folder / "current").mkdir()
    with pytest.raises(GiveUpError, match="no symbolic link"):
        environment.run(hands.set_release, SetRelease(key="a", service=service, release="v 9"))
    assert (folder / "current").is_dir()


def test_a_missing_link_is_made(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """A service without a live release gets one."""
    (folder / "current").unlink()
    done = environment.run(hands.set_release, SetRelease(key="a", service=service, release="v 9"))
    assert Released(before=None, release="v 9") == done
    assert (folder / "current" / "version").read_text() == "v 9"


def test_scaling_sets_the_number_once(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """The number is absolute; when it is right already, nothing is run."""
    answers = [
        environment.run(hands.scale_service, ScaleService(key=key, service=service, count=count))
        for key, count in (("a", 4), ("a", 4), ("b", 4), ("c", 2))
    ]
    assert [(answer.before, answer.count) for answer in answers] == [(2, 4), (4, 4), (4, 4), (4, 2)]
    assert logged(folder) == ["scale 4", "scale 2"]


def test_a_late_try_does_not_scale_again(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """A try that comes after the number was set back changes nothing."""
    for key, count in (("a", 4), ("b", 2), ("a", 4)):
        answer = environment.run(hands.scale_service, ScaleService(key=key, service=service, count=count))
    assert Scaled(before=2, count=4) == answer
    assert (folder / "instances").read_text() == "2\n"


@pytest.mark.parametrize("count", [0, 5, -1])
def test_scaling_stays_within_its_bounds(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment, count: int
) -> None:
    """A number out of bounds is refused before anything is run."""
    with pytest.raises(GiveUpError, match="1 to 4 instances"):
        environment.run(hands.scale_service, ScaleService(key="a", service=service, count=count))
    assert logged(folder) == []


def test_a_number_that_cannot_be_read_is_not_replaced(
    service: Service, folder: Path, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Read before write: where the present number is unknown nothing is set."""
    (folder / "instances").write_text("many\n")
    with pytest.raises(TryAgainError, match=r"scaling\.read"):
        environment.run(hands.scale_service, ScaleService(key="a", service=service, count=3))
    assert logged(folder) == []


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


def test_only_declared_commands_need_sudo(
    service: Service, hands: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """On a host that becomes root the declared commands run behind sudo, and reading goes on working."""
    program("sudo")
    become = service.model_copy(
        update={
            "host": service.host.model_copy(update={"become": True}),
            "commands": Commands(status=("sh", "-c", 'test -n "$SUDO_COMMAND"')),
        }
    )
    state = environment.run(hands.read_service, become)
    assert (state.running, state.instances, state.release) == (True, 2, "v 10")
