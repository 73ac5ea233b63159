import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from models.admission import Admitted, Refused
from models.outcome import Ending, Fate
from tests.services.monitoring import StartAlertmanager, StartPrometheus
from tests.services.waiting import eventually
from tests.system.conftest import OpenShop
from tests.system.house import House
from worker.demo.stage import Copy

pytestmark = pytest.mark.xdist_group("monitoring")

ERROR_RATE = 'sum(rate(shop_requests_total{code="500"}[4s])) / sum(rate(shop_requests_total[4s]))'
LATENCY = "histogram_quantile(0.95, sum by (le) (rate(shop_request_seconds_bucket[4s])))"
AVAILABILITY = 'avg(avg_over_time(up{job="test"}[4s]))'


@asynccontextmanager
async def customers(copy: Copy) -> AsyncIterator[None]:
    """People who buy all the time."""

    async def buy(http: httpx.AsyncClient) -> None:
        while True:
            with suppress(httpx.HTTPError):  # closed, while it restarts
                await http.get(f"http://127.0.0.1:{copy.port}/buy")
            await asyncio.sleep(0.02)

    async with httpx.AsyncClient(trust_env=False, timeout=1) as http:
        buying = asyncio.create_task(buy(http))
        try:
            yield
        finally:
            buying.cancel()


async def test_a_bad_release_goes_back(
    house: House, shop: OpenShop, prometheus: StartPrometheus, alertmanager: StartAlertmanager
) -> None:
    """From a scrape through rule, Alertmanager, gateway and runbook to the release before, and the alert resolves."""
    copy = shop("prom-shop")
    target = f"service:local/{copy.name}"
    rule: dict[str, Any] = {
        "alert": "HighErrorRate",
        "expr": f"{ERROR_RATE} > 0.1",
        "labels": {"service": copy.name, "host": "local"},
    }
    sender = alertmanager(webhook=f"{house.url}/alerts/alertmanager", token=house.token)
    url = prometheus(targets=[f"127.0.0.1:{copy.port}"], rules=[rule], alertmanagers=[sender])
    metrics = {"prometheus": url, "error_rate": ERROR_RATE, "latency_p95": LATENCY, "availability": AVAILABILITY}
    verify = {"within": "60s", "settle": "2s", "every": "500ms"}
    house.declare(
        services=[{**copy.declared(reloads=False), "watch": False, "metrics": metrics}],
        policies=[{"name": "releases", "runbook": "BadRelease", "autonomy": "auto", "verify": verify}],
    )
    await house.start("up")
    async with customers(copy):
        copy.release("1.5.0")
        execution = await house.execution(target)
        outcome = await house.end(execution)
        answers = [await copy.asks("/buy") for _ in range(20)]

        async def resolved() -> Any:  # noqa: ANN401
            memory = await house.memory(target)
            return memory and [told for key, (_, told) in memory.reports.items() if key.endswith(":resolved")]

        (told,) = await eventually(resolved)

    assert outcome.ending is Ending.HEALED
    assert [(change.proposal.remediation, change.fate) for change in outcome.changes] == [
        ("ReturnToRelease", Fate.KEPT)
    ]
    assert {status for status, _ in answers} == {200}
    assert {text.split()[0] for _, text in answers} == {"1.4.0"}
    assert copy.effects() == ["started 1.4.0", "started 1.5.0", "restart", "started 1.4.0"]
    assert (told.result, told.refused) in {(Admitted.RESOLVED, None), (Admitted.REFUSED, Refused.NOTHING_RUNNING)}
