"""A metric crossed the threshold of a policy that spells out its own actions."""

import asyncio
from datetime import timedelta

from models.policy import Action, RestartAction, RollbackAction, ScaleAction, ScaleParameters
from runbooks.services import Restart, ReturnToRelease, Scale, answer
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
    Verification,
    workflow,
)


class ThresholdFacts(Facts):
    """What the actions of a policy need to know of their target.

    Attributes:
        answers: its health endpoint is fine; None when none is declared.
        instances: how many there are, where scaling is declared.
    """

    service: Service
    actions: tuple[Action, ...]
    answers: bool | None = None
    instances: int | None = None
    release: str | None = None
    release_before: str | None = None


@workflow.defn
class ThresholdCrossed(Runbook[Service, ThresholdFacts]):
    """A metric is beyond the threshold of a policy, which says what to do."""

    # The alert's own end is the proof, and alerts take their time to end.
    verification = Verification(within=timedelta(minutes=15), settle=timedelta(0), every=timedelta(seconds=5))

    @workflow.run
    async def run(self, case: Case[Service]) -> Outcome:
        """Do what the policy says."""
        return await self.heal(case)

    async def diagnose(self, case: Case[Service]) -> ThresholdFacts:
        """Read the target's state."""
        service = case.target
        state, reading = await asyncio.gather(
            self.do(ServiceActivities.read_service, service), answer(self.do, service)
        )
        return ThresholdFacts(
            service=service,
            actions=case.policy.actions,
            answers=reading.healthy if reading else None,
            instances=state.instances,
            release=state.release,
            release_before=state.release_before,
        )

    def propose(self, facts: ThresholdFacts) -> list[Remediation] | Escalate:
        """The policy's actions, in its order, as far as the target supports them."""
        candidates = [found for action in facts.actions if (found := offer(action, facts))]
        names = ", ".join(action.type for action in facts.actions)
        return candidates or Escalate(reason=f"{facts.service.name} cannot do more of what the policy says: {names}.")

    def verify(self, facts: ThresholdFacts) -> Verdict:
        """Unhealthy when it does not answer; else only the end of the alert can tell."""
        return Verdict.UNHEALTHY if facts.answers is False else Verdict.INCONCLUSIVE


def offer(action: Action, facts: ThresholdFacts) -> Remediation | None:
    """The remediation that an action means on this target; None where the target does not support it."""
    service = facts.service
    match action:
        case RestartAction():
            return Restart(service=service) if service.command("restart") else None
        case RollbackAction():
            if facts.release is None or facts.release_before is None:
                return None
            return ReturnToRelease(service=service, release=facts.release_before, release_now=facts.release)
        case ScaleAction(parameters=parameters):
            if service.scaling is None or facts.instances is None:
                return None
            count = scaled(facts.instances, parameters, service.scaling.min, service.scaling.max)
            return Scale(service=service, count=count, count_now=facts.instances) if count != facts.instances else None


def scaled(now: int, parameters: ScaleParameters, least: int, most: int) -> int:
    """The number of instances after scaling, within the bounds of both the policy and the target.

    It moves only in the direction of the increment: a target already beyond a bound stays where it is.
    """
    low = max(least, parameters.min if parameters.min is not None else least)
    high = min(most, parameters.max if parameters.max is not None else most)
    if parameters.increment > 0:
        return max(now, min(now + parameters.increment, high))
    return min(now, max(now + parameters.increment, low))
