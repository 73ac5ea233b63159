"""Runbooks as policies see them, for tests of policy files."""

from models.model import Declared
from models.runbook_info import RunbookInfo


class Room(Declared):
    """What a policy may set on DiskFilling."""

    keep: int = 3


RUNBOOKS = {
    info.name: info
    for info in (
        RunbookInfo("ServiceUnhealthy", "A service is down.", ("ServiceDown",), ("service",)),
        RunbookInfo("DiskFilling", "A file system fills.", ("NodeFilesystemFull",), ("filesystem",), Room),
        RunbookInfo("ThresholdCrossed", "A metric crossed.", (), ("service", "filesystem")),
    )
}
