"""What deploy/temporal sets up, on a real Temporal server, and that the images have that server's versions."""

import os
import re
import subprocess
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from tests.deploy.compose import ROOT, read_compose
from tests.services.missing import missing
from tests.services.ports import free_port
from worker.embedded import EmbeddedTemporal, find_temporal
from worker.embedded.fetch import GO_PACKAGE
from worker.embedded.state import StateFolder
from workflows import attributes

SETUP = ROOT / "deploy" / "temporal" / "setup.sh"
SERVICES = read_compose().services


@pytest.fixture(scope="module")
def program() -> Path:
    """The real `temporal` program."""
    return find_temporal() or missing("temporal")


@pytest.fixture
async def bare(program: Path, tmp_path: Path) -> AsyncIterator[EmbeddedTemporal]:
    """A server that knows none of our search attributes."""
    async with EmbeddedTemporal(
        state_dir=tmp_path / "temporal", port=free_port(), ui_port=None, program=program
    ) as server:
        yield server


def set_up(program: Path, address: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the script as the service temporal-setup does, but for a namespace that is not there yet."""
    folder.mkdir(exist_ok=True)
    if not (folder / "temporal").exists():
        (folder / "temporal").symlink_to(program)
    declared = SERVICES["temporal-setup"].environment
    return subprocess.run(
        ["sh", SETUP],
        env={
            **declared,
            "TEMPORAL_ADDRESS": address,
            "TEMPORAL_NAMESPACE": "new",
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
        },
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


async def test_setup(bare: EmbeddedTemporal, program: Path, tmp_path: Path) -> None:
    """It makes the namespace and registers exactly our search attributes, usable when it ends; twice is once."""
    for _ in range(2):
        ran = set_up(program, bare.address, tmp_path / "bin")
        assert ran.returncode == 0, ran.stderr

    client = await Client.connect(bare.address, namespace="new")
    listed = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="new"))
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    assert dict(listed.custom_attributes) == {key.name: keyword for key in attributes.ALL}
    query = " AND ".join(f"{key.name} IS NULL" for key in attributes.ALL)
    assert (await client.count_workflows(query)).count == 0
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="new"))
    assert described.config.workflow_execution_retention_ttl.ToTimedelta() == timedelta(days=30)


def test_setup_registers_what_workflows_use() -> None:
    """The names in the script are those of the workflows, also where no server is there to show it."""
    found = re.search(r"^attributes='(.*)'$", SETUP.read_text(encoding="utf-8"), re.MULTILINE)

    assert found
    assert found[1].split() == [key.name for key in attributes.ALL]


def test_versions(program: Path) -> None:
    """Server, admin tools and UI have the versions of the embedded server, on which all tests run."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\S+) \(Server (\S+), UI (\S+)\)", said)
    assert found
    if found[1] not in (GO_PACKAGE.rpartition("@v")[2], "0.0.0-DEV"):  # the latter is what `go install` makes
        pytest.skip(f"this machine's own temporal program is another one: {said}")

    tags = {name: service.image.partition(":")[2] for name, service in SERVICES.items()}

    assert tags["temporal"] == found[2]
    assert tags["temporal-ui"] == found[3]
    assert tags["temporal-schema"] == tags["temporal-setup"]
    assert tags["temporal-setup"].startswith(f"{found[2]}-")


def test_dynamic_config() -> None:
    """The server's settings are those of the embedded one, in the form and place where the server reads them."""
    file = SERVICES["temporal"].mounts[0]
    words = EmbeddedTemporal(state_dir=Path("unused"))._arguments(StateFolder(Path("unused")))
    embedded = [words[at + 1] for at, word in enumerate(words) if word == "--dynamic-config-value"]

    given = yaml.safe_load((ROOT / file.source).read_text(encoding="utf-8"))

    assert file.target == SERVICES["temporal"].environment["DYNAMIC_CONFIG_FILE_PATH"]
    pairs = [pair.split("=", 1) for pair in embedded]
    assert given == {name: [{"value": yaml.safe_load(value)}] for name, value in pairs}
