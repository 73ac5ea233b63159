from datetime import timedelta

import pytest

from activities.hosts.commands import CommandActivities, ReadCommand, RunCommand
from activities.hosts.filesystems import CompressLogs, FilesystemActivities, MoveAside, MoveBack, RestoreLogs
from activities.hosts.services import ReloadService, RestartService, ScaleService, ServiceActivities, SetRelease
from activities.step import step_of
from models.change import Change
from models.target import Filesystem, Service

WEB = Service(name="web", unit="web.service")
DATA = Filesystem(mount="/data", logs=("/data/logs",), caches=("/data/cache",), aside="/spare")

STEPS = [
    (ServiceActivities.read_service, WEB, "read web on local"),
    (ServiceActivities.restart_service, RestartService(service=WEB), "restart web on local"),
    (ServiceActivities.reload_service, ReloadService(service=WEB), "reload web on local"),
    (ServiceActivities.reload_service, ReloadService(service=WEB, undo=True), "undo the reload of web on local"),
    (
        ServiceActivities.set_release,
        SetRelease(service=WEB, release="v1"),
        "make v1 the release of web on local",
    ),
    (ServiceActivities.scale_service, ScaleService(service=WEB, count=3), "scale web on local to 3"),
    (FilesystemActivities.read_filesystem, DATA, "read /data on local"),
    (
        FilesystemActivities.compress_logs,
        CompressLogs(filesystem=DATA, files=("/data/logs/x.log.1",)),
        "pack 1 rotated logs on local",
    ),
    (
        FilesystemActivities.restore_logs,
        RestoreLogs(filesystem=DATA, files=("/data/logs/x.log.1",)),
        "unpack 1 rotated logs on local",
    ),
    (
        FilesystemActivities.move_aside,
        MoveAside(filesystem=DATA, cache="/data/cache"),
        "move /data/cache on local aside",
    ),
    (
        FilesystemActivities.move_back,
        MoveBack(filesystem=DATA, cache="/data/cache", moved_key="k"),
        "move /data/cache on local back",
    ),
    (CommandActivities.run_command, RunCommand(argv=("echo", "a b")), "run echo 'a b' on local"),
    (CommandActivities.read_command, ReadCommand(argv=("uptime",)), "run uptime on local"),
]


@pytest.mark.parametrize(("activity", "argument", "summary"), STEPS)
def test_the_step_tells_what_it_does(activity: object, argument: object, summary: str) -> None:
    """The Temporal UI shows target and host of each step."""
    step = step_of(activity)  # type: ignore[arg-type]
    assert summary == step.describe(argument)


@pytest.mark.parametrize(("activity", "argument", "summary"), STEPS)
def test_a_step_is_marked_as_what_it_is(activity: object, argument: object, summary: str) -> None:
    """Whatever takes a key is a change, and each step beats so that a dead worker is noticed within ten seconds."""
    step = step_of(activity)  # type: ignore[arg-type]
    assert step.changes is isinstance(argument, Change), summary
    assert step.heartbeat == timedelta(seconds=10)
