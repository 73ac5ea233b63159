"""A hand-written world for the built-in runbooks: services and file systems that one certain change cures."""

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.health import Seen, WatchFor
from activities.hosts.filesystem_state import Aside, Cache, FilesystemState, Growth, RotatedLog
from activities.hosts.filesystems import (
    CompressLogs,
    LogsChanged,
    MoveAside,
    MoveBack,
    MovedAside,
    MovedBack,
    RestoreLogs,
)
from activities.hosts.service_state import ServiceState, UnitState
from activities.hosts.services import Released, ReloadService, RestartService, Scaled, ScaleService, SetRelease
from activities.hosts.shell import Ran
from activities.http import ProbeReading, Sample
from activities.intake import RaiseAlert
from activities.notifications import Notice
from activities.prometheus import Signals
from models.admission import Admission
from models.target import Filesystem, Service

DONE = Ran(code=0)


class Patient:
    """A target.

    Args:
        cure: the effect that makes it well, such as ``restart`` or ``release 1``; none does when it is empty.
        stopped: somebody switched its unit off.
        seen: what its watch sees, one after the other.
    """

    def __init__(self, *, cure: str = "", stopped: bool = False, seen: tuple[Seen, ...] = ()) -> None:
        self.cure = cure
        self.stopped = stopped
        self.well = False
        self.release, self.before = "2", "1"
        self.instances = 3
        self.effects: list[str] = []
        self.seen = list(seen)

    def suffer(self, effect: str) -> None:
        """Something is done to it."""
        self.effects.append(effect)
        self.well = self.well or effect == self.cure


class Ward:
    """All of them by name, and the hands that treat them, under the names that the real ones have."""

    def __init__(self) -> None:
        self.patients: dict[str, Patient] = {}

    @activity.defn
    async def read_service(self, service: Service) -> ServiceState:
        """How it is."""
        patient = self.patients[service.name]
        unit = UnitState(load="loaded", active="inactive", file="disabled") if patient.stopped else None
        return ServiceState(
            running=not patient.stopped,
            unit=unit,
            releases=("1", "2"),
            release=patient.release,
            release_before="1" if patient.release == "2" else None,
            released_at=datetime.now(UTC) - timedelta(hours=1),
            instances=patient.instances,
        )

    @activity.defn
    async def probe_service(self, service: Service) -> ProbeReading:
        """Ask it."""
        well = self.patients[service.name].well
        return ProbeReading(url="http://shop:8080/healthz", healthy=well, status=200 if well else 503, milliseconds=2)

    @activity.defn
    async def sample_service(self, service: Service) -> Sample:
        """Measure it."""
        well = self.patients[service.name].well
        return Sample(requests=50, error_rate=0.0 if well else 0.4, availability=1.0, latency_p95=0.1)

    @activity.defn
    async def read_signals(self, service: Service) -> Signals:
        """Read its metrics."""
        return Signals(error_rate=0.0 if self.patients[service.name].well else 0.4)

    @activity.defn
    async def reload_service(self, change: ReloadService) -> Ran:
        """Reload it."""
        self.patients[change.service.name].suffer("unreload" if change.undo else "reload")
        return DONE

    @activity.defn
    async def restart_service(self, change: RestartService) -> Ran:
        """Restart it."""
        self.patients[change.service.name].suffer("restart")
        return DONE

    @activity.defn
    async def set_release(self, change: SetRelease) -> Released:
        """Make a release live."""
        patient = self.patients[change.service.name]
        before, patient.release = patient.release, change.release
        patient.suffer(f"release {change.release}")
        return Released(before=before, release=change.release)

    @activity.defn
    async def scale_service(self, change: ScaleService) -> Scaled:
        """Scale it."""
        patient = self.patients[change.service.name]
        before, patient.instances = patient.instances, change.count
        patient.suffer(f"scale {change.count}")
        return Scaled(before=before, count=change.count)

    @activity.defn
    async def read_filesystem(self, filesystem: Filesystem) -> FilesystemState:
        """How full it is."""
        used = 500 if self.patients[filesystem.mount].well else 950
        return FilesystemState(
            size=1000,
            used=used,
            available=1000 - used,
            mounted=True,
            logs=tuple(RotatedLog(path=f"{folder}/shop.log.1", bytes=100) for folder in filesystem.logs),
            caches=tuple(Cache(path=folder, bytes=200) for folder in filesystem.caches),
            growth=(Growth(path="/data/spool", bytes=300, per_second=0.5),),
            aside=Aside(path=filesystem.aside, available=900, elsewhere=True) if filesystem.aside else None,
        )

    @activity.defn
    async def compress_logs(self, change: CompressLogs) -> LogsChanged:
        """Pack logs."""
        self.patients[change.filesystem.mount].suffer("compress")
        return LogsChanged(files=change.files, skipped=(), bytes=90)

    @activity.defn
    async def restore_logs(self, change: RestoreLogs) -> LogsChanged:
        """Unpack logs."""
        self.patients[change.filesystem.mount].suffer("restore")
        return LogsChanged(files=change.files, skipped=(), bytes=90)

    @activity.defn
    async def move_aside(self, change: MoveAside) -> MovedAside:
        """Move a cache."""
        self.patients[change.filesystem.mount].suffer("aside")
        return MovedAside(path=f"/aside/{change.moved_key}", bytes=200)

    @activity.defn
    async def move_back(self, change: MoveBack) -> MovedBack:
        """Move it back."""
        self.patients[change.filesystem.mount].suffer("back")
        return MovedBack()

    @activity.defn
    async def send_notice(self, notice: Notice) -> None:
        """Tell nobody."""

    @activity.defn
    async def watch_health(self, watch: WatchFor) -> Seen:
        """What its watch sees next; after the last nothing more."""
        patient = self.patients[watch.service.name]
        while not patient.seen:
            activity.heartbeat()
            await asyncio.sleep(0.05)
        return patient.seen.pop(0)

    @activity.defn
    async def raise_alert(self, change: RaiseAlert) -> list[Admission]:
        """Hand the alert to nobody."""
        self.patients[change.alert.labels["service"]].suffer(f"raised {change.alert.status}")
        return []
