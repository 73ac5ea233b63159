"""HTTP: probes, samples and requests."""

import asyncio
import time
from datetime import timedelta

import httpx

from activities.step import changes, reads
from models.change import Change
from models.errors import GiveUpError, TryAgainError
from models.model import Model
from models.target import Service

_OK = range(200, 400)
_CLIENT_ERROR = 400
_SERVER_ERROR = 500
_TOO_MANY = 429
_BODY_KEPT = 2048
_AT_ONCE = 8


class ProbeReading(Model):
    """One answer of a health endpoint.

    Attributes:
        healthy: it answered 200 to 399 in time, as a Kubernetes probe has it.
        status: the HTTP status, if there was one.
        error: why there was none.
        milliseconds: how long it took.
    """

    url: str
    healthy: bool
    status: int | None = None
    error: str = ""
    milliseconds: float

    @property
    def text(self) -> str:
        """What it said, in words."""
        return f"answered {self.status}" if self.status is not None else self.error


class Sample(Model):
    """What a number of requests measured.

    Attributes:
        error_rate: share that got a 5xx or no answer.
        availability: share that got any answer.
        latency_p95: seconds, over the requests that were answered; None when none was.
    """

    requests: int
    error_rate: float
    availability: float
    latency_p95: float | None


class Request(Change):
    """One HTTP request that changes something.

    Attributes:
        expect: statuses that count as done.
    """

    method: str = "POST"
    url: str
    body: dict[str, object] | None = None
    expect: tuple[int, ...] = (200, 201, 202, 204)


class HttpActivities:
    """Asks and tells over HTTP; its client is injected."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @reads("probe the health of {name}", timeout=timedelta(seconds=35), within=timedelta(minutes=1))
    async def probe_service(self, service: Service) -> ProbeReading:
        """Ask the health endpoint once. No answer is a reading too, not an error.

        Raises:
            GiveUpError: the service declares no health endpoint.
        """
        if service.health is None:
            raise GiveUpError(f"service {service.name!r} declares no health: add health to it in the policy file")
        url = service.health.url(service.host)
        return await probe(self._client, url, service.health.timeout)

    @reads("measure {name} by requests", timeout=timedelta(minutes=2), within=timedelta(minutes=5))
    async def sample_service(self, service: Service) -> Sample:
        """Measure error rate, availability and latency by asking the service's sample path.

        Raises:
            GiveUpError: the service declares no sample path, or no health to take address and port from.
        """
        if service.metrics is None or service.metrics.sample is None or service.health is None:
            raise GiveUpError(f"service {service.name!r} cannot be sampled: declare metrics.sample and health")
        url = service.health.model_copy(update={"path": service.metrics.sample}).url(service.host)
        at_once = asyncio.Semaphore(_AT_ONCE)
        timeout = service.health.timeout

        async def one() -> ProbeReading:
            async with at_once:
                return await probe(self._client, url, timeout)

        return measured(await asyncio.gather(*(one() for _ in range(service.metrics.requests))))

    @changes("{method} {url}", timeout=timedelta(seconds=30), within=timedelta(minutes=5), heartbeat=None)
    async def send_request(self, request: Request) -> str:
        """Send the request with its key as ``Idempotency-Key``; answers the beginning of the body.

        Raises:
            TryAgainError: no answer, 429 or 5xx.
            GiveUpError: any other status that is not expected.
        """
        try:
            answer = await self._client.request(
                request.method, request.url, json=request.body, headers={"Idempotency-Key": request.key}, timeout=20
            )
        except httpx.InvalidURL as error:
            raise GiveUpError(f"{request.url!r} is no URL: {error}") from error
        except httpx.HTTPError as error:
            raise TryAgainError(f"{request.method} {request.url!r} got no answer: {_named(error)}") from error
        if answer.status_code in request.expect:
            return answer.text[:_BODY_KEPT]
        kind = TryAgainError if answer.status_code >= _SERVER_ERROR or answer.status_code == _TOO_MANY else GiveUpError
        raise kind(f"{request.method} {request.url!r} answered {answer.status_code}: {answer.text[:200]}")


async def probe(client: httpx.AsyncClient, url: str, within: timedelta) -> ProbeReading:
    """Ask an address once, without following redirects, for at most `within` altogether."""
    began = time.perf_counter()
    status, error = None, ""
    try:
        async with asyncio.timeout(within.total_seconds()):
            # Only the status counts: the body is not read, so an endless one cannot hold us.
            async with client.stream("GET", url, timeout=within.total_seconds(), follow_redirects=False) as answer:
                status = answer.status_code
    except TimeoutError:
        error = f"no answer within {within.total_seconds():g}s"
    except httpx.HTTPError as caught:
        error = _named(caught)
    return ProbeReading(
        url=url,
        healthy=status in _OK,
        status=status,
        error=error,
        milliseconds=round((time.perf_counter() - began) * 1000, 1),
    )


def measured(readings: list[ProbeReading]) -> Sample:
    """Error rate, availability and the 95th percentile of latency over some readings."""
    answered = sorted(reading.milliseconds for reading in readings if reading.status is not None)
    failed = sum(1 for reading in readings if reading.status is None or reading.status >= _SERVER_ERROR)
    count = len(readings)
    return Sample(
        requests=count,
        error_rate=failed / count if count else 0.0,
        availability=len(answered) / count if count else 0.0,
        latency_p95=answered[max(0, -(-95 * len(answered) // 100) - 1)] / 1000 if answered else None,
    )


def _named(error: httpx.HTTPError) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
