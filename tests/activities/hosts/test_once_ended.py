import os
import signal
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.exceptions import CancelledError

from activities.hosts.connection import Connections
from activities.hosts.once import run_once
from activities.hosts.scripts import script
from activities.hosts.shell import Beat, Ran, Shell, quiet
from models.errors import GiveUpError, TryAgainError, UnknownEffectError
from models.host import Host
from tests.activities.hosts.conftest import over_ssh
from tests.activities.hosts.counted_runs import KEY, appends, lines, mark_of, when
from tests.activities.hosts.seen import in_thread, running, written
from tests.services.missing import program
from tests.services.ssh import Sshd
from tests.services.waiting import until

SOON = timedelta(seconds=20)


def test_a_command_whose_end_nobody_saw_is_not_repeated(shell: Shell, host: Host, tmp_path: Path) -> None:
    """When command and supervisor are killed, neither who waits nor who comes later does it again."""
    command = appends(tmp_path / "log", "sleep 600")
    waiting = in_thread(lambda: run_once(shell, host, KEY, command))
    pid = int(written(tmp_path / "log"))
    supervisor = int((mark_of(host) / "claim").read_text().split()[0])
    os.killpg(supervisor, signal.SIGKILL)
    os.killpg(pid, signal.SIGKILL)
    with pytest.raises(UnknownEffectError, match="rebooted, or it was killed"):
        waiting.result(30)
    with pytest.raises(UnknownEffectError):
        run_once(shell, host, KEY, command)
    assert lines(tmp_path / "log") == 1


@pytest.mark.parametrize("claim", ["{pid} 1 {boot}", "{pid} {born} another-boot"])
def test_a_claim_of_another_life_is_no_running_command(shell: Shell, host: Host, tmp_path: Path, claim: str) -> None:
    """A process number that was given to another process, or before a reboot, does not make anyone wait."""
    born = Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()[19]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    mark_of(host).mkdir(parents=True)
    (mark_of(host) / "claim").write_text(claim.format(pid=os.getpid(), born=born, boot=boot) + "\n")
    with pytest.raises(UnknownEffectError):
        run_once(shell, host, KEY, appends(tmp_path / "log"))
    assert lines(tmp_path / "log") == 0


def test_a_command_that_takes_too_long_is_ended(shell: Shell, host: Host, tmp_path: Path) -> None:
    """The supervisor ends it, even if it ignores being asked, and the mark says why."""
    command = appends(tmp_path / "log", 'trap "" TERM; while :; do sleep 1; done')
    with pytest.raises(UnknownEffectError, match="did not end within 1s"):
        run_once(shell, host, KEY, command, timeout=timedelta(seconds=1))
    assert not running(int(written(tmp_path / "log")))
    assert (mark_of(host) / "result").read_text().split()[1] == "timeout"


def test_a_command_is_ended_in_time_though_nobody_waits(shell: Shell, host: Host, tmp_path: Path) -> None:
    """The limit holds when all workers are gone."""
    command = appends(tmp_path / "log", "sleep 600")

    def gone() -> None:
        raise TryAgainError("this try is over")

    with pytest.raises(TryAgainError):
        run_once(
            shell,
            host,
            KEY,
            command,
            timeout=timedelta(seconds=8),
            beat=when(lambda: lines(tmp_path / "log") == 1, gone),
        )
    pid = int(written(tmp_path / "log"))
    assert running(pid)
    until(lambda: not running(pid))


def test_a_cancelled_command_is_ended(shell: Shell, host: Host, tmp_path: Path) -> None:
    """Cancelling ends the command with what it started; the mark says so, and a retry does not do it again."""
    command = appends(tmp_path / "log", 'sleep 600 & echo $! >>"$1"; wait')

    def cancelled() -> None:
        raise CancelledError("cancelled")

    with pytest.raises(CancelledError):
        run_once(shell, host, KEY, command, beat=when(lambda: lines(tmp_path / "log") == 2, cancelled))
    pids = [int(pid) for pid in (tmp_path / "log").read_text().split()]
    assert len(pids) == 2
    until(lambda: not any(running(pid) for pid in pids))
    with pytest.raises(UnknownEffectError, match="was cancelled and ended"):
        run_once(shell, host, KEY, command)


@pytest.mark.parametrize("kind", ["local", "ssh"])
def test_only_the_command_becomes_root(
    kind: str, connections: Connections, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """With become the command runs behind sudo, and cancelling ends it there too."""
    program("sudo")
    plain = Host(marks=str(tmp_path)) if kind == "local" else over_ssh(request.getfixturevalue("sshd"), marks=tmp_path)
    host = plain.model_copy(update={"become": True})
    shell, log = connections.shell(host), tmp_path / "log"
    assert run_once(shell, host, KEY, ["sh", "-c", "echo ${SUDO_COMMAND:+yes}"]).out == "yes\n"

    def cancelled() -> None:
        raise CancelledError("cancelled")

    with pytest.raises(CancelledError):
        run_once(
            shell,
            host,
            "other",
            appends(log, "sleep 600"),
            beat=when(log.exists, cancelled),
        )
    until(lambda: not running(int(written(log))))


class OtherTools:
    """This machine as one would be that has other tools, or another `sh`."""

    def __init__(self, shell: Shell, path: str) -> None:
        self._shell, self._path = shell, path

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: timedelta,
        stdin: bytes | None = None,
        beat: Beat = quiet,
        become: bool = True,
    ) -> Ran:
        """Run it with the tools on this path."""
        words = ("env", f"PATH={self._path}", *argv)
        return self._shell.run(words, timeout=timeout, stdin=stdin, beat=beat, become=become)


@pytest.mark.parametrize("kind", ["busybox", "bash"])
def test_other_shells_and_tools_do(connections: Connections, tmp_path: Path, kind: str) -> None:
    """Claiming, waiting, ending and the time limit work with nothing but busybox, and where `sh` is bash."""
    tools, log = tmp_path / "bin", tmp_path / "log"
    tools.mkdir()
    if kind == "busybox":
        subprocess.run([program("busybox"), "--install", "-s", tools], check=True)
    else:
        (tools / "sh").symlink_to(program("bash"))
    host = Host(marks=str(tmp_path / "marks"))
    path = str(tools) if kind == "busybox" else f"{tools}:{os.environ['PATH']}"
    shell = OtherTools(connections.shell(host), path)
    command = appends(log, "echo told; exit 4")
    assert [Ran(code=4, out="told\n")] * 2 == [run_once(shell, host, KEY, command) for _ in range(2)]
    assert lines(log) == 1
    with pytest.raises(UnknownEffectError, match="did not end within 1s"):
        run_once(shell, host, "late", appends(log, "sleep 600"), timeout=timedelta(seconds=1))

    def cancelled() -> None:
        raise CancelledError("cancelled")

    with pytest.raises(CancelledError):
        run_once(shell, host, "c", appends(log, "sleep 600"), beat=when(lambda: lines(log) == 3, cancelled))
    assert not any(running(int(pid)) for pid in log.read_text().split())


def test_what_was_cancelled_before_it_began_never_begins(connections: Connections, tmp_path: Path) -> None:
    """A login that takes its time must not begin a command that was cancelled meanwhile."""
    server, log = Sshd(tmp_path), tmp_path / "log"
    keys = tmp_path / "authorized_keys"
    slow = f'until [ -e {tmp_path}/open ]; do sleep 0.05; done; sh -c \\"$SSH_ORIGINAL_COMMAND\\"'
    keys.write_text(f'command="{slow}" {keys.read_text()}')
    server.start()
    host = over_ssh(server, marks=tmp_path / "marks")
    shell = connections.shell(host)

    def cancelled() -> None:
        (tmp_path / "open").touch()
        raise CancelledError("cancelled")

    try:
        with pytest.raises(CancelledError):
            run_once(shell, host, KEY, appends(log, "sleep 600"), beat=cancelled)
        began = lines(log)  # it may have begun at the very moment; then it was ended
        with pytest.raises(UnknownEffectError if began else GiveUpError, match="cancelled"):
            run_once(shell, host, KEY, appends(log))
        assert lines(log) == began
        (tmp_path / "open").unlink()
        with pytest.raises(CancelledError):
            shell.run(appends(tmp_path / "other", "sleep 600"), timeout=timedelta(seconds=60), beat=cancelled)
        begun = (tmp_path / "other").read_text().split() if (tmp_path / "other").exists() else []
        assert not any(running(int(pid)) for pid in begun)
    finally:
        server.stop()


def test_a_mark_that_was_stopped_before_it_was_claimed(shell: Shell, host: Host, tmp_path: Path) -> None:
    """Stopping claims what nobody claimed yet, so that whoever comes late finds it taken."""
    stopped = shell.run(("sh", "-c", script("mark", "stop"), "selfheal", host.marks, mark_of(host).name), timeout=SOON)
    assert stopped.out == "nothing\n"
    with pytest.raises(GiveUpError, match="cancelled before it began"):
        run_once(shell, host, KEY, appends(tmp_path / "log"))
    assert lines(tmp_path / "log") == 0
