"""A worker's part of one change, as a process that a test may kill: ``python -m … HOST KEY COMMAND…``."""

import sys

from activities.hosts.connection import Connections
from activities.hosts.once import run_once
from models.host import Host

if __name__ == "__main__":
    host = Host.model_validate_json(sys.argv[1])
    ran = run_once(Connections().shell(host), host, sys.argv[2], sys.argv[3:])
    print(ran.model_dump_json(), flush=True)  # noqa: T201 - its answer
