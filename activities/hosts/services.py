"""Services on hosts: what runs, which release is live, how many instances there are, and changing each of these."""

from datetime import timedelta

from activities.hosts.connection import Connections
from activities.hosts.once import run_once
from activities.hosts.pulse import attended
from activities.hosts.service_control import ask, ask_releases, command, link_release, restart
from activities.hosts.service_state import ServiceState, found_releases, service_state
from activities.hosts.shell import Ran, expected
from activities.step import changes, reads
from models.change import Change
from models.errors import GiveUpError, TryAgainError
from models.model import Model
from models.target import Service


class RestartService(Change):
    """Restart a service by ``commands.restart``, else by its unit."""

    service: Service


class ReloadService(Change):
    """Make a service read its configuration again by ``commands.reload``, else by its unit.

    Attributes:
        undo: run ``commands.reload_undo`` instead.
    """

    service: Service
    undo: bool = False

    @property
    def verb(self) -> str:
        """What is done, as the Temporal UI shows it."""
        return "undo the reload of" if self.undo else "reload"


class SetRelease(Change):
    """Make a release live, and restart the service.

    Attributes:
        release: name of a folder in ``releases.directory``.
    """

    service: Service
    release: str


class Released(Model):
    """Which release was live, and which is now."""

    before: str | None
    release: str


class ScaleService(Change):
    """Set the number of instances."""

    service: Service
    count: int


class Scaled(Model):
    """How many instances there were, and how many are now asked for."""

    before: int
    count: int


class ServiceActivities:
    """Reads and changes services."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    @reads("read {name} on {place}", heartbeat=timedelta(seconds=10))
    def read_service(self, service: Service) -> ServiceState:
        """Read all that is declared of a service, in one round trip.

        Raises:
            GiveUpError: what is declared is not there, or the host does not let us in.
            NotAllowedError: sudo refuses ``commands.status`` or ``scaling.read``.
            TryAgainError: the host does not answer.
        """
        with attended() as beat:
            return service_state(service, ask(self._connections.shell(service.host), service, beat))

    @changes("restart {service.name} on {service.place}")
    def restart_service(self, change: RestartService) -> Ran:
        """Restart a service, once for each key.

        Raises:
            GiveUpError: it declares no way to, or the command fails.
            UnknownEffectError: an earlier try began it and did not come to its end.
        """
        with attended() as beat:
            return restart(self._connections.shell(change.service.host), change.service, change.key, beat)

    @changes("{verb} {service.name} on {service.place}")
    def reload_service(self, change: ReloadService) -> Ran:
        """Reload a service's configuration, or undo that, once for each key.

        Raises:
            GiveUpError: it declares no way to, or the command fails.
            UnknownEffectError: an earlier try began it and did not come to its end.
        """
        service = change.service
        argv = command(service, "reload_undo" if change.undo else "reload")
        with attended() as beat:
            ran = run_once(self._connections.shell(service.host), service.host, change.key, argv, beat=beat)
            return expected(service.host, argv, ran)

    @changes("make {release} the release of {service.name} on {service.place}", timeout=timedelta(minutes=10))
    def set_release(self, change: SetRelease) -> Released:
        """Make a release live and restart the service, each once for a key; the link is never absent meanwhile.

        Raises:
            GiveUpError: no releases are declared, there is no such release, or a command fails.
            UnknownEffectError: an earlier try began the restart and did not come to its end.
        """
        service, release = change.service, change.release
        if service.releases is None:
            raise GiveUpError(f"service {service.name!r} has no releases to choose from: declare releases")
        command(service, "restart")  # without one, the link must stay as it is
        with attended() as beat:
            shell = self._connections.shell(service.host)
            found = found_releases(service, service.releases, ask_releases(shell, service, service.releases, beat))
            if release not in found.names:
                raise GiveUpError(
                    f"{release!r} is no release of service {service.name!r}: "
                    f"{service.releases.directory!r} holds {', '.join(found.names) or 'none'}"
                )
            if found.live != release:
                link_release(shell, service, found, release, key=f"{change.key}:link", beat=beat)
            restart(shell, service, f"{change.key}:restart", beat)
        return Released(before=found.live, release=release)

    @changes("scale {service.name} on {service.place} to {count}")
    def scale_service(self, change: ScaleService) -> Scaled:
        """Set the number of instances within the declared bounds, once for each key; nothing if it is so already.

        Raises:
            GiveUpError: no scaling is declared, the number is out of bounds, or the command fails.
            TryAgainError: the present number cannot be read.
            UnknownEffectError: an earlier try began it and did not come to its end.
        """
        service, count = change.service, change.count
        if service.scaling is None:
            raise GiveUpError(f"service {service.name!r} cannot be scaled: declare scaling with read and set")
        scaling = service.scaling
        if not scaling.min <= count <= scaling.max:
            raise GiveUpError(
                f"service {service.name!r} is to have {scaling.min} to {scaling.max} instances, not {count}: "
                "raise scaling.max, or ask for less"
            )
        with attended() as beat:
            shell = self._connections.shell(service.host)
            before = service_state(service, ask(shell, service, beat)).instances
            if before is None:
                raise TryAgainError(
                    f"scaling.read of service {service.name!r} on host {service.place!r} printed no number: try it"
                )
            if before != count:
                argv = tuple(str(count) if word == "{count}" else word for word in scaling.set)
                expected(service.host, argv, run_once(shell, service.host, change.key, argv, beat=beat))
        return Scaled(before=before, count=count)
