"""A service does not answer, or is down: reload it, restart it, go back to the release before."""

import asyncio

from runbooks.services import Reload, Restart, ReturnToRelease, answer
from selfheal import (
    Case,
    Escalate,
    Facts,
    Outcome,
    Remediation,
    Runbook,
    Service,
    ServiceActivities,
    Verdict,
    workflow,
)


class ServiceFacts(Facts):
    """What is known of a service.

    Attributes:
        running: its unit or status command says so; None when neither is declared.
        stopped_on_purpose: somebody disabled or masked its unit.
        answers: its health endpoint is fine; None when none is declared.
        answer: what the endpoint said, or why it said nothing.
        release, release_before: what is live and what was before it, where releases are declared.
    """

    service: Service
    running: bool | None = None
    stopped_on_purpose: bool = False
    answers: bool | None = None
    answer: str = ""
    release: str | None = None
    release_before: str | None = None


@workflow.defn
class ServiceUnhealthy(Runbook[Service, ServiceFacts]):
    """A service's health endpoint fails, or its unit is down."""

    handles = ("ServiceUnhealthy", "ServiceDown", "ProbeFailed", "SystemdUnitFailed")

    @workflow.run
    async def run(self, case: Case[Service]) -> Outcome:
        """Heal it."""
        return await self.heal(case)

    async def diagnose(self, case: Case[Service]) -> ServiceFacts:
        """Ask the service manager and the health endpoint."""
        service = case.target
        state, reading = await asyncio.gather(
            self.do(ServiceActivities.read_service, service), answer(self.do, service)
        )
        return ServiceFacts(
            service=service,
            running=state.running,
            stopped_on_purpose=bool(state.unit and state.unit.stopped_on_purpose),
            answers=reading.healthy if reading else None,
            answer=reading.text if reading else "",
            release=state.release,
            release_before=state.release_before,
        )

    def propose(self, facts: ServiceFacts) -> list[Remediation] | Escalate:
        """The gentlest first: a reload helps only what still runs; another release is the last resort."""
        service, candidates = facts.service, list[Remediation]()
        if facts.stopped_on_purpose:
            return Escalate(reason=f"{service.name} was stopped on purpose: its unit is disabled or masked.")
        if service.command("reload") and facts.running is not False:
            candidates.append(Reload(service=service))
        if service.command("restart"):
            candidates.append(Restart(service=service))
        if service.command("restart") and facts.release and facts.release_before:
            candidates.append(ReturnToRelease(service=service, release=facts.release_before, release_now=facts.release))
        return candidates or Escalate(reason=f"{service.name} declares no way to restart it: nothing can be tried.")

    def verify(self, facts: ServiceFacts) -> Verdict:
        """Well when all that can be asked says so."""
        known = [fact for fact in (facts.running, facts.answers) if fact is not None]
        if not known:
            return Verdict.INCONCLUSIVE
        return Verdict.HEALTHY if all(known) else Verdict.UNHEALTHY
