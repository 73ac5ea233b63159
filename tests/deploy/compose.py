"""What docker-compose.yml, deploy/Dockerfile and .dockerignore say, read as far as the tests ask."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel, Field

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
OURS = ("gateway", "worker")

_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Z_]+):-([^}]*)\})")


class Port(BaseModel):
    """A published port."""

    address: str
    published: int
    target: int


class Mount(BaseModel):
    """A file, folder or volume in a container.

    Attributes:
        source: on the host where it begins with ``./``, else a volume's name.
    """

    source: str
    target: str
    mode: str = "rw"

    @property
    def is_file(self) -> bool:
        """Whether it comes from the host."""
        return self.source.startswith((".", "/"))


class Build(BaseModel):
    """How an image is built."""

    context: str
    dockerfile: str


class HealthCheck(BaseModel):
    """How a container's health is asked."""

    test: list[str]


class Dependency(BaseModel):
    """What another service must be before this one starts."""

    condition: str


class Service(BaseModel):
    """One service, in the short forms that our file uses."""

    image: str
    build: Build | None = None
    entrypoint: list[str] = Field(default_factory=list)
    command: list[str] = Field(default_factory=list)
    environment: dict[str, str] = Field(default_factory=dict)
    volumes: list[str] = Field(default_factory=list)
    ports: list[str] = Field(default_factory=list)
    secrets: list[str] = Field(default_factory=list)
    networks: list[str] = Field(default_factory=lambda: ["default"])
    healthcheck: HealthCheck | None = None
    depends_on: dict[str, Dependency] = Field(default_factory=dict)
    restart: str = "no"
    read_only: bool = False
    cap_drop: list[str] = Field(default_factory=list)
    security_opt: list[str] = Field(default_factory=list)
    init: bool = False
    stop_grace_period: str = "10s"

    @property
    def mounts(self) -> list[Mount]:
        """Its volumes, taken apart."""
        return [
            Mount(**dict(zip(("source", "target", "mode"), volume.split(":"), strict=False))) for volume in self.volumes
        ]

    @property
    def published(self) -> list[Port]:
        """Its ports, taken apart."""
        parts = [port.split(":") for port in self.ports]
        return [
            Port(address=address, published=int(published), target=int(target)) for address, published, target in parts
        ]


class SecretFile(BaseModel):
    """A secret that is a file on the host."""

    file: str


class Compose(BaseModel):
    """The whole file."""

    services: dict[str, Service]
    volumes: dict[str, None]
    networks: dict[str, dict[str, bool]]
    secrets: dict[str, SecretFile]

    @property
    def ours(self) -> dict[str, Service]:
        """The services that run our own code."""
        return {name: self.services[name] for name in OURS}


def read_compose() -> Compose:
    """The file, with each ``${NAME:-default}`` replaced by its default and each ``$$`` by ``$``."""
    text = _VARIABLE.sub(lambda found: "$" if found[1] else found[3], COMPOSE.read_text(encoding="utf-8"))
    return Compose.model_validate(yaml.safe_load(text))


def seconds(duration: str) -> int:
    """The seconds of ``1m`` or ``30s``."""
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]


def instructions(dockerfile: Path) -> Iterator[tuple[str, str]]:
    """Each instruction of a Dockerfile with its arguments, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            name, _, arguments = line.partition(" ")
            yield name.upper(), arguments.strip()


def in_context(path: str, ignore: Path = ROOT / ".dockerignore") -> bool:
    """Whether a file of the repository is sent to the image's build: the last line that fits it decides."""
    there = True
    for line in ignore.read_text(encoding="utf-8").splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            kept = pattern.startswith("!")
            if re.fullmatch(f"{_expression(pattern.removeprefix('!'))}(/.*)?", path):
                there = kept
    return there


def _expression(pattern: str) -> str:
    """The regular expression of a pattern of .dockerignore: ``**/`` is any folders, ``*`` anything in a name."""
    known = {"**/": "(.*/)?", "*": "[^/]*"}
    return "".join(known.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*)", pattern))
