"""The tables of docs/deployment.md against what they tell of."""

import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined
from temporalio.envconfig import ClientConfigProfile

from gateway.sources import SOURCES
from tests.deploy.compose import ROOT, read_compose
from tests.deploy.walkthrough import DOCS
from worker.process import _DEFAULT_POLICIES
from worker.settings import Settings

TEXT = DOCS.read_text(encoding="utf-8")
SERVICES = read_compose().services


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the table under that heading by their first cell, the other cells without code marks."""
    part = TEXT.partition(f"# {heading}\n")[2]
    rows = re.findall(r"^\| (.*)\|$", part.partition("\n#")[0], re.MULTILINE)
    cells = [[cell.strip() for cell in row.split("|")] for row in rows[1:]]
    return {first.strip("`"): rest for first, *rest in cells}


def test_variables() -> None:
    """The table has every setting and no other, with its default."""
    documented = {name: default.partition("` if ")[0].strip("`") for name, (default, _) in table("Variables").items()}

    expected = {}
    for name, field in Settings.model_fields.items():
        default = (
            field.default if field.default is not PydanticUndefined else field.get_default(call_default_factory=True)
        )
        expected[f"SELFHEAL_{name.upper()}"] = str(default)
    expected["SELFHEAL_POLICIES"] = f"./{_DEFAULT_POLICIES}"
    expected["SELFHEAL_STATE_DIR"] = "~/.local/state/selfheal"
    assert documented == expected


def test_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The documented folder is the default one."""
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)

    assert Settings().state_dir == Path("~/.local/state/selfheal").expanduser()


def test_other_variables() -> None:
    """Each variable that the text names is a setting, or one that Temporal's own client configuration reads."""
    nothing = ClientConfigProfile.load(override_env_vars={}, disable_file=True)

    for name in set(re.findall(r"\bTEMPORAL_[A-Z_]+", TEXT)):
        assert ClientConfigProfile.load(override_env_vars={name: "x"}, disable_file=True) != nothing
    for name in set(re.findall(r"\bSELFHEAL_[A-Z_]+", TEXT)):
        assert name.removeprefix("SELFHEAL_").lower() in Settings.model_fields


def test_services() -> None:
    """The table has every service, with the volume that it keeps."""
    rows = table("What each service is")

    assert list(rows) == list(SERVICES)
    for name, (_, keeps) in rows.items():
        volumes = [mount.source for mount in SERVICES[name].mounts if not mount.is_file]
        assert re.findall(r"volume `([\w-]+)`", keeps) == volumes


def test_ports() -> None:
    """The table has every port that is published."""
    published = {str(port.published): name for name, service in SERVICES.items() for port in service.published}

    assert {port: service.strip("`") for port, (service, _) in table("Ports").items()} == published


def test_files() -> None:
    """Each file that the page names is there."""
    named = set(re.findall(r"\bdeploy/[\w./-]+\.\w+", TEXT))

    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_commands_name_services() -> None:
    """Each service in a `docker compose` command of the page is one of the file."""
    commands = re.findall(r"docker compose (?:exec(?: -T)?|restart) ([\w-]+)", TEXT)

    assert len(commands) >= 3
    assert set(commands) <= set(SERVICES)


def test_sources() -> None:
    """The page calls the doors of the gateway as they are called."""
    assert set(re.findall(r"/tokens/(\w+)", TEXT)) <= {source.name for source in SOURCES} | {"SOURCE"}
