from datetime import timedelta
from typing import Any

import pytest

from activities.hosts.filesystem_state import Aside, Cache, FilesystemState, Growth, RotatedLog
from models.target import Filesystem
from models.verdict import Verdict
from runbooks.disk_filling import DiskFacts, DiskFilling, MakeRoom
from selfheal import Escalate
from tests.runbooks.fake import FakeDo

DISK = Filesystem(
    mount="/data", logs=("/data/log",), caches=("/data/a", "/data/b"), aside="/aside", full=0.9, enough=0.8
)
LOGS = (RotatedLog(path="/data/log/x.log.1", bytes=50), RotatedLog(path="/data/log/x.log.2", bytes=40))
LOG_PATHS = tuple(log.path for log in LOGS)
CACHES = (Cache(path="/data/a", bytes=100), Cache(path="/data/b", bytes=300))
ROOM = Aside(path="/aside", available=1000, elsewhere=True)
HOUR = timedelta(hours=1).total_seconds()


def facts(**known: Any) -> DiskFacts:  # noqa: ANN401
    """A mounted disk that is 95 % full unless told otherwise."""
    state = {"size": 1000, "used": 950, "available": 50, "mounted": True} | known
    return DiskFacts(filesystem=DISK, state=FilesystemState.model_validate(state), moved="m")


def room(logs: tuple[str, ...] = (), caches: tuple[str, ...] = ()) -> MakeRoom:
    """Room made by these."""
    return MakeRoom(filesystem=DISK, logs=logs, caches=caches, moved="m")


def growing(per_second: float) -> tuple[Growth, ...]:
    """One thing that grows."""
    return (Growth(path="/data/x", bytes=1, per_second=per_second),)


@pytest.mark.parametrize(
    ("used", "available", "growth", "verdict"),
    [
        (900, 100, (), Verdict.UNHEALTHY),
        (899, 101, (), Verdict.HEALTHY),
        (800, 200, growing(200 / HOUR), Verdict.HEALTHY),
        (800, 200, growing(201 / HOUR), Verdict.UNHEALTHY),
        (799, 201, growing(1000), Verdict.HEALTHY),
        (800, 200, (*growing(100 / HOUR), *growing(101 / HOUR)), Verdict.UNHEALTHY),
        (1000, 0, (), Verdict.UNHEALTHY),
        (0, 0, (), Verdict.UNHEALTHY),
    ],
)
def test_verify(used: int, available: int, growth: tuple[Growth, ...], verdict: Verdict) -> None:
    """Full is not well; nearly full is well only while it takes an hour or more to fill up."""
    assert DiskFilling().verify(facts(used=used, available=available, growth=growth)) is verdict


def test_what_is_not_mounted_is_not_judged() -> None:
    """The numbers of the file system around it say nothing, however fine they are."""
    empty = facts(mounted=False, used=1, available=999, logs=LOGS)
    assert DiskFilling().verify(empty) is Verdict.INCONCLUSIVE
    assert DiskFilling().propose(empty) == Escalate(reason="/data on local is not mounted.")


@pytest.mark.parametrize(
    ("known", "proposed"),
    [
        ({"logs": LOGS}, [room(LOG_PATHS)]),
        ({"caches": CACHES[:1], "aside": ROOM}, [room(caches=("/data/a",))]),
        (
            {"logs": LOGS, "caches": CACHES, "aside": ROOM},
            [
                room(LOG_PATHS),
                room(caches=("/data/b",)),
                room(caches=("/data/a",)),
                room(LOG_PATHS, ("/data/b", "/data/a")),
            ],
        ),
        (
            {"logs": LOGS, "caches": CACHES, "aside": ROOM.model_copy(update={"available": 300})},
            [room(LOG_PATHS), room(caches=("/data/a",)), room(LOG_PATHS, ("/data/a",))],
        ),
        (
            {"caches": CACHES, "aside": ROOM.model_copy(update={"available": 400})},
            [room(caches=("/data/b",))],
        ),
        ({"logs": LOGS, "caches": CACHES, "aside": ROOM.model_copy(update={"elsewhere": False})}, [room(LOG_PATHS)]),
        ({"logs": LOGS, "caches": CACHES}, [room(LOG_PATHS)]),
        ({"logs": LOGS, "caches": (Cache(path="/data/a", bytes=0),), "aside": ROOM}, [room(LOG_PATHS)]),
    ],
)
def test_propose(known: dict[str, Any], proposed: list[MakeRoom]) -> None:
    """Logs, then caches by size as far as they fit aside, then all of it together."""
    assert DiskFilling().propose(facts(**known)) == proposed


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({}, "95% full and no declared path could make room; nothing that can be seen is growing."),
        ({"growth": growing(3 * 1024 * 1024)}, "the largest growth is /data/x, 3.00 MiB/s."),
        ({"caches": CACHES, "aside": ROOM.model_copy(update={"available": 50})}, "no declared path could make room"),
    ],
)
def test_propose_escalates(known: dict[str, Any], reason: str) -> None:
    """Where no declared path helps, people are told how full it is and what grows."""
    proposed = DiskFilling().propose(facts(**known))
    assert isinstance(proposed, Escalate)
    assert proposed.reason.endswith(reason) or reason in proposed.reason


async def test_room_is_made_and_taken_back_in_reverse() -> None:
    """Undo brings back what apply took, the last first, and names the same files and caches."""
    do, both = FakeDo(), room(LOG_PATHS, ("/data/b", "/data/a"))
    await both.apply(do)
    await both.undo(do)
    touched = [
        (name, argument.files if "logs" in name else (argument.cache, argument.moved_key)) for name, argument in do.done
    ]
    assert touched == [
        ("compress_logs", LOG_PATHS),
        ("move_aside", ("/data/b", "m")),
        ("move_aside", ("/data/a", "m")),
        ("move_back", ("/data/a", "m")),
        ("move_back", ("/data/b", "m")),
        ("restore_logs", LOG_PATHS),
    ]
    assert all(argument.filesystem == DISK for _, argument in do.done)


@pytest.mark.parametrize(
    ("made", "steps"),
    [
        (room(LOG_PATHS), ["compress_logs", "restore_logs"]),
        (room(caches=("/data/a",)), ["move_aside", "move_back"]),
    ],
)
async def test_only_what_was_chosen_is_touched(made: MakeRoom, steps: list[str]) -> None:
    """Logs alone leave the caches alone, and the other way round."""
    do = FakeDo()
    await made.apply(do)
    await made.undo(do)
    assert do.steps == steps


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (room(("/data/log/x.log.9",)), True),
        (room(), False),
        (room(LOG_PATHS, ("/data/a",)), False),
        (room(caches=("/data/a",)), False),
    ],
)
def test_logs_that_rotated_meanwhile_are_the_same_remediation(other: MakeRoom, *, same: bool) -> None:
    """Which logs there are may change while a person thinks; whether it is logs, or which caches, may not."""
    assert room(LOG_PATHS).same(other) is same


def test_a_person_reads_what_is_touched() -> None:
    """The summary counts the logs and names each cache with its destination."""
    assert room(LOG_PATHS, ("/data/a",)).summary() == (
        "Make room in /data on local: compress 2 rotated logs, move the content of /data/a to /aside."
    )
