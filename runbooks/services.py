"""What runbooks for services share: one look, and the remediations that several of them offer."""

from typing import ClassVar

from activities.http import ProbeReading
from selfheal import (
    Do,
    HttpActivities,
    ReloadService,
    Remediation,
    RestartService,
    Risk,
    ScaleService,
    Service,
    ServiceActivities,
    SetRelease,
)


async def answer(do: Do, service: Service) -> ProbeReading | None:
    """What a service's health endpoint says; None when it declares none."""
    return await do(HttpActivities.probe_service, service) if service.health else None


class Reload(Remediation):
    """Reload a service's configuration."""

    risk: ClassVar[Risk] = Risk.LOW
    service: Service

    async def apply(self, do: Do) -> None:
        """Reload it."""
        await do(ServiceActivities.reload_service, ReloadService(service=self.service))

    async def undo(self, do: Do) -> None:
        """Put back what the reload changed."""
        await do(ServiceActivities.reload_service, ReloadService(service=self.service, undo=True))

    def summary(self) -> str:
        """Name the service."""
        return f"Reload {self.service.name} on {self.service.place}."

    def undo_summary(self) -> str:
        """A reload can be taken back only where the service declares how."""
        return "What the reload changed is put back." if self.service.command("reload_undo") else ""


class Restart(Remediation):
    """Restart a service."""

    risk: ClassVar[Risk] = Risk.MEDIUM
    service: Service

    async def apply(self, do: Do) -> None:
        """Restart it, once."""
        await do(ServiceActivities.restart_service, RestartService(service=self.service))

    def summary(self) -> str:
        """Name the service."""
        return f"Restart {self.service.name} on {self.service.place}."


class ReturnToRelease(Remediation):
    """Make an earlier release of a service live again."""

    risk: ClassVar[Risk] = Risk.MEDIUM
    service: Service
    release: str
    release_now: str

    async def apply(self, do: Do) -> None:
        """Make the earlier release live and restart the service."""
        await do(ServiceActivities.set_release, SetRelease(service=self.service, release=self.release))

    async def undo(self, do: Do) -> None:
        """The release that is live now becomes live again."""
        await do(ServiceActivities.set_release, SetRelease(service=self.service, release=self.release_now))

    def summary(self) -> str:
        """Name both releases."""
        return f"Return {self.service.name} on {self.service.place} from release {self.release_now} to {self.release}."


class Scale(Remediation):
    """Change a service's number of instances."""

    risk: ClassVar[Risk] = Risk.MEDIUM
    service: Service
    count: int
    count_now: int

    async def apply(self, do: Do) -> None:
        """Set the number."""
        await do(ServiceActivities.scale_service, ScaleService(service=self.service, count=self.count))

    async def undo(self, do: Do) -> None:
        """The number of now is set again."""
        await do(ServiceActivities.scale_service, ScaleService(service=self.service, count=self.count_now))

    def summary(self) -> str:
        """Name both numbers."""
        return f"Scale {self.service.name} on {self.service.place} from {self.count_now} to {self.count}."
