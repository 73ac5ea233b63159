from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.hosts.services import (
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
from tests.activities.hosts.counted import logged
from tests.services.missing import program

HEALTH = HttpProbe(port=80)


def test_all_that_is_declared_is_read(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """State, releases from the oldest on, the live one, since when, and instances; links and files are no releases."""
    made = datetime.fromtimestamp((folder / "current").lstat().st_mtime, UTC)
    state = environment.run(services.read_service, service)
    assert (state.running, state.unit, state.instances) == (False, None, 2)
    assert state.releases == ("v 8", "v 9", "v 10")
    assert (state.release, state.release_before) == ("v 10", "v 9")
    assert state.released_at is not None
    assert abs(state.released_at - made) < timedelta(seconds=1)
    (folder / "up").touch()
    assert environment.run(services.read_service, service).running is True


def test_nothing_declared_is_nothing_read(
    host: Host, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """A service known only by its health endpoint has no state on its host."""
    state = environment.run(services.read_service, Service(name="web", host=host, health=HEALTH))
    assert (state.running, state.releases, state.release, state.instances) == (None, (), None, None)


def test_a_unit_without_systemd_is_told(
    host: Host, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """A host that has no such unit, or no systemd at all, is a mistake in the policy file, not an outage."""
    with pytest.raises(GiveUpError, match="no unit 'selfheal-nothing'"):
        environment.run(services.read_service, Service(name="web", host=host, unit="selfheal-nothing"))


def test_words_of_commands_are_not_read_by_a_shell(
    host: Host, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Status and count arrive whole through the script that runs both."""
    service = Service(
        name="web",
        host=host,
        commands=Commands(status=("test", "$(touch x) 'a\" \n", "=", "$(touch x) 'a\" \n")),
        scaling=Scaling(read=("printf", "%s", "7"), set=("true", "{count}")),
        releases=Releases(directory=str(folder / "releases"), current=str(folder / "current")),
    )
    state = environment.run(services.read_service, service)
    assert (state.running, state.instances, state.release) == (True, 7, "v 10")


def test_a_restart_is_made_once(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Tried twice with one key, the service is restarted once; with another key, again."""
    for key in ("a", "a", "b"):
        assert environment.run(services.restart_service, RestartService(key=key, service=service)).code == 0
    assert logged(folder) == ["restart v 10"] * 2


def test_a_reload_and_its_undo(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Reloading and undoing that are two commands, each once for its key."""
    for key, undo in (("a", False), ("a", False), ("b", True), ("b", True)):
        environment.run(services.reload_service, ReloadService(key=key, service=service, undo=undo))
    assert logged(folder) == ["reload", "undone"]


def test_a_command_that_fails_is_told_and_not_repeated(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """A restart that fails is an error with what it said, also on the second try."""
    failing = Commands(
        status=("true",),
        restart=("sh", "-c", 'echo tried >>"$1"; echo port taken >&2; exit 1', "sh", str(folder / "log")),
    )
    change = RestartService(key="a", service=service.model_copy(update={"commands": failing}))
    for _ in range(2):
        with pytest.raises(GiveUpError, match="ended with 1: port taken"):
            environment.run(services.restart_service, change)
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
    services: ServiceActivities,
    environment: ActivityEnvironment,
    step: Callable[[ServiceActivities, Change], object],
    change: Callable[[Service], Change],
    names: str,
) -> None:
    """The error names the field to add."""
    with pytest.raises(GiveUpError, match=names):
        environment.run(step, services, change(Service(name="web", health=HEALTH)))


def test_scaling_sets_the_number_once(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """The number is absolute; when it is right already, nothing is run."""
    answers = [
        environment.run(services.scale_service, ScaleService(key=key, service=service, count=count))
        for key, count in (("a", 4), ("a", 4), ("b", 4), ("c", 2))
    ]
    assert [(answer.before, answer.count) for answer in answers] == [(2, 4), (4, 4), (4, 4), (4, 2)]
    assert logged(folder) == ["scale 4", "scale 2"]


def test_a_late_try_does_not_scale_again(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """A try that comes after the number was set back changes nothing."""
    for key, count in (("a", 4), ("b", 2), ("a", 4)):
        answer = environment.run(services.scale_service, ScaleService(key=key, service=service, count=count))
    assert Scaled(before=2, count=4) == answer
    assert (folder / "instances").read_text() == "2\n"


@pytest.mark.parametrize("count", [0, 5, -1])
def test_scaling_stays_within_its_bounds(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment, count: int
) -> None:
    """A number out of bounds is refused before anything is run."""
    with pytest.raises(GiveUpError, match="1 to 4 instances"):
        environment.run(services.scale_service, ScaleService(key="a", service=service, count=count))
    assert logged(folder) == []


def test_a_number_that_cannot_be_read_is_not_replaced(
    service: Service, folder: Path, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """Read before write: where the present number is unknown nothing is set."""
    (folder / "instances").write_text("many\n")
    with pytest.raises(TryAgainError, match=r"scaling\.read"):
        environment.run(services.scale_service, ScaleService(key="a", service=service, count=3))
    assert logged(folder) == []


def test_only_declared_commands_need_sudo(
    service: Service, services: ServiceActivities, environment: ActivityEnvironment
) -> None:
    """On a host that becomes root the declared commands run behind sudo, and reading goes on working."""
    program("sudo")
    become = service.model_copy(
        update={
            "host": service.host.model_copy(update={"become": True}),
            "commands": Commands(status=("sh", "-c", 'test -n "$SUDO_COMMAND"')),
        }
    )
    state = environment.run(services.read_service, become)
    assert (state.running, state.instances, state.release) == (True, 2, "v 10")
