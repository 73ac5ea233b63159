"""A file system fills up: compress rotated logs, move caches aside; never outside the declared paths."""

import hashlib
from datetime import timedelta
from typing import ClassVar

from activities.hosts.filesystem_state import FilesystemState
from selfheal import (
    Case,
    CompressLogs,
    Do,
    Escalate,
    Facts,
    Filesystem,
    FilesystemActivities,
    MoveAside,
    MoveBack,
    Outcome,
    Remediation,
    RestoreLogs,
    Risk,
    Runbook,
    Verdict,
    Verification,
    workflow,
)

_SOON = timedelta(hours=1)
_MIB = 1024 * 1024


class DiskFacts(Facts):
    """A file system and what fills it.

    Attributes:
        moved: a name that is this execution's own, for what is moved aside.
    """

    filesystem: Filesystem
    state: FilesystemState
    moved: str

    def full_in(self) -> timedelta | None:
        """When it is full if what grows goes on growing; None when nothing does."""
        per_second = sum(growth.per_second for growth in self.state.growth)
        return timedelta(seconds=min(self.state.available / per_second, 1e9)) if per_second > 0 else None

    def culprit(self) -> str:
        """The largest growth, in words."""
        if not self.state.growth:
            return "nothing that can be seen is growing"
        most = self.state.growth[0]
        return f"the largest growth is {most.path}, {most.per_second / _MIB:.2f} MiB/s"


class MakeRoom(Remediation):
    """Compress rotated logs and move caches aside."""

    risk: ClassVar[Risk] = Risk.LOW
    filesystem: Filesystem
    logs: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    moved: str

    async def apply(self, do: Do) -> None:
        """Make the room."""
        if self.logs:
            await do(FilesystemActivities.compress_logs, CompressLogs(filesystem=self.filesystem, files=self.logs))
        for cache in self.caches:
            await do(
                FilesystemActivities.move_aside,
                MoveAside(filesystem=self.filesystem, cache=cache, moved_key=self.moved),
            )

    async def undo(self, do: Do) -> None:
        """Logs are unpacked and caches are moved back."""
        for cache in reversed(self.caches):
            await do(
                FilesystemActivities.move_back, MoveBack(filesystem=self.filesystem, cache=cache, moved_key=self.moved)
            )
        if self.logs:
            await do(FilesystemActivities.restore_logs, RestoreLogs(filesystem=self.filesystem, files=self.logs))

    def summary(self) -> str:
        """Name what is touched."""
        parts = [f"compress {len(self.logs)} rotated logs"] if self.logs else []
        parts += [f"move the content of {cache} to {self.filesystem.aside}" for cache in self.caches]
        return f"Make room in {self.filesystem.mount} on {self.filesystem.place}: {', '.join(parts)}."

    def same(self, other: Remediation) -> bool:
        """Logs rotate while a person thinks: another list of them is not another remediation."""
        return isinstance(other, MakeRoom) and (self.filesystem, self.caches, bool(self.logs)) == (
            other.filesystem,
            other.caches,
            bool(other.logs),
        )


@workflow.defn
class DiskFilling(Runbook[Filesystem, DiskFacts]):
    """A file system is nearly full, or will be soon."""

    handles = ("DiskFilling", "NodeFilesystemSpaceFillingUp", "NodeFilesystemAlmostOutOfSpace")
    verification = Verification(within=timedelta(minutes=1), settle=timedelta(0), every=timedelta(seconds=10))

    @workflow.run
    async def run(self, case: Case[Filesystem]) -> Outcome:
        """Heal it."""
        return await self.heal(case)

    async def diagnose(self, case: Case[Filesystem]) -> DiskFacts:
        """Read what is used, what grows, and what could make room."""
        return DiskFacts(
            filesystem=case.target,
            state=await self.do(FilesystemActivities.read_filesystem, case.target),
            moved=hashlib.sha256(workflow.info().workflow_id.encode()).hexdigest()[:16],
        )

    def propose(self, facts: DiskFacts) -> list[Remediation] | Escalate:
        """Logs first, then caches, the largest first, then all of it together."""
        filesystem, state = facts.filesystem, facts.state
        where = f"{filesystem.mount} on {filesystem.place} is {state.used_share:.0%} full"
        if not state.mounted:
            return Escalate(reason=f"{filesystem.mount} on {filesystem.place} is not mounted.")
        logs = tuple(log.path for log in state.logs)
        room = state.aside.available if state.aside and state.aside.elsewhere else 0
        caches = []
        for cache in sorted(state.caches, key=lambda cache: cache.bytes, reverse=True):
            if 0 < cache.bytes < room:
                caches.append(cache.path)
                room -= cache.bytes
        choices: list[tuple[tuple[str, ...], tuple[str, ...]]] = [(logs, ())] if logs else []
        choices += [((), (cache,)) for cache in caches]
        if len(choices) > 1:
            choices.append((logs, tuple(caches)))
        if not choices:
            return Escalate(reason=f"{where} and no declared path could make room; {facts.culprit()}.")
        return [
            MakeRoom(filesystem=filesystem, logs=logs, caches=chosen, moved=facts.moved) for logs, chosen in choices
        ]

    def verify(self, facts: DiskFacts) -> Verdict:
        """Well below the limit, or below it and not on the way there."""
        share, full_in = facts.state.used_share, facts.full_in()
        if not facts.state.mounted:
            return Verdict.INCONCLUSIVE
        filling = share >= facts.filesystem.enough and full_in is not None and full_in < _SOON
        return Verdict.UNHEALTHY if share >= facts.filesystem.full or filling else Verdict.HEALTHY
