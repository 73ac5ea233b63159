"""A runbook for the machines of the hand-written world: every branch of the loop, and no real system."""

from datetime import timedelta
from typing import ClassVar

from selfheal import (
    Case,
    Do,
    Escalate,
    Facts,
    Outcome,
    Parameters,
    Remediation,
    Risk,
    Runbook,
    Service,
    Verdict,
    Verification,
    workflow,
)
from tests.workflows.world import Push, WorldActivities


class ToyParameters(Parameters):
    """Which buttons there are; ``!`` behind a name makes it risky, ``-`` leaves no way back."""

    buttons: tuple[str, ...] = ("a", "b")
    mistake: str = ""


class ToyFacts(Facts):
    """How the machine is."""

    service: Service
    health: str
    parameters: ToyParameters


class Press(Remediation):
    """Press a button."""

    risk: ClassVar[Risk] = Risk.LOW
    machine: str
    button: str

    async def apply(self, do: Do) -> None:
        """Press it."""
        await do(WorldActivities.push, Push(machine=self.machine, button=self.button))

    async def undo(self, do: Do) -> None:
        """It is let go."""
        await do(WorldActivities.push, Push(machine=self.machine, button=self.button, release=True))

    def summary(self) -> str:
        """Name the button."""
        return f"Press {self.button}."


class PressRisky(Press):
    """Press a risky button."""

    risk: ClassVar[Risk] = Risk.HIGH


class PressForGood(Remediation):
    """Press a button that stays down."""

    risk: ClassVar[Risk] = Risk.LOW
    machine: str
    button: str

    async def apply(self, do: Do) -> None:
        """Press it."""
        await do(WorldActivities.push, Push(machine=self.machine, button=self.button))


@workflow.defn
class MachineBroken(Runbook[Service, ToyFacts]):
    """A machine is broken."""

    handles = ("MachineBroken",)
    parameters = ToyParameters
    verification = Verification(
        within=timedelta(milliseconds=300), settle=timedelta(0), every=timedelta(milliseconds=100)
    )

    @workflow.run
    async def run(self, case: Case[Service]) -> Outcome:
        """Heal it."""
        return await self.heal(case)

    async def diagnose(self, case: Case[Service]) -> ToyFacts:
        """Look at it."""
        look = await self.do(WorldActivities.look, case.target)
        return ToyFacts(service=case.target, health=look.health, parameters=case.parameters(ToyParameters))

    def propose(self, facts: ToyFacts) -> list[Remediation] | Escalate:
        """Every button, in order."""
        if facts.parameters.mistake == "propose":
            raise ZeroDivisionError("a mistake in propose")
        if facts.parameters.mistake == "escalate":
            return Escalate(reason="a person must look")
        return [_press(facts.service.name, button) for button in facts.parameters.buttons]

    def verify(self, facts: ToyFacts) -> Verdict:
        """What the look says."""
        return {"ok": Verdict.HEALTHY, "bad": Verdict.UNHEALTHY}.get(facts.health, Verdict.INCONCLUSIVE)


def _press(machine: str, button: str) -> Remediation:
    kind = {"!": PressRisky, "-": PressForGood}.get(button[-1], Press)
    return kind(machine=machine, button=button.rstrip("!-"))
