"""A worker's part of moving a cache, as a process that a test may kill: ``python -m … CHANGE``."""

import sys

from temporalio.testing import ActivityEnvironment

from activities.hosts.connection import Connections
from activities.hosts.filesystems import FilesystemActivities, MoveAside

if __name__ == "__main__":
    change = MoveAside.model_validate_json(sys.argv[1])
    moved = ActivityEnvironment().run(FilesystemActivities(Connections()).move_aside, change)
    print(moved.model_dump_json(), flush=True)  # noqa: T201 - its answer
