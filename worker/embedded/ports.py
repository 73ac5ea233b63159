"""Ports that are taken: seen before the server starts, so that the error can say by whom."""

import asyncio
import socket
from pathlib import Path

from worker.embedded.errors import EmbeddedServerError

HOST = "127.0.0.1"


def check_free(port: int, purpose: str, option: str, variable: str) -> None:
    """Check that the port can be listened on.

    Args:
        port: The TCP port on 127.0.0.1.
        purpose: What it is for, as the error says it.
        option: The command line option that chooses another.
        variable: The environment variable that does.

    Raises:
        EmbeddedServerError: It is in use or not allowed.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except (OSError, OverflowError) as error:
            owner = _owner(port)
            reason = f"in use by {owner}" if owner else getattr(error, "strerror", None) or str(error)
            raise EmbeddedServerError(
                f"Port {port} for {purpose} cannot be used: {reason}. Choose another with {option} or {variable}; "
                f"or, if a Temporal server runs already, set TEMPORAL_ADDRESS to use that one."
            ) from error


async def listening(port: int) -> bool:
    """Whether something takes connections there."""
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True


def _owner(port: int) -> str | None:
    """Name and process id of the listener; None where /proc does not tell (another user's, or not Linux)."""
    sockets = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listening(Path("/proc/net", table), port)}
    for process in Path("/proc").glob("[0-9]*") if sockets else ():
        try:
            if any(str(handle.readlink()) in sockets for handle in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:  # gone meanwhile, or not ours to see
            continue
    return None


def _listening(table: Path, port: int) -> list[str]:
    """Inodes of the sockets that listen on the port; the table's format is proc(5)'s."""
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]
