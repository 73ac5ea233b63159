"""Hosts to try everything on: this machine, and this machine behind a real sshd."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.hosts.connection import Connections
from activities.hosts.filesystems import FilesystemActivities
from activities.hosts.services import ServiceActivities
from activities.hosts.shell import Shell
from models.host import Host
from models.target import Filesystem, Service
from tests.activities.hosts.counted import counted_folder, counted_service
from tests.activities.hosts.mounted import small_filesystem
from tests.activities.hosts.moves import odd_cache
from tests.services.ssh import Sshd


def over_ssh(sshd: Sshd, *, name: str = "ssh", marks: Path | str = "marks") -> Host:
    """The host behind the server of the tests."""
    return Host(
        name=name,
        address=sshd.host,
        port=sshd.port,
        user=sshd.user,
        key=str(sshd.key),
        known_hosts=str(sshd.known_hosts),
        marks=str(marks),
    )


@pytest.fixture
def connections() -> Iterator[Connections]:
    """Connections that are closed afterwards."""
    opened = Connections()
    yield opened
    opened.close()


@pytest.fixture(params=["local", "ssh"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    """Each kind of host in turn; both are this machine, so a test sees what happened there."""
    marks = tmp_path / "marks"
    if request.param == "local":
        return Host(marks=str(marks))
    return over_ssh(request.getfixturevalue("sshd"), marks=marks)


@pytest.fixture
def shell(host: Host, connections: Connections) -> Shell:
    """The way to the host."""
    return connections.shell(host)


@pytest.fixture
def environment() -> ActivityEnvironment:
    """An activity to be in."""
    return ActivityEnvironment()


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Path]:
    """A small file system."""
    with small_filesystem(tmp_path / "small data") as folder:
        yield folder


@pytest.fixture
def filesystems(connections: Connections) -> FilesystemActivities:
    """The activities for file systems."""
    return FilesystemActivities(connections)


@pytest.fixture
def services(connections: Connections) -> ServiceActivities:
    """The activities for services."""
    return ServiceActivities(connections)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of `service`."""
    return counted_folder(tmp_path)


@pytest.fixture
def service(host: Host, folder: Path) -> Service:
    """A service whose every restart, reload and scaling can be counted."""
    return counted_service(host, folder)


@pytest.fixture
def filesystem(host: Host, mount: Path, tmp_path: Path) -> Filesystem:
    """It, with folders of logs and caches."""
    for name in ("logs/app", "cache"):
        (mount / name).mkdir(parents=True)
    return Filesystem(
        mount=str(mount),
        host=host,
        logs=(str(mount / "logs"),),
        caches=(str(mount / "cache"),),
        aside=str(tmp_path / "aside"),
    )


@pytest.fixture
def cache(mount: Path) -> Path:
    """A cache with all that may be in one: odd names, folders, links, modes and times."""
    return odd_cache(mount)


@pytest.fixture
def aside(tmp_path: Path) -> Path:
    """A folder on another file system; not there yet."""
    return tmp_path / "aside"


@pytest.fixture
def caching(host: Host, mount: Path, cache: Path, aside: Path) -> Filesystem:
    """The file system with that cache."""
    return Filesystem(mount=str(mount), host=host, caches=(str(cache),), aside=str(aside))
