"""Starts a server, tells its process id, and waits to be killed; arguments: state folder, port, UI port, program."""

import asyncio
import sys
from pathlib import Path

from worker.embedded import EmbeddedTemporal


async def _forget(state_dir: str, port: str, ui_port: str, program: str) -> None:
    server = EmbeddedTemporal(state_dir=Path(state_dir), port=int(port), ui_port=int(ui_port), program=Path(program))
    await server.start()
    sys.stdout.write(f"{server.pid}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


asyncio.run(_forget(*sys.argv[1:]))
