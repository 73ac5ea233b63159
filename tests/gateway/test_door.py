"""From a request to Temporal and back."""

import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator
from temporalio.client import Client

from activities.intake import Intake
from gateway.app import build_app
from tests.activities.guarding import RUNBOOKS, Guarded, guarding, named, policies_for
from tests.gateway.serving import ALERTMANAGER, GENERIC, TOKENS, served
from tests.services.ports import free_port
from tests.services.waiting import eventually
from worker.embedded import EmbeddedTemporal
from worker.plugin import selfheal_plugin

RECORDED = json.loads((Path(__file__).parent / "alertmanager_v4.json").read_bytes())
SERVICE = named("shop")


@pytest.fixture(scope="module")
async def guarded(temporal: EmbeddedTemporal) -> AsyncIterator[Guarded]:
    """Guards that run."""
    async with guarding(temporal) as running:
        yield running


@pytest.fixture(scope="module")
async def gateway(guarded: Guarded) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway that knows one service, and has time to hear what its guard did."""
    intake = guarded.intake(SERVICE, answer_within=timedelta(seconds=60))
    async with served(build_app(intake, TOKENS)) as door:
        yield door


async def test_from_alertmanager(gateway: httpx.AsyncClient, guarded: Guarded) -> None:
    """What Alertmanager sends starts an execution, and sent again starts no other; each alert has its answer."""
    body = json.loads(json.dumps(RECORDED).replace('"shop"', json.dumps(SERVICE)))

    first = await gateway.post("/alerts/alertmanager", json=body, headers=ALERTMANAGER)
    again = await gateway.post("/alerts/alertmanager", json=body, headers=ALERTMANAGER)

    assert first.status_code == 202
    firing, resolved = first.json()["alerts"]
    assert firing["result"] == "started"
    assert (firing["name"], firing["fingerprint"], firing["policy"]) == ("ServiceDown", "d3b5a7f1c2e49860", "down")
    assert (resolved["result"], resolved["refused"]) == ("refused", "no_such_target")  # 10.0.0.2 is not declared
    assert first.json()["truncated"] == 0
    assert again.json()["alerts"][0]["execution"] == firing["execution"]
    execution = guarded.client.get_workflow_handle(firing["execution"])
    assert await execution.query("heard") == ["ServiceDown"]


async def test_firing_and_resolved(gateway: httpx.AsyncClient, guarded: Guarded) -> None:
    """The end of an alert reaches the execution that it started."""
    alert = {"name": "ServiceDown", "labels": {"service": SERVICE}}

    joined = await gateway.post("/alerts/generic", json=alert, headers=GENERIC)
    resolved = await gateway.post("/alerts/generic", json={**alert, "status": "resolved"}, headers=GENERIC)

    (begun,), (ended,) = joined.json()["alerts"], resolved.json()["alerts"]
    assert begun["result"] in {"started", "joined"}
    assert (ended["result"], ended["execution"]) == ("resolved", begun["execution"])
    outcome = await guarded.client.get_workflow_handle(begun["execution"]).result()
    assert outcome["ending"] == "recovered"


async def test_bad_among_good(gateway: httpx.AsyncClient) -> None:
    """The good alerts of a request are taken, the bad ones named, in its order."""
    alerts = [{"name": "Other"}, {"name": "A", "labels": {"x": 1}}, {"name": "ServiceDown"}]

    answer = await gateway.post("/alerts/generic", json={"alerts": alerts}, headers=GENERIC)

    assert answer.status_code == 202
    assert [(a["name"], a["result"], a["refused"], a["fields"]) for a in answer.json()["alerts"]] == [
        ("Other", "matched_nothing", None, []),
        ("A", "refused", "malformed", ["alerts[1].labels.x: must be text"]),
        ("ServiceDown", "refused", "no_such_target", []),
    ]


async def test_truncated(gateway: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """Alerts that Alertmanager left out are said in the answer and in the log."""
    with caplog.at_level(logging.WARNING, logger="gateway.app"):
        answer = await gateway.post(
            "/alerts/alertmanager", json={**RECORDED, "truncatedAlerts": 7}, headers=ALERTMANAGER
        )

    assert (answer.status_code, answer.json()["truncated"]) == (202, 7)
    assert "alertmanager left out 7 alerts" in caplog.text


async def test_ready(gateway: httpx.AsyncClient) -> None:
    """With Temporal there the gateway is ready."""
    assert (await gateway.get("/readyz")).json() == {"status": "ready"}


async def test_temporal_goes_and_comes_back(temporal: EmbeddedTemporal, tmp_path: Path) -> None:
    """While Temporal is away a sender is asked to send again; the same request is taken when it is back."""
    service, port = named("shop"), free_port()
    body = {"name": "ServiceDown", "labels": {"service": service}}
    async with EmbeddedTemporal(state_dir=tmp_path, port=port, ui_port=None, program=temporal.program) as server:
        client = await Client.connect(server.address, plugins=[selfheal_plugin()])
    intake = Intake(client, policies_for(service), RUNBOOKS, answer_within=timedelta(0))

    async with served(build_app(intake, TOKENS)) as gateway:
        away = await gateway.post("/alerts/generic", json=body, headers=GENERIC)
        unready = await gateway.get("/readyz")
        async with EmbeddedTemporal(state_dir=tmp_path, port=port, ui_port=None, program=temporal.program):

            async def taken() -> bool:
                return (await gateway.post("/alerts/generic", json=body, headers=GENERIC)).status_code == 202

            assert await eventually(taken)

    assert (away.status_code, away.headers["retry-after"]) == (503, "5")
    assert "send it again" in away.json()["detail"]
    assert unready.status_code == 503


async def test_open_api(gateway: httpx.AsyncClient) -> None:
    """The OpenAPI document describes each door: its token, its body with an example that fits, its answers."""
    document = (await gateway.get("/openapi.json")).json()

    for source in ("alertmanager", "generic"):
        door = document["paths"][f"/alerts/{source}"]["post"]
        body = door["requestBody"]["content"]["application/json"]
        Draft202012Validator.check_schema(body["schema"])
        Draft202012Validator(body["schema"]).validate(body["example"])
        assert not Draft202012Validator(body["schema"]).is_valid({})
        assert set(door["responses"]) == {"202", "401", "408", "413", "415", "422", "503"}
        assert door["security"] == [{f"{source} token": []}]
    assert "Answer" in document["components"]["schemas"]


async def test_recorded_fits_the_document(gateway: httpx.AsyncClient) -> None:
    """What Alertmanager really sends is what the document says."""
    document = (await gateway.get("/openapi.json")).json()
    schema = document["paths"]["/alerts/alertmanager"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    Draft202012Validator(schema).validate(RECORDED)
