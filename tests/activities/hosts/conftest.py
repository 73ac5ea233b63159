"""Hosts to try everything on: this machine, and this machine behind a real sshd."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.hosts.connection import Connections
from activities.hosts.shell import Shell
from models.host import Host
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
