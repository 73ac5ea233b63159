"""A stand-in for a runbook: its execution is under way until it hears that the alert is over."""

from temporalio import workflow

from models.alert import Alert
from models.case import AnyCase
from models.ids import GUARD
from models.outcome import Ending, Outcome
from models.verdict import Verdict


@workflow.defn(name="ServiceUnhealthy")
class Patient:
    """Waits for the resolved alert."""

    @workflow.init
    def __init__(self, case: AnyCase) -> None:
        self._alerts = [case.alert]

    @workflow.run
    async def run(self, case: AnyCase) -> Outcome:  # noqa: ARG002 - taken in __init__
        """End when an alert is resolved."""
        await workflow.wait_condition(lambda: any(alert.resolved for alert in self._alerts))
        return Outcome(ending=Ending.RECOVERED, verdict=Verdict.HEALTHY)

    @workflow.signal(name="alert")
    def hear(self, alert: Alert) -> None:
        """Hear of another alert."""
        self._alerts.append(alert)

    @workflow.query(name="heard")
    def heard(self) -> list[str]:
        """The names of all alerts so far."""
        return [alert.name for alert in self._alerts]


@workflow.defn(name=GUARD)
class Silent:
    """A guard that takes alerts and says nothing about them."""

    @workflow.run
    async def run(self, memory: None) -> None:  # noqa: ARG002 - as of a real guard
        """Stand for a minute."""
        await workflow.sleep(60)

    @workflow.signal(name="alert")
    def hear(self, case: AnyCase) -> None:
        """Take an alert."""

    @workflow.query(name="admission")
    def admission(self, key: str) -> None:
        """Say nothing."""
