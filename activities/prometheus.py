"""Prometheus: instant queries that yield one number."""

import asyncio
import math
from datetime import timedelta

import httpx

from activities.step import reads
from models.errors import GiveUpError, TryAgainError
from models.model import Model
from models.target import Service

_OK = 200
_BAD_REQUEST = (400, 422)


class Signals(Model):
    """The golden signals of a service. None is unknown: never to be taken for fine.

    Attributes:
        error_rate: share of requests that failed, 0 to 1.
        latency_p95: seconds.
        availability: 0 to 1.
    """

    error_rate: float | None = None
    latency_p95: float | None = None
    availability: float | None = None


class PrometheusActivities:
    """Reads metrics; its client is injected."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @reads("read error rate, latency and availability of {name}", timeout=timedelta(seconds=15))
    async def read_signals(self, service: Service) -> Signals:
        """Run the service's declared queries.

        Raises:
            TryAgainError: Prometheus is away.
            GiveUpError: a query is not valid PromQL or yields more than one series, or none is declared.
        """
        metrics = service.metrics
        if metrics is None or metrics.prometheus is None:
            raise GiveUpError(f"service {service.name!r} declares no prometheus: add metrics.prometheus and queries")
        base = metrics.prometheus
        names = ("error_rate", "latency_p95", "availability")
        values = await asyncio.gather(*(self._ask(base, getattr(metrics, name)) for name in names))
        return Signals(**dict(zip(names, values, strict=True)))

    async def _ask(self, base: str, query: str | None) -> float | None:
        if query is None:
            return None
        try:
            answer = await self._client.get(f"{base.rstrip('/')}/api/v1/query", params={"query": query}, timeout=10)
        except httpx.HTTPError as error:
            raise TryAgainError(f"Prometheus at {base!r} does not answer: {type(error).__name__}") from error
        if answer.status_code in _BAD_REQUEST:
            raise GiveUpError(f"Prometheus at {base!r} refuses the query {query!r}: {answer.text[:300]}")
        if answer.status_code != _OK:
            raise TryAgainError(f"Prometheus at {base!r} answered {answer.status_code}")
        return only_value(query, answer.json())


def only_value(query: str, answer: dict[str, object]) -> float | None:
    """The one number of an instant query's answer; None when there is no series, or it is not a number.

    Raises:
        GiveUpError: there is more than one series.
    """
    match answer:
        case {"data": {"resultType": "scalar", "result": [_, str(text)]}}:
            value = float(text)
        case {"data": {"resultType": "vector", "result": []}}:
            return None
        case {"data": {"resultType": "vector", "result": [{"value": [_, str(text)]}]}}:
            value = float(text)
        case {"data": {"result": [_, _, *_] as series}}:
            raise GiveUpError(f"query {query!r} yields {len(series)} series: make it yield one, with sum() or max()")
        case _:
            raise GiveUpError(f"query {query!r} yields no instant vector and no scalar")
    return value if math.isfinite(value) else None
