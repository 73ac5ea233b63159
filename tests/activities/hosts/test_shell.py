import itertools
import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.exceptions import CancelledError

from activities.hosts.connection import Connections
from activities.hosts.shell import KEPT, Ran, Shell, behind_sudo, shown
from models.errors import GiveUpError, NotAllowedError, TryAgainError
from models.host import Host
from tests.activities.hosts.conftest import over_ssh
from tests.activities.hosts.counted_runs import when
from tests.activities.hosts.seen import in_thread, running, written
from tests.services.missing import program
from tests.services.ssh import Sshd
from tests.services.waiting import until

SOON = timedelta(seconds=20)


@pytest.mark.parametrize(
    "argument",
    [
        "two words",
        'it\'s "quoted"',
        "$(touch injected)",
        "`touch injected`; touch injected",
        "a\nb\n",
        "ünïcödé ☃ 漢",
        "$HOME ~ * ? [a] {b,c} \\ ! # & | < >",
        "-n",
        "",
    ],
)
def test_an_argument_arrives_as_it_is(shell: Shell, argument: str) -> None:
    """Nothing in an argument is read by any shell on the way."""
    ran = shell.run(["printf", "<%s>", argument, "end"], timeout=SOON)
    assert Ran(code=0, out=f"<{argument}><end>") == ran
    assert not (Path.home() / "injected").exists()


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill $$", 143)])
def test_the_exit_code_tells_how_it_ended(shell: Shell, script: str, code: int) -> None:
    """Codes are the command's own; a signal is 128 and its number, on both kinds of host."""
    assert code == shell.run(["sh", "-c", script], timeout=SOON).code


def test_a_program_that_is_not_there_is_127(shell: Shell) -> None:
    """A missing program is a result that names it, as shells have it."""
    ran = shell.run(["/no/such/program"], timeout=SOON)
    assert ran.code == 127
    assert "/no/such/program" in ran.err


def test_outputs_are_apart(shell: Shell) -> None:
    """Output and error output do not mix."""
    assert Ran(code=0, out="out\n", err="err\n") == shell.run(["sh", "-c", "echo out; echo err >&2"], timeout=SOON)


def test_messages_are_not_translated(shell: Shell) -> None:
    """Commands run in the C locale, so that what they print can be parsed."""
    assert shell.run(["sh", "-c", "echo $LC_ALL"], timeout=SOON).out == "C\n"


def test_it_runs_in_the_home_folder(shell: Shell) -> None:
    """Both kinds of host start in the same place, wherever the worker was started."""
    assert f"{Path.home()}\n" == shell.run(["pwd"], timeout=SOON).out


def test_input_reaches_the_command(shell: Shell) -> None:
    """Input of more than a pipe holds arrives whole."""
    given = b"0123456789abcdef" * 65536
    assert f"{len(given)}\n" == shell.run(["wc", "-c"], stdin=given, timeout=SOON).out


def test_no_input_is_empty_input(shell: Shell) -> None:
    """A command that reads gets an end of file instead of waiting for ever."""
    assert shell.run(["cat"], timeout=SOON) == Ran(code=0)


def test_only_the_end_of_much_output_is_kept(shell: Shell) -> None:
    """Megabytes of output keep 64 KiB, and what is no UTF-8 is replaced."""
    ran = shell.run(["sh", "-c", r"head -c 5000000 /dev/zero; printf '\377end'"], timeout=SOON)
    assert ran.out.endswith("\0\ufffdend")
    assert len(ran.out) == KEPT


def test_a_nul_is_refused(shell: Shell) -> None:
    """What no program can be given is refused with a reason."""
    with pytest.raises(GiveUpError, match="NUL"):
        shell.run(["echo", "a\0b"], timeout=SOON)


def test_a_timeout_ends_all_that_runs(shell: Shell, tmp_path: Path) -> None:
    """After the time is up neither the command nor what it started runs on, even what ignores being asked."""
    script = 'trap "" TERM; sleep 600 & echo $$ $! >"$1"; wait; sleep 600'
    with pytest.raises(TryAgainError, match="did not end within 3s"):
        shell.run(["sh", "-c", script, "sh", str(tmp_path / "pids")], timeout=timedelta(seconds=3))
    pids = written(tmp_path / "pids").split()
    until(lambda: not any(running(int(pid)) for pid in pids))


def test_a_beat_that_raises_ends_the_command(shell: Shell, tmp_path: Path) -> None:
    """Cancelling ends the process group of the command."""

    def cancelled() -> None:
        raise CancelledError("cancelled")

    with pytest.raises(CancelledError):
        shell.run(
            ["sh", "-c", 'echo $$ >"$1"; sleep 600; true', "sh", str(tmp_path / "pid")],
            timeout=SOON,
            beat=when((tmp_path / "pid").exists, cancelled),
        )
    until(lambda: not running(int(written(tmp_path / "pid"))))


def test_it_beats_while_it_waits(shell: Shell) -> None:
    """There is a beat about each second, also while the command is silent."""
    beats: list[float] = []
    shell.run(["sleep", "3.5"], timeout=SOON, beat=lambda: beats.append(time.monotonic()))
    gaps = [later - earlier for earlier, later in itertools.pairwise(beats)]
    assert len(beats) >= 2
    assert max(gaps) < 3


def test_what_it_leaves_running_does_not_hold_it(shell: Shell, tmp_path: Path) -> None:
    """A command that leaves a daemon behind, with its output open, is over when it ends itself."""
    began = time.monotonic()
    ran = shell.run(["sh", "-c", 'sleep 600 & echo $! >"$1"; echo up', "sh", str(tmp_path / "pid")], timeout=SOON)
    os.kill(int(written(tmp_path / "pid")), 9)
    assert Ran(code=0, out="up\n") == ran
    assert time.monotonic() - began < 10


def test_many_threads_share_one_host(shell: Shell) -> None:
    """Commands of several threads do not disturb each other, and more than sshd takes at once get through."""
    together = threading.Barrier(24)

    def one(number: int) -> str:
        together.wait()
        return shell.run(["sh", "-c", f"sleep 0.5; echo {number}"], timeout=SOON).out

    futures = [in_thread(lambda number=number: one(number)) for number in range(24)]  # type: ignore[misc]
    assert [f"{number}\n" for number in range(24)] == [future.result(60) for future in futures]


def test_the_workers_secrets_stay_with_it(connections: Connections) -> None:
    """A command on the worker's machine sees what a login would set, not the worker's environment."""
    lines = connections.shell(Host()).run(["env"], timeout=SOON).out.splitlines()
    names = {line.partition("=")[0] for line in lines}
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert {"HOME", "PATH", "LC_ALL"} <= names
    assert "PYTEST_CURRENT_TEST" not in names


def test_a_file_that_is_no_program_is_an_error(connections: Connections, tmp_path: Path) -> None:
    """What may not be executed is told as a missing permission."""
    (tmp_path / "data").write_text("x")
    with pytest.raises(NotAllowedError, match="executable"):
        connections.shell(Host()).run([str(tmp_path / "data")], timeout=SOON)


@pytest.mark.parametrize("kind", ["local", "ssh"])
def test_become_runs_behind_sudo(kind: str, connections: Connections, request: pytest.FixtureRequest) -> None:
    """With become a command runs through sudo -n, unless it is to run as the user who logs in."""
    program("sudo")
    plain = Host() if kind == "local" else over_ssh(request.getfixturevalue("sshd"))
    shell = connections.shell(plain.model_copy(update={"become": True}))
    told = ["sh", "-c", "echo ${SUDO_COMMAND:-none}"]
    assert shell.run(told, timeout=SOON).out.startswith("/")
    assert shell.run(told, timeout=SOON, become=False).out == "none\n"
    assert shell.run(["/no/such/program"], timeout=SOON).code == 127


@pytest.mark.parametrize("kind", ["local", "ssh"])
def test_a_timeout_ends_what_sudo_runs(
    kind: str, connections: Connections, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """What runs behind sudo, which gives it a session of its own, is ended as well."""
    program("sudo")
    plain = Host() if kind == "local" else over_ssh(request.getfixturevalue("sshd"))
    shell = connections.shell(plain.model_copy(update={"become": True}))
    with pytest.raises(TryAgainError):
        shell.run(
            ["sh", "-c", 'echo $$ >"$1"; sleep 600; true', "sh", str(tmp_path / "pid")], timeout=timedelta(seconds=3)
        )
    until(lambda: not running(int(written(tmp_path / "pid"))))


def test_sudos_refusal_is_a_missing_permission(connections: Connections) -> None:
    """What the real sudo says to a user without rights becomes an error that says what to allow."""
    program("sudo")
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    ran = connections.shell(Host()).run([*nobody, "sudo", "-n", "--", "systemctl", "restart", "web"], timeout=SOON)
    with pytest.raises(NotAllowedError, match=r"systemctl restart web.*NOPASSWD"):
        behind_sudo(Host(become=True), ["systemctl", "restart", "web"], ran)


@pytest.mark.parametrize(
    "err",
    [
        "Sorry, user web is not allowed to execute '/bin/true' as root on h.",
        "sudo: unable to resolve host h: Name or service not known\nsudo: a password is required",
        "web is not in the sudoers file.  This incident will be reported.",
        "sudo: sorry, you must have a tty to run sudo",
    ],
)
def test_sudo_refuses_in_many_words(err: str) -> None:
    """Each way in which sudo refuses is known."""
    with pytest.raises(NotAllowedError):
        behind_sudo(Host(become=True), ["true"], Ran(code=1, err=err))


@pytest.mark.parametrize(
    "ran",
    [Ran(code=1, err="sudo: unable to resolve host h: Name or service not known"), Ran(code=1, err="no password")],
)
def test_a_failing_command_is_not_taken_for_a_refusal(ran: Ran) -> None:
    """A command that fails behind sudo is its own result."""
    assert ran == behind_sudo(Host(become=True), ["true"], ran)


def test_a_long_command_is_shown_short() -> None:
    """An error's text does not hold a whole script."""
    assert len(shown(["sh", "-c", "x" * 10000, *["word"] * 1000])) <= 201
    assert shown(["echo", "a b"]) == "echo 'a b'"


def test_a_pool_that_is_closed_reaches_nobody(sshd: Sshd) -> None:
    """Once the worker closed its connections, none is opened again."""
    connections = Connections()
    assert connections.shell(over_ssh(sshd)).run(["true"], timeout=SOON).code == 0
    connections.close()
    with pytest.raises(GiveUpError, match="closed"):
        connections.shell(over_ssh(sshd)).run(["true"], timeout=SOON)
    until(lambda: not sshd.sessions())
