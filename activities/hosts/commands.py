"""Any command on a host, for runbooks whose authors know what it does."""

from datetime import timedelta

from activities.hosts.connection import Connections
from activities.hosts.once import run_once
from activities.hosts.pulse import attended
from activities.hosts.shell import Ran, expected, shown
from activities.step import changes, reads
from models.change import Change
from models.host import LOCAL, Command, Host
from models.model import Model

_READ_TIME = timedelta(seconds=20)


class RunCommand(Change):
    """Run a command that changes something.

    Attributes:
        argv: the program and its arguments; no shell reads them.
        expect: exit codes that count as done.
    """

    host: Host = LOCAL
    argv: Command
    expect: tuple[int, ...] = (0,)

    @property
    def command(self) -> str:
        """The command as people read it."""
        return shown(self.argv)


class ReadCommand(Model):
    """Run a command that changes nothing; it may run any number of times.

    Attributes:
        argv: the program and its arguments; no shell reads them.
    """

    host: Host = LOCAL
    argv: Command

    @property
    def command(self) -> str:
        """The command as people read it."""
        return shown(self.argv)


class CommandActivities:
    """Runs commands on hosts."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    @changes("run {command} on {host.name}")
    def run_command(self, change: RunCommand) -> Ran:
        """Run a command once for each key, for at most four minutes.

        Raises:
            GiveUpError: it ends with a code that is not expected.
            UnknownEffectError: an earlier try began it and did not come to its end.
            NotAllowedError: sudo refuses it.
        """
        with attended() as beat:
            ran = run_once(self._connections.shell(change.host), change.host, change.key, change.argv, beat=beat)
            return expected(change.host, change.argv, ran, change.expect)

    @reads("run {command} on {host.name}", heartbeat=timedelta(seconds=10))
    def read_command(self, read: ReadCommand) -> Ran:
        """Run a command and answer how it ended, with whatever code, within twenty seconds.

        Raises:
            TryAgainError: it does not end in time, or the host does not answer.
            NotAllowedError: sudo refuses it.
        """
        with attended() as beat:
            return self._connections.shell(read.host).run(read.argv, timeout=_READ_TIME, beat=beat)
