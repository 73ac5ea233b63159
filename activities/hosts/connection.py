"""How every activity reaches a host: one interface for this machine and for one behind SSH.

Connections ── shell(host) ──▶ LocalShell   where the host has no address
                               SshShell     over connections that all threads share (`lines`, opened by `login`)
"""

from activities.hosts.lines import Lines
from activities.hosts.local import LocalShell
from activities.hosts.shell import Shell
from activities.hosts.ssh import SshShell
from models.host import Host


class Connections:
    """Reaches hosts; built once in the worker and closed with it."""

    def __init__(self) -> None:
        self._lines = Lines()

    def shell(self, host: Host) -> Shell:
        """The way to run commands on a host. Nothing is opened before the first of them."""
        return LocalShell(host) if host.address is None else SshShell(host, self._lines)

    def close(self) -> None:
        """Hang up on all hosts. What `run_once` started there goes on."""
        self._lines.close()
