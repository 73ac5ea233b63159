"""What is known about a service on its host, from what the script ``service`` prints there."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath

from models.errors import GiveUpError
from models.model import Model
from models.target import Releases, Service

_RUNS = ("active", "reloading")
_SWITCHED_OFF = ("disabled", "masked", "masked-runtime")
_DATE = re.compile(r"^\d{4}-")


class UnitState(Model):
    """What systemd says of a unit; the words of ``systemctl show``, systemd.unit(5) and org.freedesktop.systemd1(5).

    Attributes:
        load: loaded, not-found, masked, bad-setting, …
        active: active, reloading, inactive, failed, activating or deactivating.
        sub: finer, by the kind of unit: running, dead, auto-restart, …
        result: success, exit-code, signal, oom-kill, timeout, watchdog, start-limit-hit, …
        file: whether it starts at boot: enabled, disabled, masked, static, …
        restarts: how often systemd has restarted it by itself.
        pid: its main process; 0 when none runs.
        status: what its main process ended with.
    """

    load: str
    active: str
    sub: str = ""
    result: str = ""
    file: str = ""
    restarts: int = 0
    pid: int = 0
    status: int = 0

    @property
    def running(self) -> bool:
        """Whether it does its work."""
        return self.active in _RUNS

    @property
    def stopped_on_purpose(self) -> bool:
        """Whether a person switched it off: it is down, did not fail, and is not to start at boot either."""
        return self.active == "inactive" and self.file in _SWITCHED_OFF

    @property
    def crash_looping(self) -> bool:
        """Whether systemd is about to start it again after it ended."""
        return self.active == "activating" and self.sub == "auto-restart"


class ServiceState(Model):
    """A service on its host. What the service does not declare is None or empty.

    Attributes:
        running: by ``commands.status``, else by the unit; None when neither is declared.
        unit: what systemd says.
        releases: the names of the release folders, oldest first.
        release: the live one; None also when the link leads nowhere or out of the folder.
        release_before: the one before the live one.
        released_at: when the live one was linked.
        instances: how many there are; None also when ``scaling.read`` fails.
    """

    running: bool | None = None
    unit: UnitState | None = None
    releases: tuple[str, ...] = ()
    release: str | None = None
    release_before: str | None = None
    released_at: datetime | None = None
    instances: int | None = None

    @property
    def stopped_on_purpose(self) -> bool:
        """Whether a person switched it off; then it is not to be healed."""
        return self.unit is not None and self.unit.stopped_on_purpose


class FoundReleases(Model):
    """The releases of a service.

    Attributes:
        declared: where they are.
        names: oldest first.
        live: the one that the link leads to.
        previous: the one before it.
        since: when the link was made.
        link: what the link says; None when there is none, empty when something else is in its place.
    """

    declared: Releases
    names: tuple[str, ...]
    live: str | None
    previous: str | None
    since: datetime | None
    link: str | None


def service_state(service: Service, printed: str) -> ServiceState:
    """The state of a service.

    Args:
        service: what is declared about it.
        printed: what the script ``service`` printed.

    Raises:
        GiveUpError: what is declared is not there: the unit, the folder of releases, the status command.
    """
    said, _ = _parse(printed)
    unit = None
    if service.unit is not None:
        unit = unit_state({name[5:]: value for name, value in said.items() if name.startswith("unit.")})
        if unit is None or unit.load == "not-found":
            raise GiveUpError(
                f"host {service.place!r} has no unit {service.unit!r}: correct unit of service {service.name!r}, "
                "or declare commands.status where there is no systemd"
            )
    running = unit.running if unit else None
    if "status" in said:
        running = said["status"] == "0"
        if said["status"] in ("126", "127"):
            raise GiveUpError(
                f"commands.status of service {service.name!r} cannot be run on host {service.place!r}: correct it"
            )
    state = ServiceState(running=running, unit=unit, instances=_number(said))
    if service.releases is None:
        return state
    found = found_releases(service, service.releases, printed)
    return state.model_copy(
        update={
            "releases": found.names,
            "release": found.live,
            "release_before": found.previous,
            "released_at": found.since,
        }
    )


def found_releases(service: Service, declared: Releases, printed: str) -> FoundReleases:
    """The releases of a service, from what the script ``service`` printed.

    Raises:
        GiveUpError: their folder is not there.
    """
    said, folders = _parse(printed)
    if "directory" not in said:
        raise GiveUpError(
            f"{declared.directory!r} on host {service.place!r} cannot be read: "
            f"correct releases.directory of service {service.name!r}"
        )
    names, path = in_order(folders), PurePosixPath(said.get("live", ""))
    live = path.name if str(path.parent) == said["directory"] else None
    position = names.index(live) if live in names else 0
    return FoundReleases(
        declared=declared,
        names=names,
        live=live,
        previous=names[position - 1] if position else None,
        since=datetime.fromtimestamp(int(said["linked"]), UTC) if live and "linked" in said else None,
        link=said.get("link"),
    )


def unit_state(properties: Mapping[str, str]) -> UnitState | None:
    """A unit's state from the properties of ``systemctl show``; None when there are none."""
    if "ActiveState" not in properties:
        return None

    def count(name: str) -> int:
        value = properties.get(name, "")
        return int(value) if value.isdecimal() else 0  # "[not set]", or a systemd too old to know it

    return UnitState(
        load=properties.get("LoadState", ""),
        active=properties["ActiveState"],
        sub=properties.get("SubState", ""),
        result=properties.get("Result", ""),
        file=properties.get("UnitFileState", ""),
        restarts=count("NRestarts"),
        pid=count("MainPID"),
        status=count("ExecMainStatus"),
    )


def in_order(folders: list[str]) -> tuple[str, ...]:
    """Names of folders, oldest first.

    By when each was made here, which nothing alters afterwards; where the file system does not keep that, by when it
    was last written to; releases made together by their names, so that v9 stands before v10.

    Args:
        folders: ``birth|modified|./name`` as GNU stat prints them for UTC; a birth that is not known is no date.
    """
    rows = [folder.split("|", 2) for folder in folders]
    born = all(_DATE.match(row[0]) for row in rows)
    return tuple(
        row[2].removeprefix("./")
        for row in sorted(rows, key=lambda row: (row[0] if born else row[1], _natural(row[2])))
    )


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _parse(printed: str) -> tuple[dict[str, str], list[str]]:
    """The lines ``name=value``, and of those named release, of which there are many, the values."""
    said: dict[str, str] = {}
    folders = []
    for line in printed.splitlines():
        name, _, value = line.partition("=")
        if name == "release":
            folders.append(value)
        else:
            said[name] = value
    return said, folders


def _number(said: dict[str, str]) -> int | None:
    count = said.get("count", "").strip()
    return int(count) if said.get("counted") == "0" and count.isdecimal() else None
