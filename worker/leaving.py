"""The one way out of every command.

A process that has used a Temporal client sometimes aborts while the interpreter shuts down (exit code 134,
``PyGILState_Release``; temporalio/sdk-python#300). So we flush what was said and leave without that shutdown.
"""

import contextlib
import logging
import os
import sys
from typing import NoReturn


def leave(code: object) -> NoReturn:
    """End the process with this exit code; a text goes to stderr and means 1, as in `sys.exit`."""
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        # Whoever read us may be gone, as in `selfheal executions list | head -1`.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
