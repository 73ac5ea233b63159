"""What is answered without Temporal having to do anything."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from activities.intake import Intake
from gateway.app import build_app
from gateway.requests import MAX_BODY
from models.policy_file import PolicyFile
from tests.gateway.serving import ALERTMANAGER, GENERIC, TOKENS, served
from tests.services.ports import free_port

RECORDED = (Path(__file__).parent / "alertmanager_v4.json").read_bytes()

HEAD = (
    b"POST /alerts/generic HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer g-token\r\nContent-Type: application/json\r\n"
)


@pytest.fixture(scope="module")
async def gateway() -> AsyncIterator[httpx.AsyncClient]:
    """A gateway without policies: what is good matches nothing, and Temporal is never asked."""
    client = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True)
    async with served(build_app(Intake(client, PolicyFile(), {}), TOKENS)) as door:
        yield door


async def raw(gateway: httpx.AsyncClient, request: bytes) -> bytes:
    """Send these bytes and nothing more; what is answered until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.base_url.port)
    writer.write(request)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


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


async def test_declared_too_long(gateway: httpx.AsyncClient) -> None:
    """A body that says it is too long is refused before it comes."""
    head = (
        f"POST /alerts/generic HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer g-token\r\nContent-Length: {MAX_BODY + 1}"
    )

    answer = await raw(gateway, f"{head}\r\nContent-Type: application/json\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"send fewer alerts" in answer


@pytest.mark.parametrize(("length", "status"), [(MAX_BODY, 422), (MAX_BODY + 1, 413)])
async def test_chunked_too_long(gateway: httpx.AsyncClient, length: int, status: int) -> None:
    """A body without a declared length is refused when it gets too long, and no byte earlier."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, length, 65536):
            yield b" " * min(65536, length - start)

    answer = await gateway.post(
        "/alerts/generic", content=chunks(), headers=GENERIC | {"Content-Type": "application/json"}
    )

    assert answer.status_code == status


@pytest.mark.parametrize("headers", [{}, GENERIC, GENERIC | {"Content-Type": "application/json"}])
async def test_answer_arrives_though_the_body_is_still_coming(
    gateway: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """Who sends a large body to be refused gets to read why, instead of a connection that breaks."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65536

    answer = await gateway.post("/alerts/generic", content=chunks(), headers=headers)

    assert answer.status_code in {401, 413, 415}
    assert answer.json()["detail"]


async def test_endless_body(gateway: httpx.AsyncClient) -> None:
    """A body without an end is cut off."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.base_url.port)
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")

    async def pour() -> None:
        while True:
            writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
            await writer.drain()

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(pour(), 20)
    writer.close()
    assert reader.at_eof() or (await reader.read(20)).startswith(b"HTTP/1.1 413")


async def test_sender_that_asks_first(gateway: httpx.AsyncClient) -> None:
    """Who asks whether to send the body is told that it is not wanted."""
    head = HEAD.replace(b"g-token", b"wrong") + b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n"

    assert (await raw(gateway, head)).startswith(b"HTTP/1.1 401 ")


async def test_body_breaks_off(gateway: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """A sender that goes away in the middle of a body leaves no error behind."""
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.base_url.port)
    writer.write(HEAD + b"Content-Length: 1000\r\n\r\n{")
    await writer.drain()
    writer.close()

    assert (await gateway.get("/healthz")).status_code == 200
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("door", ["alertmanager", "generic"])
@pytest.mark.parametrize("body", [b"", b"{", b"[NaN]", b"[" * 500_000, b"\xff", b"null", b"{}", b'{"alerts": []}'])
async def test_nothing_to_take(gateway: httpx.AsyncClient, door: str, body: bytes) -> None:
    """A body of which nothing can be taken is answered with its bad fields."""
    headers = {"Authorization": f"Bearer {TOKENS[door]}", "Content-Type": "application/json"}

    answer = await gateway.post(f"/alerts/{door}", content=body, headers=headers)

    assert answer.status_code == 422
    assert len(answer.json()["fields"]) == 1


async def test_all_alerts_bad(gateway: httpx.AsyncClient) -> None:
    """Where every alert is bad, each bad field of each is named."""
    body = {"version": "4", "alerts": [{"status": "firing", "labels": {}, "startsAt": "x"}, 3]}

    answer = await gateway.post("/alerts/alertmanager", json=body, headers=ALERTMANAGER)

    assert answer.status_code == 422
    assert [fault.partition(":")[0] for fault in answer.json()["fields"]] == [
        "alerts[0].labels.alertname",
        "alerts[0].startsAt",
        "alerts[0].fingerprint",
        "alerts[1]",
    ]


async def test_nonsense_never_breaks_it(gateway: httpx.AsyncClient) -> None:
    """A thousand broken requests are all answered as taken or as malformed."""
    dice = random.Random(3)  # noqa: S311 - the same broken requests in every run
    odd: list[object] = [
        None,
        True,
        -1,
        1e308,
        "",
        "\0",
        "x" * 5000,
        [],
        {},
        {"a": {"b": []}},
        "0001-01-01T00:00:00+23:59",
        "\u202e",
    ]
    statuses = set()
    for _ in range(500):
        value = json.loads(RECORDED)
        where = value
        while isinstance(where, dict | list) and where:
            key = dice.choice(list(where) if isinstance(where, dict) else range(len(where)))
            if dice.random() < 0.3 or not isinstance(where[key], dict | list):
                where[key] = dice.choice(odd)
                break
            where = where[key]
        broken = bytearray(RECORDED)
        for _ in range(3):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        for body in (json.dumps(value).encode(), bytes(broken)):
            headers = ALERTMANAGER | {"Content-Type": "application/json"}
            statuses.add((await gateway.post("/alerts/alertmanager", content=body, headers=headers)).status_code)

    assert statuses == {202, 422}


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


async def test_health(gateway: httpx.AsyncClient) -> None:
    """The gateway is well while Temporal is away, but not ready, and says why."""
    assert (await gateway.get("/healthz")).json() == {"status": "ok"}
    ready = await gateway.get("/readyz")

    assert ready.status_code == 503
    assert "refused" in ready.json()["detail"]


async def test_own_readiness() -> None:
    """What else must be ready can be given."""
    client = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True)
    reasons = iter(["still starting", None])

    async def ready() -> str | None:
        return next(reasons)

    async with served(build_app(Intake(client, PolicyFile(), {}), TOKENS, ready=ready)) as gateway:
        first, second = await gateway.get("/readyz"), await gateway.get("/readyz")

    assert (first.status_code, first.json()["detail"]) == (503, "Temporal is away: still starting")
    assert second.status_code == 200
