import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from activities.hosts.connection import Connections
from activities.hosts.once import run_once
from activities.hosts.shell import Ran, Shell
from models.errors import GiveUpError, TryAgainError
from models.host import Host
from tests.activities.hosts.conftest import over_ssh
from tests.activities.hosts.counted_runs import KEY, appends, lines, mark_of
from tests.activities.hosts.seen import in_thread, running, written
from tests.services.ssh import Sshd
from tests.services.waiting import until

ROOT = Path(__file__).parents[3]


def test_a_key_has_its_effect_once(shell: Shell, host: Host, tmp_path: Path) -> None:
    """The second call with a key runs nothing and answers what the first one did."""
    command = appends(tmp_path / "log", "echo told; echo why >&2; exit 4")
    first = run_once(shell, host, KEY, command)
    assert Ran(code=4, out="told\n", err="why\n") == first
    assert first == run_once(shell, host, KEY, command)
    assert lines(tmp_path / "log") == 1


def test_another_key_has_its_own_effect(shell: Shell, host: Host, tmp_path: Path) -> None:
    """The key decides, not the command."""
    for key in ("a", "b", "ü\n/../" * 50):
        run_once(shell, host, key, appends(tmp_path / "log"))
    assert lines(tmp_path / "log") == 3


@pytest.mark.parametrize("argument", ["two words", "$(touch x) `y`", "a\nb", "'\"", "ünïcödé", "", "-x", "a\\"])
def test_arguments_arrive_as_they_are(shell: Shell, host: Host, argument: str) -> None:
    """No argument is read by a shell on the way through the supervisor either."""
    assert run_once(shell, host, KEY, ["printf", "<%s>", argument]) == Ran(code=0, out=f"<{argument}>")


def test_a_program_that_is_not_there_is_told(shell: Shell, host: Host) -> None:
    """A missing program is a result, with its name."""
    ran = run_once(shell, host, KEY, ["/no/such/program"])
    assert ran.code == 127
    assert "/no/such/program" in ran.err


def test_the_command_runs_as_if_it_were_run_by_hand(shell: Shell, host: Host) -> None:
    """It has the usual umask, the C locale, a session of its own and no input."""
    ran = run_once(shell, host, KEY, ["sh", "-c", "umask; echo $LC_ALL; cat; cut -d' ' -f6 /proc/$$/stat; echo $$"])
    umask, locale, session, pid = ran.out.split()
    assert (umask, locale) == ("0022", "C")
    assert session == pid


def test_the_mark_tells_people_what_was_done(shell: Shell, host: Host, tmp_path: Path) -> None:
    """An operator finds when, which step and which command, and nobody else can read it."""
    run_once(shell, host, KEY, appends(tmp_path / "log"))
    note = (mark_of(host) / "note").read_text()
    assert KEY in note
    assert str(tmp_path / "log") in note
    assert note.count("\n") == 1
    assert mark_of(host).stat().st_mode & 0o77 == 0


def test_callers_at_the_same_time_share_one_effect(shell: Shell, host: Host, tmp_path: Path) -> None:
    """Eight callers that begin together see the same run."""
    together = threading.Barrier(8)

    def one() -> Ran:
        together.wait()
        return run_once(shell, host, KEY, appends(tmp_path / "log", "sleep 0.5; echo $$"))

    answers = [future.result(60) for future in [in_thread(one) for _ in range(8)]]
    assert lines(tmp_path / "log") == 1
    assert {(tmp_path / "log").read_text()} == {ran.out for ran in answers}


def test_a_worker_killed_after_the_effect_repeats_nothing(shell: Shell, host: Host, tmp_path: Path) -> None:
    """Killed between effect and acknowledgement, the next worker waits for the same run and gets its result."""
    go = tmp_path / "go"
    command = appends(tmp_path / "log", f'until [ -e "{go}" ]; do sleep 0.05; done; echo done')
    with subprocess.Popen(
        [sys.executable, "-m", "tests.activities.hosts.one_run", host.model_dump_json(), KEY, *command], cwd=ROOT
    ) as worker:
        pid = int(written(tmp_path / "log"))
        worker.kill()
    assert running(pid)
    again = in_thread(lambda: run_once(shell, host, KEY, command))
    go.touch()
    assert Ran(code=0, out="done\n") == again.result(30)
    assert lines(tmp_path / "log") == 1


def test_a_worker_killed_before_it_heard_the_end_repeats_nothing(shell: Shell, host: Host, tmp_path: Path) -> None:
    """Also if the command came to its end while no worker was there."""
    go = tmp_path / "go"
    command = appends(tmp_path / "log", f'until [ -e "{go}" ]; do sleep 0.05; done; echo done; exit 5')
    with subprocess.Popen(
        [sys.executable, "-m", "tests.activities.hosts.one_run", host.model_dump_json(), KEY, *command], cwd=ROOT
    ) as worker:
        written(tmp_path / "log")
        worker.kill()
    go.touch()
    until((mark_of(host) / "result").exists)
    assert Ran(code=5, out="done\n") == run_once(shell, host, KEY, command)
    assert lines(tmp_path / "log") == 1


def test_a_connection_cut_in_the_middle_repeats_nothing(sshd: Sshd, connections: Connections, tmp_path: Path) -> None:
    """The cut is told, the command goes on, and the retry gets its result."""
    host = over_ssh(sshd, marks=tmp_path / "marks")
    shell, go = connections.shell(host), tmp_path / "go"
    command = appends(tmp_path / "log", f'until [ -e "{go}" ]; do sleep 0.05; done; echo done')
    cut = in_thread(lambda: run_once(shell, host, KEY, command))
    written(tmp_path / "log")
    sshd.cut()
    with pytest.raises(TryAgainError):
        cut.result(30)
    go.touch()
    assert Ran(code=0, out="done\n") == run_once(shell, host, KEY, command)
    assert lines(tmp_path / "log") == 1


def test_a_try_that_is_over_leaves_its_command_to_the_next(shell: Shell, host: Host, tmp_path: Path) -> None:
    """When a worker stops, what it began goes on and is taken over."""
    go = tmp_path / "go"
    command = appends(tmp_path / "log", f'until [ -e "{go}" ]; do sleep 0.05; done; echo done')

    def stopping() -> None:
        raise TryAgainError("the worker stops")

    with pytest.raises(TryAgainError, match="stops"):
        run_once(shell, host, KEY, command, beat=stopping)
    go.touch()
    assert Ran(code=0, out="done\n") == run_once(shell, host, KEY, command)
    assert lines(tmp_path / "log") == 1


def test_a_daemon_that_is_left_behind_lives(shell: Shell, host: Host, tmp_path: Path) -> None:
    """Restarting a service that stays up is the point of it all."""
    ran = run_once(shell, host, KEY, ["sh", "-c", 'sleep 600 & echo $! >"$1"', "sh", str(tmp_path / "pid")])
    pid = int(written(tmp_path / "pid"))
    assert ran.code == 0
    assert running(pid)
    os.kill(pid, signal.SIGKILL)


def test_without_a_place_for_marks_nothing_is_run(shell: Shell, host: Host, tmp_path: Path) -> None:
    """Where no mark can be kept the command is not begun, and the error says where."""
    unkept = host.model_copy(update={"marks": "/proc/selfheal"})
    with pytest.raises(GiveUpError, match="/proc/selfheal"):
        run_once(shell, unkept, KEY, appends(tmp_path / "log"))
    assert lines(tmp_path / "log") == 0


def test_a_change_without_a_key_is_refused(shell: Shell, host: Host, tmp_path: Path) -> None:
    """Without a key no retry could be told from a first try."""
    with pytest.raises(GiveUpError, match="without a key"):
        run_once(shell, host, "", appends(tmp_path / "log"))
    assert lines(tmp_path / "log") == 0


def test_marks_are_forgotten_after_a_month(shell: Shell, host: Host, tmp_path: Path) -> None:
    """Old marks go when a new one is made; whatever else lies there stays."""
    run_once(shell, host, "old", ["true"])
    marks, month = Path(host.marks), 31 * 24 * 3600
    (marks / "other").mkdir()
    (marks / ("f" * 64)).mkdir()
    for folder in marks.iterdir():
        then = folder.stat().st_mtime - month
        os.utime(folder, (then, then))
    run_once(shell, host, KEY, appends(tmp_path / "log"))
    assert {"other", "f" * 64, mark_of(host).name} == {folder.name for folder in marks.iterdir()}


def test_much_output_keeps_its_end(shell: Shell, host: Host) -> None:
    """The result is found behind any amount of output."""
    ran = run_once(shell, host, KEY, ["sh", "-c", "head -c 5000000 /dev/zero; echo; echo end; exit 7"])
    assert ran.code == 7
    assert ran.out.endswith("\0\nend\n")


def test_marks_lie_in_the_home_folder_by_default(shell: Shell, host: Host) -> None:
    """A relative path of marks is one below the home folder of who logs in."""
    near = host.model_copy(update={"marks": f".cache/selfheal-test-{os.getpid()}"})
    run_once(shell, near, KEY, ["true"])
    folder = Path.home() / near.marks
    assert (folder / mark_of(host).name / "result").read_text() == "0 done\n"
    subprocess.run(["rm", "-rf", folder], check=True)
