"""One connection to an sshd: whom we trust, who we are, and what each refusal means."""

import getpass
import logging
import socket
from pathlib import Path

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from models.errors import GiveUpError, TryAgainError
from models.host import Host

_LOG = "activities.hosts.login.transport"
_KEEPALIVE = 5
_SILENCE = 15_000
"""Milliseconds without an acknowledgement after which the kernel gives a connection up (tcp(7), TCP_USER_TIMEOUT)."""

# All that paramiko would log is raised, and told, by us.
logging.getLogger(_LOG).setLevel(logging.CRITICAL)


def log_in(host: Host) -> paramiko.SSHClient:
    """A new connection, authenticated on both sides. It may take three times the host's `connect_timeout`.

    Raises:
        TryAgainError: nobody answers at its address, or not in time.
        GiveUpError: the host's key is unknown or changed, our key is refused, or a file is missing.
    """
    seconds = host.connect_timeout.total_seconds()
    client = paramiko.SSHClient()
    client.set_log_channel(_LOG)
    client.set_missing_host_key_policy(_Refuse(host))
    trusted = _known_hosts(host)
    try:
        if trusted.exists():
            client.load_host_keys(str(trusted))
        client.connect(
            host.address or "",
            port=host.port,
            username=host.user or getpass.getuser(),
            key_filename=str(Path(host.key).expanduser()) if host.key else None,
            sock=_dial(host),
            allow_agent=host.key is None,
            look_for_keys=False,
            timeout=seconds,
            banner_timeout=seconds,
            auth_timeout=seconds,
            channel_timeout=seconds,
        )
    except BaseException as error:
        client.close()
        if isinstance(error, (OSError, EOFError, paramiko.SSHException)):
            raise _meaning(host, error) from error
        raise
    transport = client.get_transport()
    if transport is None:
        raise TryAgainError(f"host {host.name!r} closed the connection at once: see the log of its sshd")
    transport.set_keepalive(_KEEPALIVE)
    return client


def alive(client: paramiko.SSHClient) -> bool:
    """Whether the connection still stands, as far as we know."""
    transport = client.get_transport()
    return transport is not None and transport.is_active()


class _Refuse(paramiko.MissingHostKeyPolicy):
    """Nobody is trusted because he answered first."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        """Refuse, and say how it becomes known."""
        raise GiveUpError(
            f"host {self._host.name!r} ({_where(self._host)}) shows the key {key.fingerprint} ({key.get_name()}), "
            f"which is not in {str(_known_hosts(self._host))!r}. Compare it with what `ssh-keygen -lf` says there of "
            "its /etc/ssh/ssh_host_*_key.pub; if it is the same, add the line: "
            f"{hostname} {key.get_name()} {key.get_base64()}"
        )


def _dial(host: Host) -> socket.socket:
    dialled = socket.create_connection((host.address or "", host.port), host.connect_timeout.total_seconds())
    dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux only
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE)
    return dialled


def _known_hosts(host: Host) -> Path:
    return Path(host.known_hosts or "~/.ssh/known_hosts").expanduser()


def _where(host: Host) -> str:
    return f"{host.address}:{host.port}"


def _meaning(host: Host, error: Exception) -> GiveUpError | TryAgainError:  # noqa: PLR0911 - one return for each meaning
    """What to do about a connection that failed."""
    who = f"host {host.name!r} ({_where(host)})"
    user = host.user or getpass.getuser()
    match error:
        case paramiko.BadHostKeyException():
            return GiveUpError(
                f"{who} shows the key {error.key.fingerprint}, but {str(_known_hosts(host))!r} says "
                f"{error.expected_key.fingerprint}: it was installed anew, or somebody is in between. "
                "Find out which; only then put the new key in place of the old one"
            )
        case paramiko.PasswordRequiredException():
            return GiveUpError(
                f"the key {host.key!r} of {who} is locked by a passphrase: use a key without one, or drop key from the "
                "host and load it into the worker's SSH agent"
            )
        case paramiko.AuthenticationException() if "timeout" in str(error).lower():
            return TryAgainError(
                f"{who} did not let {user!r} in within {host.connect_timeout.total_seconds():g}s: {error}"
            )
        case paramiko.AuthenticationException():
            key = f"the key {host.key!r}" if host.key else "the SSH agent's keys"
            return GiveUpError(
                f"{who} refuses {user!r} with {key}: add the public key to its authorized_keys, or correct user and key"
            )
        case IncompatiblePeer():
            return GiveUpError(f"{who} speaks no encryption that we do ({error}): update its sshd")
        case paramiko.SSHException() if "No authentication methods" in str(error):
            return GiveUpError(
                f"there is no key for {who}: give the host a key, or load one into the worker's SSH agent"
            )
        case paramiko.SSHException() if "private key" in str(error):
            return GiveUpError(f"{host.key!r} of {who} holds no private key that can be read: {error}")
        case FileNotFoundError() | PermissionError() if error.filename:
            return GiveUpError(f"{error.filename!r}, needed for {who}, cannot be read by the worker: {error.strerror}")
        case _:
            reason = str(error) or type(error).__name__
            return TryAgainError(f"{who} cannot be reached: {reason}. See whether it is up and sshd listens there")
