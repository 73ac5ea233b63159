from datetime import UTC, datetime

import pytest

from activities.hosts.service_state import ServiceState, UnitState, found_releases, in_order, service_state, unit_state
from models.errors import GiveUpError
from models.target import Commands, Releases, Scaling, Service

UNIT = Service(name="web", unit="web.service")
STATUS = Service(name="web", commands=Commands(status=("true",)))
RELEASES = Releases(directory="/srv/web/releases", current="/srv/web/current")
SCALING = Scaling(read=("count",), set=("scale", "{count}"))


def shown(**properties: str) -> str:
    """What the script prints of ``systemctl show``, for a unit that runs unless said otherwise."""
    usual = {
        "Id": "web.service",
        "LoadState": "loaded",
        "ActiveState": "active",
        "SubState": "running",
        "Result": "success",
        "ExecMainStatus": "0",
        "NRestarts": "0",
        "MainPID": "812",
        "UnitFileState": "enabled",
    }
    return "".join(f"unit.{name}={value}\n" for name, value in (usual | properties).items())


DEAD = {"ActiveState": "inactive", "SubState": "dead", "MainPID": "0"}


@pytest.mark.parametrize(
    ("properties", "running", "on_purpose", "looping"),
    [
        ({}, True, False, False),
        ({"ActiveState": "reloading"}, True, False, False),
        ({"ActiveState": "activating", "SubState": "start"}, False, False, False),
        ({"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "7"}, False, False, True),
        ({"ActiveState": "failed", "SubState": "failed", "Result": "start-limit-hit"}, False, False, False),
        (DEAD, False, False, False),
        (DEAD | {"UnitFileState": "disabled"}, False, True, False),
        (DEAD | {"UnitFileState": "masked", "LoadState": "masked"}, False, True, False),
        (DEAD | {"UnitFileState": "masked-runtime", "LoadState": "masked"}, False, True, False),
        (DEAD | {"UnitFileState": "static"}, False, False, False),
        ({"ActiveState": "failed", "Result": "oom-kill", "UnitFileState": "disabled"}, False, False, False),
        ({"UnitFileState": "disabled"}, True, False, False),
    ],
)
def test_what_systemd_says(properties: dict[str, str], *, running: bool, on_purpose: bool, looping: bool) -> None:
    """A unit that a person switched off is told apart from one that failed or is just down."""
    state = service_state(UNIT, shown(**properties))
    assert state.unit is not None
    assert (running, on_purpose, looping) == (state.running, state.stopped_on_purpose, state.unit.crash_looping)


def test_every_property_is_read() -> None:
    """Numbers that systemd does not know are zero."""
    expected = UnitState(
        load="loaded", active="failed", sub="failed", result="exit-code", file="enabled", restarts=3, pid=0, status=203
    )
    properties = {
        "SubState": "failed",
        "Result": "exit-code",
        "NRestarts": "3",
        "MainPID": "[not set]",
        "ExecMainStatus": "203",
    }
    assert expected == service_state(UNIT, shown(ActiveState="failed", **properties)).unit


@pytest.mark.parametrize("printed", ["", shown(LoadState="not-found", ActiveState="inactive")])
def test_a_unit_that_is_not_there_is_told(printed: str) -> None:
    """Neither a machine without systemd nor a misspelt unit passes for a service that is down."""
    with pytest.raises(GiveUpError, match=r"no unit 'web\.service'"):
        service_state(UNIT, printed)


def test_no_properties_are_no_unit() -> None:
    """Output that is not systemd's is not guessed at."""
    assert unit_state({"Failed to connect to bus": ""}) is None


@pytest.mark.parametrize(("code", "running"), [("0", True), ("1", False), ("3", False)])
def test_the_status_command_decides(code: str, *, running: bool) -> None:
    """Only exit code 0 of a declared status command means that it runs, whatever the unit says."""
    assert running is service_state(STATUS, f"status={code}\n").running
    both = UNIT.model_copy(update={"commands": STATUS.commands})
    assert running is service_state(both, f"status={code}\n" + shown()).running


@pytest.mark.parametrize("code", ["126", "127"])
def test_a_status_command_that_cannot_be_run_is_told(code: str) -> None:
    """A misspelt status command is no service that is down."""
    with pytest.raises(GiveUpError, match=r"commands\.status"):
        service_state(STATUS, f"status={code}\n")


@pytest.mark.parametrize(
    ("printed", "instances"),
    [
        ("counted=0\ncount=3\n", 3),
        ("counted=0\ncount= 3 \n", 3),
        ("counted=1\ncount=3\n", None),
        ("counted=0\ncount=three\n", None),
    ],
)
def test_instances_are_a_number_or_unknown(printed: str, instances: int | None) -> None:
    """A count that fails or prints no number is unknown, never zero."""
    service = STATUS.model_copy(update={"scaling": SCALING})
    assert instances == service_state(service, "status=0\n" + printed).instances


def test_what_is_not_declared_is_none() -> None:
    """A service that only has a health endpoint has nothing to be read on its host."""
    assert ServiceState() == service_state(Service.model_validate({"name": "web", "health": {"port": 80}}), "")


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["2026-02-01 10:00:00.5|2026-01-01|./b", "2026-02-01 10:00:00.4|2026-03-01|./a"], ("a", "b")),
        (["-|2026-01-02 10:00:00|./b", "2026-02-01|2026-01-01 10:00:00|./c"], ("c", "b")),
        (["2026-02-01|x|./v10", "2026-02-01|x|./v9", "2026-02-01|x|./v9.1"], ("v9", "v9.1", "v10")),
        (["2026-02-01|x|./a|b", "2026-01-01|x|./c=d"], ("c=d", "a|b")),
        ([], ()),
    ],
)
def test_releases_stand_in_the_order_in_which_they_were_made(folders: list[str], expected: tuple[str, ...]) -> None:
    """By birth; by modification where births are unknown; by name, numbers counted, where they are the same."""
    assert expected == in_order(folders)


PRINTED = (
    "directory=/data/releases\nrelease=2026-01-01|x|./v1\nrelease=2026-01-02|x|./v2\nrelease=2026-01-03|x|./v3\n"
    "linked=1767434400\nlink=releases/{0}\nlive=/data/releases/{0}\n"
)


@pytest.mark.parametrize(("live", "before"), [("v3", "v2"), ("v2", "v1"), ("v1", None), ("gone", None)])
def test_the_release_before_the_live_one(live: str, before: str | None) -> None:
    """The one before is counted from the live one, not from the newest; the oldest has none."""
    found = found_releases(STATUS, RELEASES, PRINTED.format(live))
    assert (live, before) == (found.live, found.previous)
    assert datetime(2026, 1, 3, 10, tzinfo=UTC) == found.since


@pytest.mark.parametrize(
    "link", ["", "link=/elsewhere/v1\nlive=/elsewhere/v1\n", "link=v1\nlive=/data/releases/v1/sub\n"]
)
def test_a_link_that_leads_to_no_release_is_none(link: str) -> None:
    """A link out of the folder of releases is no live release."""
    found = found_releases(STATUS, RELEASES, "directory=/data/releases\nrelease=2026|x|./v1\n" + link)
    assert (found.live, found.previous, found.since) == (None, None, None)


def test_a_folder_of_releases_that_is_not_there_is_told() -> None:
    """A wrong releases.directory is no service without releases."""
    with pytest.raises(GiveUpError, match=r"releases\.directory"):
        service_state(STATUS.model_copy(update={"releases": RELEASES}), "status=0\n")
