"""A release made a service worse: return to the release before, and watch on."""

import asyncio
from datetime import datetime, timedelta

from activities.prometheus import Signals
from models.durations import Duration
from runbooks.services import ReturnToRelease
from selfheal import (
    Case,
    Escalate,
    Facts,
    HttpActivities,
    Outcome,
    Parameters,
    PrometheusActivities,
    Remediation,
    Runbook,
    Service,
    ServiceActivities,
    Verdict,
    Verification,
    workflow,
)


class ReleaseLimits(Parameters):
    """What a release may do.

    Attributes:
        error_rate: share of requests that may fail, 0 to 1.
        latency_p95: how long 95 of 100 requests may take at the most.
        availability: share of requests that must be answered, 0 to 1.
        recent: a release older than this is not to blame.
    """

    error_rate: float = 0.05
    latency_p95: Duration = timedelta(seconds=2)
    availability: float = 0.99
    recent: Duration = timedelta(days=1)


class ReleaseFacts(Facts):
    """A release and how it does.

    Attributes:
        released_at: when the live release became so.
        read_at: when all this was read.
    """

    service: Service
    limits: ReleaseLimits
    signals: Signals
    release: str | None = None
    release_before: str | None = None
    released_at: datetime | None = None
    read_at: datetime

    def crossed(self) -> list[str]:
        """The limits that are crossed, in words."""
        signals, limits = self.signals, self.limits
        words = []
        if signals.error_rate is not None and signals.error_rate > limits.error_rate:
            words.append(f"error rate {signals.error_rate:.3g} is above {limits.error_rate:g}")
        if signals.latency_p95 is not None and signals.latency_p95 > limits.latency_p95.total_seconds():
            words.append(f"p95 latency {signals.latency_p95:.3g}s is above {limits.latency_p95.total_seconds():g}s")
        if signals.availability is not None and signals.availability < limits.availability:
            words.append(f"availability {signals.availability:.4g} is below {limits.availability:g}")
        return words

    def known(self) -> bool:
        """Whether every signal that the service declares was read."""
        metrics = self.service.metrics
        if metrics is None:
            return False
        names = ("error_rate", "latency_p95", "availability")
        wanted = [name for name in names if metrics.sample or getattr(metrics, name)]
        return all(getattr(self.signals, name) is not None for name in wanted)


@workflow.defn
class BadRelease(Runbook[Service, ReleaseFacts]):
    """Error rate, p95 latency or availability crossed its limit after a release."""

    handles = ("BadRelease", "HighErrorRate", "HighLatency", "LowAvailability")
    parameters = ReleaseLimits
    # After the way back the signals are watched on: rates look back a while, and a relapse comes late.
    verification = Verification(within=timedelta(minutes=10), settle=timedelta(minutes=2), every=timedelta(seconds=15))

    @workflow.run
    async def run(self, case: Case[Service]) -> Outcome:
        """Heal it."""
        return await self.heal(case)

    async def diagnose(self, case: Case[Service]) -> ReleaseFacts:
        """Read the releases, and the signals from Prometheus or by asking the service."""
        service = case.target
        state, signals = await asyncio.gather(self.do(ServiceActivities.read_service, service), self._signals(service))
        return ReleaseFacts(
            service=service,
            limits=case.parameters(ReleaseLimits),
            signals=signals,
            release=state.release,
            release_before=state.release_before,
            released_at=state.released_at,
            read_at=workflow.now(),
        )

    async def _signals(self, service: Service) -> Signals:
        if service.metrics is None:
            return Signals()
        if service.metrics.prometheus:
            return await self.do(PrometheusActivities.read_signals, service)
        sample = await self.do(HttpActivities.sample_service, service)
        return Signals(error_rate=sample.error_rate, latency_p95=sample.latency_p95, availability=sample.availability)

    def propose(self, facts: ReleaseFacts) -> list[Remediation] | Escalate:
        """The release before, if the live one is young enough to be to blame."""
        name, crossed = facts.service.name, ", ".join(facts.crossed()) or "no limit is known to be crossed"
        if not facts.release or not facts.release_before:
            return Escalate(reason=f"{name}: {crossed}, but there is no release to return to.")
        if facts.released_at is None or facts.read_at - facts.released_at > facts.limits.recent:
            return Escalate(reason=f"{name}: {crossed}, but release {facts.release} is too old to be to blame.")
        if not facts.crossed():
            return Escalate(
                reason=f"{name}: the alert fires, but the metrics are unknown; nothing is blamed on a guess."
            )
        back = ReturnToRelease(service=facts.service, release=facts.release_before, release_now=facts.release)
        return [back]

    def verify(self, facts: ReleaseFacts) -> Verdict:
        """Well only when every signal that the service declares is known and within its limit."""
        if facts.crossed():
            return Verdict.UNHEALTHY
        return Verdict.HEALTHY if facts.known() else Verdict.INCONCLUSIVE
