"""What the guard of a target remembers between executions, and how it judges an alert by that. Pure."""

from datetime import datetime, timedelta

from pydantic import Field

from models.admission import Admission, Admitted, Refused
from models.alert import Alert
from models.case import AnyCase
from models.model import Model
from models.outcome import Ending, Outcome
from models.policy import Policy

ATTEMPTS_WINDOW = timedelta(hours=1)
"""The attempts of a policy are counted over this long."""

RESEND_WINDOW = timedelta(minutes=5)
"""A report sent again within this long is a repeat, even where no cooldown holds: senders retry for minutes."""

_REPORTS_KEPT = 200
_EPISODES_KEPT = 50


class Running(Model):
    """The execution that is under way.

    Attributes:
        episodes: of the alerts that started and joined it.
    """

    execution: str
    policy: Policy
    episodes: tuple[str, ...]


class Memory(Model):
    """All that must outlive an execution; the input of the guard when it continues as new.

    Attributes:
        running: the execution under way.
        cooldown_until: before this moment nothing starts.
        attempts: when executions that changed something ended, within the window.
        reports: the last reports by key, with what became of them and when.
        told_spent: people were told that the attempts are spent.
    """

    running: Running | None = None
    cooldown_until: datetime | None = None
    attempts: tuple[datetime, ...] = ()
    reports: dict[str, tuple[datetime, Admission]] = Field(default_factory=dict)
    told_spent: bool = False

    def judge(self, case: AnyCase, now: datetime) -> Admission:
        """What becomes of this alert: start, join, resolve, or why not."""
        alert = case.alert
        seen = self.reports.get(alert.key)
        about = {"policy": case.policy.name, "target": case.target.id}
        if alert.resolved:
            return self._resolve(alert, about)
        if self.running:
            known = alert.episode in self.running.episodes
            text = "the execution for it is under way" if known else "joins the execution that is under way"
            return Admission(result=Admitted.JOINED, execution=self.running.execution, detail=text, **about)
        if self.cooldown_until and now < self.cooldown_until:
            text = f"an execution ended a short while ago; cooldown until {self.cooldown_until:%H:%M:%S}Z"
            return _refused(Refused.COOLDOWN, text, about, until=self.cooldown_until)
        recent = self._recent(now)
        if len(recent) >= case.policy.attempts:
            until = recent[-case.policy.attempts] + ATTEMPTS_WINDOW
            text = f"{len(recent)} executions changed the target within the hour; people are told instead"
            return _refused(Refused.ATTEMPTS_SPENT, text, about, until=until)
        if seen and now < seen[0] + RESEND_WINDOW and seen[1].execution:
            text = f"sent again; it was handled by {seen[1].execution}"
            return _refused(Refused.DUPLICATE, text, about, execution=seen[1].execution)
        return Admission(result=Admitted.STARTED, **about)

    def _resolve(self, alert: Alert, about: dict[str, str]) -> Admission:
        if self.running and alert.episode in self.running.episodes:
            text = "the execution is told that the alert is over"
            return Admission(result=Admitted.RESOLVED, execution=self.running.execution, detail=text, **about)
        return _refused(Refused.NOTHING_RUNNING, "no execution is under way for it", about)

    def reported(self, alert: Alert, admission: Admission, now: datetime) -> "Memory":
        """Remember what became of a report."""
        reports = {**self.reports, alert.key: (now, admission)}
        while len(reports) > _REPORTS_KEPT:
            del reports[next(iter(reports))]
        return self.model_copy(update={"reports": reports})

    def started(self, execution: str, case: AnyCase) -> "Memory":
        """Remember that an execution is under way."""
        running = Running(execution=execution, policy=case.policy, episodes=(case.alert.episode,))
        return self.model_copy(update={"running": running})

    def joined(self, alert: Alert) -> "Memory":
        """Remember that an alert joined the execution under way."""
        if not self.running or alert.episode in self.running.episodes or len(self.running.episodes) >= _EPISODES_KEPT:
            return self
        episodes = (*self.running.episodes, alert.episode)
        return self.model_copy(update={"running": self.running.model_copy(update={"episodes": episodes})})

    def ended(self, outcome: Outcome | None, now: datetime) -> "Memory":
        """Remember how the execution under way ended; None when it was terminated, and nobody knows what it did."""
        if not self.running:
            return self
        update: dict[str, object] = {"running": None, "told_spent": False}
        if outcome is None or outcome.ending is not Ending.RECOVERED:
            update["cooldown_until"] = now + self.running.policy.cooldown
        if outcome is None or outcome.acted:
            update["attempts"] = (*self._recent(now), now)
        return self.model_copy(update=update)

    def forget_after(self, now: datetime) -> datetime | None:
        """When the last thing worth remembering is over; None while an execution is under way."""
        if self.running:
            return None
        moments = [now]
        moments += [attempt + ATTEMPTS_WINDOW for attempt in self.attempts]
        moments += [at + RESEND_WINDOW for at, admission in self.reports.values() if admission.execution]
        if self.cooldown_until:
            moments.append(self.cooldown_until)
        return max(moments)

    def _recent(self, now: datetime) -> tuple[datetime, ...]:
        return tuple(at for at in self.attempts if at + ATTEMPTS_WINDOW > now)


def _refused(
    why: Refused, text: str, about: dict[str, str], *, until: datetime | None = None, execution: str | None = None
) -> Admission:
    return Admission(result=Admitted.REFUSED, refused=why, detail=text, until=until, execution=execution, **about)
