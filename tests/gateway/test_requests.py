from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from activities.intake import Intake
from gateway.app import build_app
from models.policy_file import PolicyFile
from tests.gateway.raw import raw
from tests.gateway.serving import ALERTMANAGER, GENERIC, served
from tests.services.ports import free_port

RECORDED = (Path(__file__).parent / "alertmanager_v4.json").read_bytes()


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer wrong", "Bearer a-token", "Bearer g-token2", "Basic g-token", "g-token"],
)
async def test_wrong_token(gateway: httpx.AsyncClient, header: str | None) -> None:
    """Whoever has not this door's own token is told how to send it."""
    headers = {} if header is None else {"Authorization": header}

    answer = await gateway.post("/alerts/generic", json={"name": "A"}, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="selfheal"'
    assert "Authorization: Bearer" in answer.json()["detail"]


async def test_token_of_strange_bytes(gateway: httpx.AsyncClient) -> None:
    """Bytes that are no ASCII are a wrong token like any other."""
    answer = await raw(
        gateway,
        b"POST /alerts/generic HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\nContent-Length: 1\r\n\r\n",
    )

    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_scheme_in_any_case(gateway: httpx.AsyncClient) -> None:
    """HTTP does not care how the scheme is written."""
    answer = await gateway.post("/alerts/generic", json={"name": "A"}, headers={"Authorization": "bearer g-token"})

    assert answer.status_code == 202


async def test_token_before_body(gateway: httpx.AsyncClient) -> None:
    """A wrong token is answered before the body has come."""
    answer = await raw(gateway, b"POST /alerts/generic HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": ""},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_wrong_form(gateway: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """What is not declared to be plain JSON is refused as such."""
    answer = await gateway.post("/alerts/generic", content=b'{"name": "A"}', headers=GENERIC | headers)

    assert answer.status_code == 415
    assert answer.json()["detail"].startswith("send ")


@pytest.mark.parametrize(
    "media",
    ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/x+json"],
)
async def test_right_form(gateway: httpx.AsyncClient, media: str) -> None:
    """JSON is JSON, however its type is written."""
    answer = await gateway.post("/alerts/generic", content=b'{"name": "A"}', headers=GENERIC | {"Content-Type": media})

    assert answer.status_code == 202


async def test_no_such_door(gateway: httpx.AsyncClient) -> None:
    """Other addresses and methods are told apart."""
    assert (await gateway.post("/alerts/nagios", json={}, headers=GENERIC)).status_code == 404
    assert (await gateway.get("/alerts/generic", headers=GENERIC)).status_code == 405


async def test_source_without_token() -> None:
    """A source that has no token has no door."""
    client = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True)
    async with served(build_app(Intake(client, PolicyFile(), {}), {"generic": "x"})) as gateway:
        answer = await gateway.post("/alerts/alertmanager", content=RECORDED, headers=ALERTMANAGER)

    assert answer.status_code == 404
