"""Serving the application on an event loop that is not ours alone: no signals are caught, an event stops it."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from models.errors import GiveUpError

DRAIN_SECONDS = 10
"""How long requests under way get to end once it is told to stop."""

_KEEP_ALIVE_SECONDS = 75  # longer than senders keep idle connections, so that none writes into one that just closed
_BACKLOG = 2048


class PortTakenError(GiveUpError):
    """The gateway cannot listen where it should."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever owns the process."""
        yield


async def serve(
    app: FastAPI,
    host: str,
    port: int,
    *,
    stop: asyncio.Event,
    listening: Callable[[str], None] | None = None,
) -> None:
    """Serve until `stop` is set; requests under way then get `DRAIN_SECONDS` to end.

    Args:
        app: what to serve.
        host: address to listen on.
        port: 0 chooses a free one.
        stop: ends it.
        listening: called with the base address as soon as connections are taken.

    Raises:
        PortTakenError: it cannot listen there.
    """
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )
    with _listen(host, port) as listener:
        stopping = asyncio.create_task(_stop(server, stop))
        try:
            if listening:
                # The socket takes connections already; they wait in its backlog until the server is up.
                listening(_base(host, listener.getsockname()[1]))
            await server.serve(sockets=[listener])
        finally:
            stopping.cancel()
            for taking in getattr(server, "servers", ()):
                taking.close()


def _listen(host: str, port: int) -> socket.socket:
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is: an answer would wait 40 ms.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        choose = "choose another with --gateway-port or SELFHEAL_GATEWAY_PORT"
        match error.errno:
            case errno.EADDRINUSE:
                why = f"port {port} on {host} is in use: stop what listens there, or {choose}"
            case errno.EACCES:
                why = f"port {port} on {host} is not ours to use: {choose}, above 1023"
            case _:
                reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
                why = f"cannot listen on {host} ({reason}): give another --gateway-host or SELFHEAL_GATEWAY_HOST"
        raise PortTakenError(why) from error
    return listener


async def _stop(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


def _base(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
