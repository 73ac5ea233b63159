"""Targets: the things to heal, each with what its owner declared about it."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from models.durations import Duration
from models.host import LOCAL, AbsolutePath, Command, Host, Name
from models.model import Declared


def _known(value: object) -> object:
    if isinstance(value, str):
        raise ValueError(f"no host named {value!r} is declared: add it to hosts, or leave host out for this machine")  # noqa: TRY004
    return value


OnHost = Annotated[Host, BeforeValidator(_known), WithJsonSchema({"type": "string", "title": "Name of a host"})]
"""A host, written as its name in the policy file and resolved when that is loaded."""


class HttpProbe(Declared):
    """An HTTP health check with the fields and defaults of a Kubernetes liveness probe.

    Attributes:
        address: where to connect; none means the host's address.
        initial_delay: how long a watch waits before its first probe.
        failure_threshold: failures in a row that make a healthy target unhealthy; success_threshold the reverse.
    """

    path: str = Field(default="/healthz", pattern=r"^/[^\s]*$")
    port: int = Field(ge=1, le=65535)
    scheme: Literal["http", "https"] = "http"
    address: str | None = None
    initial_delay: Duration = Field(default="0s", validate_default=True)
    period: Duration = Field(default="10s", validate_default=True)
    timeout: Duration = Field(default="1s", validate_default=True)
    failure_threshold: int = Field(default=3, ge=1)
    success_threshold: int = Field(default=1, ge=1)

    def url(self, host: Host) -> str:
        """The address to ask, on this host unless the probe names another."""
        where = self.address or host.address or "127.0.0.1"
        return f"{self.scheme}://{f'[{where}]' if ':' in where else where}:{self.port}{self.path}"


class Commands(Declared):
    """How a service is driven, each an argument list run on its host.

    Attributes:
        status: exits 0 while the service runs.
        reload_undo: puts back what ``reload`` changed, where that is possible.
    """

    restart: Command | None = None
    reload: Command | None = None
    reload_undo: Command | None = None
    status: Command | None = None


class Releases(Declared):
    """Releases as folders beside each other, one of them live through a symbolic link."""

    directory: AbsolutePath
    current: AbsolutePath


class Scaling(Declared):
    """How a service's number of instances is read and set.

    Attributes:
        read: prints the number of instances.
        set: sets it; the argument ``{count}`` is replaced by the number, which is all that is ever put in.
    """

    read: Command
    set: Command
    min: int = Field(default=1, ge=0)
    max: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _count_has_a_place(self) -> "Scaling":
        if self.set.count("{count}") != 1:
            raise ValueError("set needs exactly one argument that is '{count}'")
        return self


class Metrics(Declared):
    """Where a service's error rate, latency and availability are read: a Prometheus, or by asking the service itself.

    Attributes:
        prometheus: base address of a Prometheus; the queries below are PromQL that yields one number.
        error_rate: requests that failed, 0 to 1. latency_p95: seconds. availability: 0 to 1.
        sample: a path of the service to ask instead; the three are then measured on `requests` requests.
    """

    prometheus: str | None = Field(default=None, pattern=r"^https?://")
    error_rate: str | None = None
    latency_p95: str | None = None
    availability: str | None = None
    sample: str | None = Field(default=None, pattern=r"^/[^\s]*$")
    requests: int = Field(default=40, ge=1, le=1000)

    @model_validator(mode="after")
    def _one_source(self) -> "Metrics":
        if (self.prometheus is None) == (self.sample is None):
            raise ValueError("give either prometheus with its queries, or sample")
        if self.prometheus and not (self.error_rate or self.latency_p95 or self.availability):
            raise ValueError("prometheus needs at least one query: error_rate, latency_p95 or availability")
        return self


class Service(Declared):
    """A service on a host: what runs it, how its health is asked, where its releases are."""

    kind: Literal["service"] = "service"
    name: Name
    host: OnHost = LOCAL
    unit: str | None = Field(default=None, pattern=r"^[A-Za-z0-9:_.\\@-]+$")
    commands: Commands = Commands()
    health: HttpProbe | None = None
    watch: bool = True
    releases: Releases | None = None
    scaling: Scaling | None = None
    metrics: Metrics | None = None

    _VERBS: ClassVar[dict[str, tuple[str, ...]]] = {
        "restart": ("systemctl", "restart"),
        "reload": ("systemctl", "reload"),
        "status": ("systemctl", "is-active", "--quiet"),
    }

    @model_validator(mode="after")
    def _can_be_seen(self) -> "Service":
        if not (self.unit or self.health or self.commands.status):
            raise ValueError(f"service {self.name!r} cannot be seen: give it health, a unit or commands.status")
        return self

    def command(self, verb: str) -> tuple[str, ...] | None:
        """The argument list for restart, reload, reload_undo or status: as declared, else systemd's, else none."""
        declared: tuple[str, ...] | None = getattr(self.commands, verb)
        if declared or self.unit is None or verb not in self._VERBS:
            return declared
        return (*self._VERBS[verb], "--", self.unit)

    @property
    def place(self) -> str:
        """The host's name."""
        return self.host.name

    @property
    def id(self) -> str:
        """What tells this target from every other."""
        return f"{self.kind}:{self.place}/{self.name}"


class Filesystem(Declared):
    """A file system on a host, with the paths in which room may be made. Nothing outside them is ever touched.

    Attributes:
        mount: where it is mounted.
        logs: folders whose rotated logs may be compressed.
        caches: folders whose content may be moved aside.
        aside: folder on another file system that the content of caches is moved to.
        full: used share, 0 to 1, from which it is unhealthy; room is made until it is below `enough`.
    """

    kind: Literal["filesystem"] = "filesystem"
    mount: AbsolutePath
    host: OnHost = LOCAL
    logs: tuple[AbsolutePath, ...] = ()
    caches: tuple[AbsolutePath, ...] = ()
    aside: AbsolutePath | None = None
    full: float = Field(default=0.90, gt=0, le=1)
    enough: float = Field(default=0.85, gt=0, le=1)

    @model_validator(mode="after")
    def _paths_are_inside(self) -> "Filesystem":
        root = self.mount.rstrip("/") + "/"
        for path in (*self.logs, *self.caches):
            if not f"{path}/".startswith(root) or f"{path}/" == root:
                raise ValueError(f"{path!r} is not inside {self.mount!r}: declare only folders of this file system")
        if self.caches and self.aside is None:
            raise ValueError("caches need aside: a folder on another file system to move their content to")
        if self.enough > self.full:
            raise ValueError(f"enough ({self.enough}) must not be above full ({self.full})")
        return self

    @property
    def name(self) -> str:
        """The mount point."""
        return self.mount

    @property
    def place(self) -> str:
        """The host's name."""
        return self.host.name

    @property
    def id(self) -> str:
        """What tells this target from every other."""
        return f"{self.kind}:{self.place}{self.mount}"


Target = Annotated[Service | Filesystem, Field(discriminator="kind")]
"""Anything that can be healed."""
