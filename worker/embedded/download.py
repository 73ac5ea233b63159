"""Fetch the `temporal` program the SDK's own way: `python -P download.py FOLDER`.

The SDK has no call that only downloads, so its development server is started once, and stopped. That runs
in a process of its own, so that a download which hangs can be killed, and reads that process's proxy settings.
"""

import asyncio
import os
import sys

from temporalio.testing import WorkflowEnvironment


async def _download(folder: str) -> None:
    async with await WorkflowEnvironment.start_local(download_dest_dir=folder):
        pass


if __name__ == "__main__":
    try:
        asyncio.run(_download(sys.argv[1]))
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)  # not sys.exit: a process that used the SDK may abort at interpreter exit (sdk-python#300)
