"""The toy runbook as a careless change would make it."""

from selfheal import Case, Escalate, Outcome, Remediation, Service, workflow
from tests.workflows.toy import MachineBroken, ToyFacts


@workflow.defn(name="MachineBroken")
class GivesUpSooner(MachineBroken):
    """Only one button is tried any more, and executions under way may be at the second."""

    @workflow.run
    async def run(self, case: Case[Service]) -> Outcome:
        """Heal it."""
        return await self.heal(case)

    def propose(self, facts: ToyFacts) -> list[Remediation] | Escalate:
        """The first button."""
        proposed = super().propose(facts)
        return proposed if isinstance(proposed, Escalate) else proposed[:1]
