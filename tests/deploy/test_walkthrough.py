"""docs/deployment.md, done as it says."""

import stat
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from gateway.sources.generic import parse
from gateway.tokens import token_file
from models.admission import Admission
from models.alert import Alert
from models.ids import guard_id
from models.matching import match
from models.memory import Memory
from models.outcome import Ending
from models.policy_file import parse_policies
from models.verdict import Autonomy
from runbooks import RUNBOOKS
from runbooks.catalog import catalog
from tests.deploy.compose import ROOT, read_compose
from tests.deploy.walkthrough import Stack, blocks, documented_curl, stack
from tests.services.missing import missing
from tests.services.ports import free_port
from tests.services.waiting import eventually, until
from worker.embedded import EmbeddedTemporal, find_temporal
from worker.plugin import selfheal_plugin
from workflows import attributes

EXAMPLE = ROOT / "deploy" / "policies.example.yaml"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedTemporal]:
    """A Temporal server for this test alone: a worker ends the watches that its policy file does not declare."""
    async with EmbeddedTemporal(
        state_dir=tmp_path / "temporal",
        port=free_port(),
        ui_port=None,
        search_attributes={key.name: "Keyword" for key in attributes.ALL},
        program=find_temporal() or missing("temporal"),
    ) as running:
        yield running


def test_example_policies() -> None:
    """The example has no mistakes, and without an alert nothing of it asks or touches anything."""
    known = catalog(RUNBOOKS)

    file = parse_policies(EXAMPLE.read_text(encoding="utf-8"), file=str(EXAMPLE), runbooks=known)

    assert [service.name for service in file.services if service.watch] == []
    assert {policy.autonomy for policy in file.policies} == set(Autonomy)


def test_documented_alert_matches() -> None:
    """The alert of the documented curl falls under the policy that the page names, which needs nobody's approval."""
    known = catalog(RUNBOOKS)
    file = parse_policies(EXAMPLE.read_text(encoding="utf-8"), file=str(EXAMPLE), runbooks=known)
    (alert,) = parse(documented_curl().body.encode()).alerts
    assert isinstance(alert, Alert)

    case = match(file, known, alert)

    assert not isinstance(case, Admission)
    assert (case.policy.name, case.policy.autonomy, case.target.name) == ("page", Autonomy.AUTO, "page")


def test_documented_address() -> None:
    """The documented curl goes to a port that compose publishes, with the token that the gateway keeps there."""
    curl = documented_curl("the-token")
    gateway = read_compose().services["gateway"]
    (port,) = gateway.published
    (folder,) = (mount.target for mount in gateway.mounts if mount.source == "gateway-state")

    assert curl.url == f"http://{port.address}:{port.published}/alerts/generic"
    assert curl.asked == f"compose exec -T gateway cat {token_file(Path(folder), 'generic')}"
    assert curl.headers == {"Authorization": "Bearer the-token", "Content-Type": "application/json"}


def test_secrets(tmp_path: Path) -> None:
    """The documented commands make a password that containers can read and other users of the machine cannot."""
    (block,) = (block for block in blocks("sh") if "deploy/secrets" in block)
    lines = [line for line in block.splitlines() if not line.startswith("docker ")]
    secret = tmp_path / read_compose().secrets["postgres_password"].file
    secret.parent.mkdir(parents=True)

    subprocess.run(["sh", "-euc", "umask 077\n" + "\n".join(lines)], cwd=tmp_path, check=True)

    assert len(bytes.fromhex(secret.read_text(encoding="utf-8"))) == 24
    assert stat.S_IMODE(secret.stat().st_mode) == 0o644
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700


def test_page(tmp_path: Path) -> None:
    """The example's page is started, started anew, and broken; breaking or starting it twice does no harm."""
    here = Stack(tmp_path, 0, free_port(), {"PATH": "/usr/bin:/bin:/usr/local/bin", "TMPDIR": str(tmp_path)})
    pid = tmp_path / f"page-{here.page_port}" / "pid"
    before = ""
    try:
        for _ in range(2):
            assert here.run("sh", "/etc/selfheal/page.sh", "restart", "8090").returncode == 0
            until(lambda: here.page_answers)
            assert pid.read_text() != before
            before = pid.read_text()
    finally:
        for _ in range(2):
            assert here.run("sh", "/etc/selfheal/page.sh", "stop", "8090").returncode == 0
    assert not here.page_answers


async def send(running: Stack) -> dict[str, str]:
    """Send the documented alert, and answer what became of it."""
    curl = documented_curl(token_file(running.state, "generic").read_text(encoding="utf-8").strip())
    url = f"http://127.0.0.1:{running.gateway_port}{httpx.URL(curl.url).path}"
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(url, content=curl.body, headers=curl.headers)
    assert answer.status_code == 202
    (alert,) = answer.json()["alerts"]
    became: dict[str, str] = alert
    return became


async def test_heals(server: EmbeddedTemporal, tmp_path: Path) -> None:
    """With the example policies the documented alert brings the page up, and once more when it is broken again."""
    temporal = await Client.connect(server.address, plugins=[selfheal_plugin()])
    guard = temporal.get_workflow_handle(guard_id("service:local/page"))
    healings = 0

    async def healed() -> bool:
        query = f'Policy = "page" AND Outcome = "{Ending.HEALED}" AND ExecutionStatus = "Completed"'
        return (await temporal.count_workflows(query)).count == healings

    async def cooled() -> bool:
        memory = await guard.query("memory", result_type=Memory)
        return memory.cooldown_until is not None and memory.cooldown_until < datetime.now(UTC)

    with stack(server.address, tmp_path / "state") as running:
        for _ in range(2):
            assert not running.page_answers

            became = await send(running)

            assert became["policy"] == "page"
            assert became["result"] in ("started", "taken")  # the latter when the guard is slow to answer
            healings += 1
            await eventually(healed)
            assert running.page_answers
            assert running.run("sh", "/etc/selfheal/page.sh", "stop", "8090").returncode == 0
            await eventually(cooled)


async def test_health_check(server: EmbeddedTemporal, tmp_path: Path) -> None:
    """The gateway's health check passes while it takes alerts, and fails when it is gone."""
    health = read_compose().services["gateway"].healthcheck
    assert health
    kind, *command = health.test
    assert kind == "CMD"

    with stack(server.address, tmp_path / "state", ("gateway",)) as running:
        assert running.run(*command).returncode == 0
        await server.stop()
        assert running.run(*command).returncode == 1

    assert running.run(*command).returncode == 1
