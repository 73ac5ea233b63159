"""A runbook that the sandbox must not let in: it looks at the clock while it is imported."""

from datetime import UTC, datetime

from selfheal import Case, Escalate, Facts, Outcome, Remediation, Runbook, Service, Verdict, workflow

BEGAN = datetime.now(UTC)


class ClockFacts(Facts):
    """What time it was."""

    began: datetime


@workflow.defn
class LooksAtTheClock(Runbook[Service, ClockFacts]):
    """Judges by when its module was imported."""

    @workflow.run
    async def run(self, case: Case[Service]) -> Outcome:
        """Heal it."""
        return await self.heal(case)

    async def diagnose(self, case: Case[Service]) -> ClockFacts:  # noqa: ARG002
        """The time that a replay would not see again."""
        return ClockFacts(began=BEGAN)

    def propose(self, facts: ClockFacts) -> list[Remediation] | Escalate:
        """Nothing."""
        return Escalate(reason=f"began at {facts.began}")

    def verify(self, facts: ClockFacts) -> Verdict:  # noqa: ARG002
        """Nobody knows."""
        return Verdict.INCONCLUSIVE
