import tomllib
from enum import StrEnum
from pathlib import Path

import pytest
from pydantic import BaseModel
from temporalio.client import Client

import selfheal
from activities.intake import Intake
from activities.step import step_of, steps
from gateway.app import build_app
from gateway.sources import SOURCES
from gateway.sources.generic import GenericAlert
from models.admission import Admitted, Refused
from models.host import LOCAL, Host
from models.outcome import Ending, Reason
from models.policy import Match, Policy, ScaleParameters, TargetChoice, Trigger, Verification, Webhook
from models.policy_file import PolicyFile, PolicyFileError, parse_policies
from models.target import Commands, Filesystem, HttpProbe, Metrics, Releases, Scaling, Service
from runbooks import RUNBOOKS
from runbooks.catalog import catalog
from tests.docs.pages import ROOT, blocks, code, commands, first_code, table
from worker.demo.scenes import SCENES

ARCHITECTURE, AUTHORING, ALERTS, POLICIES = (
    ROOT / "docs" / f"{name}.md" for name in ("architecture", "authoring", "alerts", "policies")
)
README = ROOT / "README.md"
MODELS: dict[str, type[BaseModel]] = {
    "## The file": PolicyFile,
    "### policies": Policy,
    "### match": Match,
    "### trigger": Trigger,
    "### target": TargetChoice,
    "### scale parameters": ScaleParameters,
    "### verify": Verification,
    "### notify": Webhook,
    "### hosts": Host,
    "### services": Service,
    "### health": HttpProbe,
    "### commands": Commands,
    "### releases": Releases,
    "### scaling": Scaling,
    "### metrics": Metrics,
    "### filesystems": Filesystem,
}


@pytest.mark.parametrize(("heading", "model"), MODELS.items())
def test_policies_page_has_every_field(heading: str, model: type[BaseModel]) -> None:
    """The tables list exactly the fields there are, in their order, with their defaults."""
    rows = table(POLICIES, below=heading)
    stated = {code(row[0])[0]: "required" if row[1] == "required" else code(row[1])[0] for row in rows}
    assert list(stated.items()) == list(_defaults(model).items())


def test_alerts_page_has_every_field_of_our_own_format() -> None:
    """The table of the generic door lists exactly its fields and defaults."""
    rows = table(ALERTS, below="## Generic")
    stated = {code(row[0])[0]: "required" if row[1] == "required" else code(row[1])[0] for row in rows}
    assert stated == _defaults(GenericAlert)


@pytest.mark.parametrize(
    ("page", "below", "words"),
    [
        (ARCHITECTURE, "### How it ends", Ending),
        (ARCHITECTURE, "| Reason | Why people take over |", Reason),
        (ALERTS, "| `result` | Meaning |", Admitted),
        (ALERTS, "| `refused` | Why |", Refused),
    ],
)
def test_tables_of_words_are_complete(page: Path, below: str, words: type[StrEnum]) -> None:
    """Every ending, reason and result is explained, and none that there is not."""
    assert sorted(first_code(table(page, below=below))) == sorted(words)


async def test_alerts_page_has_every_status() -> None:
    """The table of statuses has those that a door declares, and the one for a body that broke off."""
    client = await Client.connect("127.0.0.1:1", lazy=True)
    app = build_app(Intake(client, PolicyFile(), {}), {"generic": "token"})
    declared = app.openapi()["paths"]["/alerts/generic"]["post"]["responses"]
    assert sorted(row[0] for row in table(ALERTS, below="| Status |")) == sorted({*declared, "400"})


def test_alerts_page_has_every_door() -> None:
    """Each source has its line."""
    doors = [code(row[0])[0] for row in table(ALERTS, below="# Alerts")]
    assert doors == [f"POST /alerts/{source.name}" for source in SOURCES]


def test_readme_shows_the_scenes_of_the_demo() -> None:
    """Its table has the scenes that there are, each as told."""
    rows = table(README, below="## Two commands")
    assert [row[1] for row in rows] == [scene.title for scene in SCENES]
    assert all("✓" in row[0] for row in rows)


def test_policies_page_has_every_runbook() -> None:
    """With the alerts it handles, the targets it heals and the parameters it takes."""
    stated = [[tuple(code(cell)) for cell in row] for row in table(POLICIES, below="### The runbooks")]
    infos = catalog(RUNBOOKS).values()
    assert stated == [[(info.name,), info.handles, info.targets, tuple(info.parameters.model_fields)] for info in infos]


def test_authoring_page_has_every_step() -> None:
    """The table of steps has those of every class that `selfheal` gives, and says which of them change something."""
    hands = [thing for name, thing in vars(selfheal).items() if name.endswith("Activities")]
    offered = {f"{hand.__name__}.{step.__name__}": step for hand in hands for step in steps(hand)}
    rows = table(AUTHORING, below="## Steps")
    assert sorted(first_code(rows)) == sorted(offered)
    for row in rows:
        changes = step_of(offered[code(row[0])[0]]).changes
        assert row[2].startswith("changes" if changes else "reads"), row


def test_architecture_page_has_the_layers() -> None:
    """The layers in the page are those that the import contract holds."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert f"\n{' > '.join(layers)}\n" in ARCHITECTURE.read_text()
    folders = first_code(
        table(ARCHITECTURE, below="worker > gateway > runbooks > selfheal > workflows > activities > models")
    )
    assert folders == [f"{layer}/" for layer in reversed(layers)]


def test_mistakes_are_told_as_the_page_says() -> None:
    """The example with mistakes gives the messages that stand below it."""
    given, said = blocks(POLICIES, "text")[:2]
    with pytest.raises(PolicyFileError) as caught:
        parse_policies(given.text, file="policies.yaml", runbooks=catalog(RUNBOOKS))
    assert caught.value.message.splitlines() == said.text.splitlines()


def test_the_schema_is_what_editors_are_pointed_at() -> None:
    """The line for editors names the file that the command before it writes."""
    (written,) = [words[-1] for block in blocks(POLICIES, "sh") for words in commands(block) if "schema" in words]
    assert f"$schema=./{written}" in blocks(POLICIES, "text")[-1].text


def _defaults(model: type[BaseModel]) -> dict[str, str]:
    """Each field with its default as the pages write it."""
    shown = {}
    for name, field in model.model_fields.items():
        value = field.get_default(call_default_factory=True) if not field.is_required() else None
        match value:
            case _ if field.is_required():
                shown[name] = "required"
            case Host() if value == LOCAL:
                shown[name] = LOCAL.name
            case None | "" | () | {} | BaseModel():
                shown[name] = "-"
            case bool():
                shown[name] = str(value).lower()
            case _:
                shown[name] = str(value)
    return shown
