from concurrent.futures import Future
from pathlib import Path

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.exceptions import CancelledError
from temporalio.testing import ActivityEnvironment

from activities.hosts.commands import CommandActivities, ReadCommand, RunCommand
from activities.hosts.connection import Connections
from activities.hosts.shell import Ran
from activities.step import step_of
from models.errors import GiveUpError, TryAgainError
from models.host import Host
from tests.activities.hosts.seen import in_thread, running, written
from tests.services.waiting import until


def test_a_command_is_run_once_for_its_key(connections: Connections, host: Host, tmp_path: Path) -> None:
    """The activity, tried again, answers what its first try did."""
    commands = CommandActivities(connections)
    change = RunCommand(key="k", host=host, argv=("sh", "-c", 'echo x >>"$1"; echo ok', "sh", str(tmp_path / "log")))
    answers = [ActivityEnvironment().run(commands.run_command, change) for _ in range(2)]
    assert [Ran(code=0, out="ok\n")] * 2 == answers
    assert (tmp_path / "log").read_text() == "x\n"


def test_a_code_that_is_not_expected_is_an_error(connections: Connections, host: Host) -> None:
    """An error names command, host, code and what the command said; other codes may be declared as fine."""
    commands = CommandActivities(connections)
    failing = RunCommand(key="k", host=host, argv=("sh", "-c", "echo broken >&2; exit 3"))
    with pytest.raises(GiveUpError, match=rf"{host.name}.*ended with 3: broken"):
        ActivityEnvironment().run(commands.run_command, failing)
    fine = failing.model_copy(update={"expect": (0, 3)})
    assert ActivityEnvironment().run(commands.run_command, fine).code == 3


def test_a_read_answers_any_code(connections: Connections, host: Host) -> None:
    """Reading judges nothing."""
    read = ReadCommand(host=host, argv=("sh", "-c", "echo seen; exit 3"))
    assert Ran(code=3, out="seen\n") == ActivityEnvironment().run(CommandActivities(connections).read_command, read)


def test_the_step_tells_what_is_run(host: Host) -> None:
    """The Temporal UI shows command and host."""
    change = RunCommand(host=host, argv=("echo", "a b"))
    assert step_of(CommandActivities.run_command).describe(change) == f"run echo 'a b' on {host.name}"


def test_an_activity_heartbeats_while_its_command_runs(connections: Connections, host: Host) -> None:
    """A change that takes a while beats well within its heartbeat timeout."""
    environment, beats = ActivityEnvironment(), []
    environment.on_heartbeat = lambda *_: beats.append(True)
    change = RunCommand(key="k", host=host, argv=("sleep", "3"))
    environment.run(CommandActivities(connections).run_command, change)
    assert len(beats) >= 2


def _begin(connections: Connections, host: Host, log: Path) -> tuple[ActivityEnvironment, Future[Ran], int]:
    """A command that runs until it is ended, within an activity."""
    environment = ActivityEnvironment()
    change = RunCommand(key="k", host=host, argv=("sh", "-c", 'echo $$ >>"$1"; sleep 600; true', "sh", str(log)))
    future = in_thread(lambda: environment.run(CommandActivities(connections).run_command, change))
    return environment, future, int(written(log))


def test_cancelling_the_activity_ends_the_command(connections: Connections, host: Host, tmp_path: Path) -> None:
    """Somebody who cancels in the UI stops what runs on the host."""
    environment, future, pid = _begin(connections, host, tmp_path / "log")
    environment.cancel()
    with pytest.raises(CancelledError):
        future.result(30)
    until(lambda: not running(pid))


@pytest.mark.parametrize(
    "details",
    [
        ActivityCancellationDetails(worker_shutdown=True),
        ActivityCancellationDetails(timed_out=True),
        ActivityCancellationDetails(not_found=True),
    ],
)
def test_a_try_that_ends_leaves_the_command_running(
    connections: Connections, host: Host, tmp_path: Path, details: ActivityCancellationDetails
) -> None:
    """When the worker stops or the try took too long, the command goes on for the next try."""
    environment, future, pid = _begin(connections, host, tmp_path / "log")
    environment.cancel(details)
    with pytest.raises((TryAgainError, CancelledError)):
        future.result(30)
    assert running(pid)
    again, next_try, same = _begin(connections, host, tmp_path / "log")
    again.cancel()
    with pytest.raises(CancelledError):
        next_try.result(30)
    assert pid == same
    until(lambda: not running(pid))
