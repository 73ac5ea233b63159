import os
import signal
import socket
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest

from activities.hosts.connection import Connections
from models.errors import GiveUpError, TryAgainError
from models.host import Host
from tests.activities.hosts.conftest import over_ssh
from tests.activities.hosts.seen import in_thread, running, written
from tests.services.ports import free_port
from tests.services.ssh import Sshd
from tests.services.waiting import until

SOON = timedelta(seconds=20)


def _changed(host: Host, **fields: object) -> Host:
    return Host.model_validate(host.model_dump() | fields)


def _key(file: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    return file


def test_an_unknown_host_key_is_refused(sshd: Sshd, connections: Connections, tmp_path: Path) -> None:
    """Nobody is trusted for having answered; the error gives fingerprint, file and the line to add."""
    host = _changed(over_ssh(sshd), known_hosts=str(tmp_path / "known_hosts"))
    fingerprint = subprocess.check_output(["ssh-keygen", "-lf", sshd.known_hosts], text=True).split()[1]
    with pytest.raises(GiveUpError) as caught:
        connections.shell(host).run(["true"], timeout=SOON)
    text = str(caught.value)
    assert fingerprint in text
    assert str(tmp_path / "known_hosts") in text
    (tmp_path / "known_hosts").write_text(text.partition("add the line: ")[2] + "\n")
    assert connections.shell(host).run(["true"], timeout=SOON).code == 0


def test_a_changed_host_key_is_refused(sshd: Sshd, connections: Connections, tmp_path: Path) -> None:
    """A host whose key is not the known one is not talked to."""
    other = _key(tmp_path / "other").with_suffix(".pub").read_text().split()[1]
    known = tmp_path / "known_hosts"
    known.write_text(f"[{sshd.host}]:{sshd.port} ssh-ed25519 {other}\n")
    with pytest.raises(GiveUpError, match="somebody is in between"):
        connections.shell(_changed(over_ssh(sshd), known_hosts=str(known))).run(["true"], timeout=SOON)


def test_a_key_that_opens_nothing_is_refused_for_good(sshd: Sshd, connections: Connections, tmp_path: Path) -> None:
    """A wrong key is no reason to try again."""
    host = _changed(over_ssh(sshd), key=str(_key(tmp_path / "other")))
    with pytest.raises(GiveUpError, match="authorized_keys"):
        connections.shell(host).run(["true"], timeout=SOON)


@pytest.mark.parametrize("content", [None, "no key at all\n"])
def test_a_key_file_that_cannot_be_used_is_named(
    sshd: Sshd, connections: Connections, tmp_path: Path, content: str | None
) -> None:
    """A missing or broken key file is told by its name."""
    if content:
        (tmp_path / "key").write_text(content)
    with pytest.raises(GiveUpError, match=str(tmp_path / "key")):
        connections.shell(_changed(over_ssh(sshd), key=str(tmp_path / "key"))).run(["true"], timeout=SOON)


def test_a_locked_key_is_told(sshd: Sshd, connections: Connections, tmp_path: Path) -> None:
    """A key with a passphrase is told apart from a broken one."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", tmp_path / "key"], check=True)
    with pytest.raises(GiveUpError, match="passphrase"):
        connections.shell(_changed(over_ssh(sshd), key=str(tmp_path / "key"))).run(["true"], timeout=SOON)


def test_no_key_and_no_agent_is_told(sshd: Sshd, connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key of its own a host needs the agent."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(GiveUpError, match="SSH agent"):
        connections.shell(_changed(over_ssh(sshd), key=None)).run(["true"], timeout=SOON)


def test_a_port_where_nobody_listens_is_tried_again(sshd: Sshd, connections: Connections) -> None:
    """A refused connection may be accepted later."""
    with pytest.raises(TryAgainError, match="cannot be reached"):
        connections.shell(_changed(over_ssh(sshd), port=free_port())).run(["true"], timeout=SOON)


def test_a_name_that_leads_nowhere_is_tried_again(sshd: Sshd, connections: Connections) -> None:
    """Names are resolved by a service that may come back."""
    with pytest.raises(TryAgainError, match="cannot be reached"):
        connections.shell(_changed(over_ssh(sshd), address="nowhere.invalid")).run(["true"], timeout=SOON)


def test_a_host_that_says_nothing_is_given_up_in_time(sshd: Sshd, connections: Connections) -> None:
    """Something that accepts and stays silent costs the connect timeout, with beats meanwhile."""
    beats: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = _changed(over_ssh(sshd), port=silent.getsockname()[1], connect_timeout="2s")
        began = time.monotonic()
        with pytest.raises(TryAgainError):
            connections.shell(host).run(["true"], timeout=SOON, beat=lambda: beats.append(time.monotonic()))
    assert time.monotonic() - began < 8
    assert beats


def test_connections_are_shared_and_kept(sshd: Sshd, connections: Connections) -> None:
    """One command after the other uses one connection, though each has a shell of its own."""
    for _ in range(5):
        assert connections.shell(over_ssh(sshd)).run(["true"], timeout=SOON).code == 0
    until(lambda: len(sshd.sessions()) == 1)


def test_a_crowd_uses_few_connections(sshd: Sshd, connections: Connections) -> None:
    """Sixteen commands at once need two connections, and afterwards one is left."""
    shell = connections.shell(over_ssh(sshd))
    futures = [in_thread(lambda: shell.run(["sleep", "2"], timeout=SOON)) for _ in range(16)]
    until(lambda: len(sshd.sessions()) == 2)
    assert {0} == {future.result(30).code for future in futures}
    until(lambda: len(sshd.sessions()) == 1)


def test_a_connection_that_is_cut_is_told_at_once(sshd: Sshd, connections: Connections, tmp_path: Path) -> None:
    """When the connection breaks in the middle of a command the caller learns it, and the next command works."""
    shell = connections.shell(over_ssh(sshd))
    script = ["sh", "-c", 'echo $$ >"$1"; sleep 600', "sh", str(tmp_path / "pid")]
    cut = in_thread(lambda: shell.run(script, timeout=timedelta(minutes=5)))
    pid = int(written(tmp_path / "pid"))
    sshd.cut()
    with pytest.raises(TryAgainError, match="was lost"):
        cut.result(20)
    assert running(pid)  # nothing ends it: that is what run_once is for
    os.killpg(os.getpgid(pid), signal.SIGKILL)
    assert shell.run(["echo", "again"], timeout=SOON).out == "again\n"


def test_a_server_that_was_restarted_is_reached_again(sshd: Sshd, connections: Connections) -> None:
    """A connection that died while nobody used it is replaced without anybody noticing."""
    shell = connections.shell(over_ssh(sshd))
    assert shell.run(["true"], timeout=SOON).code == 0
    sshd.restart()
    assert shell.run(["echo", "again"], timeout=SOON).out == "again\n"


def test_a_server_that_falls_silent_is_left(sshd: Sshd, connections: Connections) -> None:
    """A connection that stands but answers nothing is replaced by a new one after the connect timeout."""
    shell = connections.shell(_changed(over_ssh(sshd), connect_timeout="2s"))
    assert shell.run(["true"], timeout=SOON).code == 0
    stopped = sshd.sessions()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert shell.run(["echo", "again"], timeout=SOON).out == "again\n"
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def test_what_a_login_prints_is_not_the_commands_output(connections: Connections, tmp_path: Path) -> None:
    """Many machines greet whoever logs in; the output of a command begins where the command does."""
    server = Sshd(tmp_path)
    keys = tmp_path / "authorized_keys"
    keys.write_text(f'command="printf \'welcome\\nselfheal\\n\'; sh -c \\"$SSH_ORIGINAL_COMMAND\\"" {keys.read_text()}')
    server.start()
    try:
        ran = connections.shell(over_ssh(server)).run(["printf", "a\nb"], timeout=SOON)
    finally:
        server.stop()
    assert (ran.code, ran.out) == (0, "a\nb")
