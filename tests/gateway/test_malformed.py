import json
import random
from pathlib import Path

import httpx
import pytest

from tests.gateway.serving import ALERTMANAGER, TOKENS

RECORDED = (Path(__file__).parent / "alertmanager_v4.json").read_bytes()


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
    """Hundreds of broken requests are all answered as taken or as malformed."""
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
    for _ in range(200):
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
