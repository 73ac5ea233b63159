"""A worker's part of setting a release, as a process that a test may kill: ``python -m … CHANGE``."""

import sys

from temporalio.testing import ActivityEnvironment

from activities.hosts.connection import Connections
from activities.hosts.services import ServiceActivities, SetRelease

if __name__ == "__main__":
    change = SetRelease.model_validate_json(sys.argv[1])
    released = ActivityEnvironment().run(ServiceActivities(Connections()).set_release, change)
    print(released.model_dump_json(), flush=True)  # noqa: T201 - its answer
