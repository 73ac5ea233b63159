"""What an execution found, does and waits for: kept for queries, and shown in the Temporal UI as it goes."""

from typing import Any

from temporalio import workflow

from models.alert import Alert
from models.case import Case
from models.outcome import AppliedChange, Entry, Fate, Outcome, Progress
from models.proposal import Proposal
from models.verdict import Verdict
from workflows.details import details
from workflows.questions import Questions

_STORY_KEPT = 60
_JOINED_KEPT = 20


class Journal:
    """The story of one execution."""

    def __init__(self, case: Case[Any], questions: Questions) -> None:
        self._questions = questions
        self._progress = Progress(
            runbook=workflow.info().workflow_type,
            target=case.target.id,
            policy=case.policy.name,
            autonomy=case.policy.autonomy,
            alert=case.alert.name,
            stage="starting",
            started_at=workflow.info().start_time,
        )

    @property
    def progress(self) -> Progress:
        """All of it, as data."""
        return self._progress.model_copy(update={"request": self._questions.open, "decided": self._questions.decided})

    @property
    def changes(self) -> tuple[AppliedChange, ...]:
        """The changes that were begun."""
        return self._progress.changes

    def stage(self, stage: str) -> None:
        """Say what goes on now."""
        self._set(stage=stage)

    def note(self, text: str) -> None:
        """Add a line to the story."""
        story = (*self._progress.story, Entry(at=workflow.now(), text=text))
        if len(story) > _STORY_KEPT:
            story = (story[0], *story[-_STORY_KEPT + 1 :])
        self._set(story=story)

    def found(self, facts: dict[str, Any], verdict: Verdict) -> None:
        """Keep what was read last."""
        self._set(facts=facts, verdict=verdict)

    def planned(self, plan: tuple[Proposal, ...]) -> None:
        """Keep what would be tried, in order."""
        self._set(plan=plan)

    def join(self, alerts: list[Alert]) -> None:
        """Keep alerts that came for the same target."""
        for alert in alerts:
            self._set(joined=(*self._progress.joined, alert.name)[-_JOINED_KEPT:])
            self.note(f"joined by alert {alert.name}")

    def began(self, proposal: Proposal) -> None:
        """A change begins."""
        change = AppliedChange(proposal=proposal, fate=Fate.APPLYING, began_at=workflow.now())
        self._set(changes=(*self._progress.changes, change))

    def became(self, fate: Fate, *, verdict: Verdict | None = None, error: str = "") -> None:
        """The last change goes on."""
        *before, last = self._progress.changes
        ended = fate in {Fate.KEPT, Fate.UNDONE, Fate.NOT_UNDOABLE, Fate.UNDO_FAILED}
        last = last.model_copy(
            update={
                "fate": fate,
                "verdict": verdict or last.verdict,
                "error": error or last.error,
                "ended_at": workflow.now() if ended else None,
            }
        )
        self._set(changes=(*before, last))

    def ended(self, outcome: Outcome) -> None:
        """The execution ends."""
        self._set(outcome=outcome, stage=outcome.ending.value.replace("_", " "))

    def show(self) -> None:
        """Bring the Temporal UI up to date."""
        workflow.set_current_details(details(self.progress, workflow.info().workflow_id))

    def _set(self, **fields: object) -> None:
        self._progress = self._progress.model_copy(update=fields)
        self.show()
