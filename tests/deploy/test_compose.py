"""docker-compose.yml against the schema of compose files and against what our code and the images really take.

`compose-spec.json` is ``schema/compose-spec.json`` of the Go module github.com/compose-spec/compose-go/v2, version
2.16.2: the Compose Specification, copyright 2020 The Compose Specification Authors, Apache License 2.0.
"""

import json
import re
from pathlib import Path

import pytest
import typer
import yaml
from jsonschema import Draft202012Validator
from temporalio.envconfig import ClientConfigProfile

from gateway.serve import DRAIN_SECONDS
from tests.deploy.compose import COMPOSE, OURS, ROOT, read_compose, seconds
from worker.cli.app import app
from worker.settings import Settings

SCHEMA = Path(__file__).with_name("compose-spec.json")
SPEC = read_compose()
SERVICES = list(SPEC.services)

TAKEN = {
    # docker-entrypoint.sh of the image.
    "postgres": {"POSTGRES_USER", "POSTGRES_PASSWORD_FILE"},
    # tools/sql/main.go of Temporal 1.29; the last is our script's own.
    "temporal-schema": {"SQL_PLUGIN", "SQL_HOST", "SQL_PORT", "SQL_USER", "SQL_PASSWORD_FILE"},
    # docker/config_template.yaml of Temporal 1.29.
    "temporal": {
        "DB",
        "DB_PORT",
        "POSTGRES_SEEDS",
        "POSTGRES_USER",
        "BIND_ON_IP",
        "TEMPORAL_BROADCAST_ADDRESS",
        "NUM_HISTORY_SHARDS",
        "DYNAMIC_CONFIG_FILE_PATH",
    },
    # The `temporal` program; the last is our script's own.
    "temporal-setup": {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "RETENTION"},
    # config/docker.yaml of the Temporal UI 2.42.
    "temporal-ui": {"TEMPORAL_ADDRESS", "TEMPORAL_CSRF_COOKIE_INSECURE", "TEMPORAL_NOTIFY_ON_NEW_VERSION"},
}
LISTENS = {"temporal": 7233, "temporal-ui": 8080, "postgres": 5432}
HOSTS = ("TEMPORAL_ADDRESS", "POSTGRES_SEEDS", "SQL_HOST")


def settings_of(name: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that the process of a service of ours will have."""
    for variable, value in SPEC.services[name].environment.items():
        monkeypatch.setenv(variable, value)
    return Settings()


def test_schema() -> None:
    """The file is valid by the Compose Specification's own schema."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)

    wrong = Draft202012Validator(schema).iter_errors(yaml.safe_load(COMPOSE.read_text(encoding="utf-8")))

    assert [f"{error.json_path}: {error.message}" for error in wrong] == []


def test_variables_of_the_file_have_defaults() -> None:
    """It starts without any variable set: each has a default, and nothing else begins with a dollar sign."""
    text = COMPOSE.read_text(encoding="utf-8")

    assert re.findall(r"\$(?!\$|\{[A-Z_]+:-)", text.replace("$$", "")) == []


@pytest.mark.parametrize("name", OURS)
def test_commands(name: str) -> None:
    """The command of each service of ours is a command of the command line, with options that it takes."""
    service = SPEC.services[name]
    group = typer.main.get_command(app)

    assert isinstance(group, typer.core.TyperGroup)
    assert service.entrypoint == []
    verb, *arguments = service.command
    group.commands[verb].make_context(verb, arguments)


@pytest.mark.parametrize("name", OURS)
def test_our_variables(name: str) -> None:
    """Each variable of a service of ours is a setting, or one that Temporal's own client configuration reads."""
    nothing = ClientConfigProfile.load(override_env_vars={}, disable_file=True)

    for variable, value in SPEC.services[name].environment.items():
        if variable.startswith("SELFHEAL_"):
            assert variable.removeprefix("SELFHEAL_").lower() in Settings.model_fields
        else:
            assert ClientConfigProfile.load(override_env_vars={variable: value}, disable_file=True) != nothing


@pytest.mark.parametrize("name", OURS)
def test_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings are good, and the policies are where the settings look for them."""
    given = settings_of(name, monkeypatch)

    assert str(given.policies) in {mount.target for mount in SPEC.services[name].mounts}


def test_every_service_is_known() -> None:
    """Each service is one of ours, or one whose variables are written down here."""
    assert {*TAKEN, *OURS} == set(SERVICES)


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_variables_of_images(name: str) -> None:
    """The other images get no variable that they do not read."""
    assert set(SPEC.services[name].environment) <= TAKEN[name]


def test_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each port that is published is one on which the process listens, on every address of its container."""
    gateway = settings_of("gateway", monkeypatch)
    listens = LISTENS | {"gateway": gateway.gateway_port}

    published = {name: port.target for name, service in SPEC.services.items() for port in service.published}

    assert published == {name: listens[name] for name in ("temporal", "temporal-ui", "gateway")}
    assert gateway.gateway_host == SPEC.services["temporal"].environment["BIND_ON_IP"] == "0.0.0.0"


def test_published_on_loopback() -> None:
    """Nothing is published but on loopback, no port twice, and the database not at all."""
    ports = [port for service in SPEC.services.values() for port in service.published]

    assert {port.address for port in ports} == {"127.0.0.1"}
    assert len({port.published for port in ports}) == len(ports) == 3
    assert SPEC.services["postgres"].ports == []


def test_one_namespace() -> None:
    """Gateway and worker use the namespace that the set-up makes, on the same server."""
    used = {
        (spec.environment["TEMPORAL_ADDRESS"], spec.environment["TEMPORAL_NAMESPACE"])
        for name, spec in SPEC.services.items()
        if name in (*OURS, "temporal-setup")
    }

    assert used == {("temporal:7233", "default")}


def test_services_reach_each_other() -> None:
    """Who names another service as a host shares a network with it, asks its port, and waits until it is healthy."""
    for name, service in SPEC.services.items():
        for variable in set(HOSTS) & set(service.environment):
            host, _, port = service.environment[variable].partition(":")
            assert set(service.networks) & set(SPEC.services[host].networks), f"{name} cannot reach {host}"
            asked = port or service.environment.get("SQL_PORT") or service.environment["DB_PORT"]
            assert int(asked) == LISTENS[host]
            assert service.depends_on[host].condition == "service_healthy"


def test_database_apart() -> None:
    """Only Temporal and its schema tool are on the database's network, from which nothing leads out."""
    inside = {name for name, service in SPEC.services.items() if "database" in service.networks}

    assert inside == {"postgres", "temporal-schema", "temporal"}
    assert SPEC.networks == {"database": {"internal": True}}


@pytest.mark.parametrize("name", SERVICES)
def test_mounts(name: str) -> None:
    """Each file that is mounted exists and cannot be written to; each volume is declared."""
    for mount in SPEC.services[name].mounts:
        if mount.is_file:
            assert (ROOT / mount.source).is_file()
            assert mount.mode == "ro"
        else:
            assert mount.source in SPEC.volumes


def test_volumes() -> None:
    """Each declared volume is used by one service."""
    used = [mount.source for service in SPEC.services.values() for mount in service.mounts if not mount.is_file]

    assert sorted(used) == sorted(SPEC.volumes)


@pytest.mark.parametrize("name", SERVICES)
def test_mounted_paths(name: str) -> None:
    """What a command or a variable names in the container's /etc/selfheal is mounted there."""
    service = SPEC.services[name]
    words = " ".join([*service.entrypoint, *service.command, *service.environment.values()])

    assert set(re.findall(r"/etc/selfheal/[\w.-]+", words)) <= {mount.target for mount in service.mounts}


def test_secrets() -> None:
    """Each secret that is read is given to the service and declared; no password stands in the file."""
    for service in SPEC.services.values():
        words = " ".join([*service.entrypoint, *service.command, *service.environment.values()])
        read = set(re.findall(r"/run/secrets/(\w+)", words))
        assert read == set(service.secrets)
        assert read <= set(SPEC.secrets)
    for name in TAKEN:
        plain = {v for v in SPEC.services[name].environment if re.search(r"PWD$|PASSWORD$|TOKEN|SECRET|KEY$", v)}
        assert plain == set()


def test_secret_files_are_not_committed() -> None:
    """Secrets lie in a folder of which git takes nothing, and which the image's build never sees."""
    for secret in SPEC.secrets.values():
        folder = (ROOT / secret.file).parent
        assert (folder / ".gitignore").read_text(encoding="utf-8").split() == ["*", "!.gitignore"]


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    """Each image has the tag of one version."""
    _, _, tag = SPEC.services[name].image.partition(":")

    assert re.match(r"\d+\.\d+", tag)


def test_our_image() -> None:
    """Our services share one image, which one of them builds, with the version of the package."""
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)

    assert version
    assert {service.image for service in SPEC.ours.values()} == {f"selfheal:{version[1]}"}
    built = [service.build for service in SPEC.services.values() if service.build]
    assert [(build.context, (ROOT / build.dockerfile).exists()) for build in built] == [(".", True)]


@pytest.mark.parametrize("name", OURS)
def test_hardened(name: str) -> None:
    """Our containers cannot write to their root, gain rights or keep any."""
    service = SPEC.services[name]

    assert service.read_only
    assert service.init
    assert service.cap_drop == ["ALL"]
    assert service.security_opt == ["no-new-privileges:true"]


def test_order() -> None:
    """What is waited for to be healthy has a health check, what is waited for to end is not started anew for ever."""
    for service in SPEC.services.values():
        for name, dependency in service.depends_on.items():
            other = SPEC.services[name]
            if dependency.condition == "service_healthy":
                assert other.healthcheck
                assert other.restart == "unless-stopped"
            else:
                assert dependency.condition == "service_completed_successfully"
                assert other.restart.startswith("on-failure")
    for service in SPEC.ours.values():
        assert service.depends_on["temporal-setup"].condition == "service_completed_successfully"


@pytest.mark.parametrize("name", OURS)
def test_time_to_drain(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that is stopped gets longer than its process takes to drain."""
    needed = {"gateway": float(DRAIN_SECONDS), "worker": settings_of("worker", monkeypatch).drain}[name]

    assert seconds(SPEC.services[name].stop_grace_period) > needed + 10
