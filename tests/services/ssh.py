"""A real sshd with keys of its own, that can be stopped, and whose connections can be cut."""

import os
import pwd
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.services.missing import program
from tests.services.ports import free_port, listening
from tests.services.process import ServerProcess


class Sshd:
    """An SSH server on this machine that lets the current user in with one key.

    Attributes:
        host: Its address.
        port: Its port; the same after each start.
        user: Who may log in.
        key: The file of the private key that opens.
        known_hosts: The file with the server's host key.
    """

    def __init__(self, folder: Path) -> None:
        self._binary = program("sshd")
        keygen = program("ssh-keygen")
        self._folder = folder
        self.host = "127.0.0.1"
        self.port = free_port()
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.key = folder / "client_key"
        self.known_hosts = folder / "known_hosts"
        for key in (self.key, folder / "host_key"):
            subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        (folder / "authorized_keys").write_text((folder / "client_key.pub").read_text())
        kind, blob, *_ = (folder / "host_key.pub").read_text().split()
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {kind} {blob}\n")
        (folder / "sshd_config").write_text(
            f"ListenAddress {self.host}\n"
            f"Port {self.port}\n"
            f"HostKey {folder / 'host_key'}\n"
            f"AuthorizedKeysFile {folder / 'authorized_keys'}\n"
            "PidFile none\n"
            "StrictModes no\n"  # the folder may lie under /tmp, which all may write to
            "UsePAM no\n"
            "PasswordAuthentication no\n"
            "PermitRootLogin prohibit-password\n"
            "MaxStartups 100\n"
            "Subsystem sftp internal-sftp\n"
        )
        self._server: ServerProcess | None = None

    def start(self) -> None:
        """Let connections in; nothing happens if it runs."""
        if self._server is not None:
            return
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # Debian's privilege separation insists on it
        self._server = ServerProcess(
            [self._binary, "-D", "-e", "-f", self._folder / "sshd_config"],
            log=self._folder / "log",
            ready=lambda: listening(self.port),
        )

    def stop(self) -> None:
        """Cut all connections and let none in; what they ran goes on, as when a cable is pulled."""
        if self._server is None:
            return
        connections = self.sessions()
        self._server.stop()
        self._server = None
        _end(connections)

    def restart(self) -> None:
        """Stop, and start on the same port with the same keys."""
        self.stop()
        self.start()

    def cut(self) -> None:
        """Cut all connections, but let new ones in."""
        _end(self.sessions())

    def sessions(self) -> list[int]:
        """The process ids of the open connections, oldest first; one that is being set up counts."""
        return [] if self._server is None else _children(self._server.pid)


@pytest.fixture(scope="session")
def running_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """The server behind `sshd`."""
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def sshd(running_sshd: Sshd) -> Sshd:
    """An SSH server; it runs when a test begins, whatever the one before did to it."""
    running_sshd.start()
    return running_sshd


def _children(parent: int) -> list[int]:
    """Its child processes; the parent is the second field after the name in proc(5)'s stat."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone meanwhile
            if stat.read_text().rpartition(")")[2].split()[1] == str(parent):
                found.append(int(stat.parent.name))
    return sorted(found)


def _end(connections: list[int]) -> None:
    """Kill each connection with those processes of sshd that serve it, not with what it runs."""
    for pid in connections:
        for process in [pid, *_children(pid)]:
            with suppress(OSError):
                if Path(f"/proc/{process}/comm").read_text().startswith("sshd"):
                    os.kill(process, signal.SIGKILL)
