"""The loop that every runbook goes through: diagnose, propose, gate, apply, verify, undo; again, or escalate.

It is written here once, so that no author can forget a part of it. Whatever cuts it short, be it a cancellation, the
deadline or a mistake in the runbook, a change that is not verified is undone before the execution ends.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NoReturn, Protocol

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from models.case import Case
from models.decision import Decision, Question
from models.errors import UnknownEffectError
from models.outcome import Ending, Fate, Outcome, Reason
from models.policy import Verification
from models.record import Record
from models.showing import shown
from models.verdict import Verdict
from workflows.attributes import APPROVAL, OUTCOME, VERDICT
from workflows.conditions import Conditions
from workflows.deadline import Deadline
from workflows.do import Do
from workflows.ending import Ended, failure_text, of_kind
from workflows.journal import Journal
from workflows.judgement import Gate, gate, untried, weigh
from workflows.people import tell_outcome, tell_question
from workflows.questions import Questions
from workflows.remediation import Escalate, Remediation

_SLOWEST = 6
"""Looks at a target that is not well become rarer, up to this many times the time between two: each costs history."""


class Judge(Protocol):
    """What the loop asks of a runbook."""

    do: Do

    @property
    def verification(self) -> Verification: ...  # noqa: D102
    async def diagnose(self, case: Any) -> Any: ...  # noqa: ANN401, D102
    def propose(self, facts: Any) -> Sequence[Remediation] | Escalate: ...  # noqa: ANN401, D102
    def verify(self, facts: Any) -> Verdict: ...  # noqa: ANN401, D102


class Loop:
    """One execution's way through the loop."""

    def __init__(
        self,
        judge: Judge,
        case: Case[Any],
        journal: Journal,
        questions: Questions,
        conditions: Conditions,
        deadline: Deadline,
    ) -> None:
        self._judge = judge
        self._case = case
        self._policy = case.policy
        self._rules = case.policy.verify or judge.verification
        self._journal = journal
        self._questions = questions
        self._conditions = conditions
        self._deadline = deadline
        self._tried: list[Remediation] = []

    async def run(self) -> Outcome:
        """Go through it to an outcome. Raises only what cancelled it."""
        self._deadline.start(self._policy.deadline)
        self._journal.join(self._conditions.begin(self._case.alert))
        try:
            await self._heal()
        except Ended as end:
            return await self._finish(end)
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled_exception(error):
                await asyncio.shield(self._finish(Ended(Ending.CANCELLED, "It was cancelled.")))
                raise
            # A mistake in a runbook must reach people, not hang as a workflow task that fails for ever.
            text = f"The runbook itself failed: {failure_text(error)}"
            return await self._finish(Ended(Ending.ESCALATED, text, Reason.RUNBOOK_FAILED))

    async def _heal(self) -> NoReturn:
        """Try one remediation after another.

        Raises:
            Ended: always, sooner or later.
        """
        while True:
            candidates = self._propose(await self._look("diagnosing"))
            remediation = candidates[0]
            decision = gate(self._policy, remediation.risk)
            if decision is Gate.CLOSED:
                raise Ended(Ending.OBSERVED, f"It would have been tried: {remediation.summary()}")
            if decision is Gate.ASK:
                await self._ask_to_apply(remediation, len(candidates))
                candidates = self._propose(await self._look("reading the facts again"))
                if not any(remediation.same(candidate) for candidate in candidates):
                    self._journal.note("what was approved does not apply any more; asking anew")
                    continue
            self._tried.append(remediation)
            if await self._try(remediation):
                raise Ended(Ending.HEALED, f"Healed. {remediation.summary()}")

    async def _look(self, stage: str) -> Record:
        """Diagnose, and end here if the target is well or its alert is over."""
        self._journal.stage(stage)
        try:
            facts, verdict = await self._read()
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            self._deadline.check()
            text = f"The diagnosis failed: {failure_text(error)}"
            raise Ended(Ending.ESCALATED, text, Reason.DIAGNOSIS_FAILED) from error
        if verdict is Verdict.HEALTHY:
            raise Ended(Ending.RECOVERED, "The target is well; nothing needs to be done.")
        self._end_if_over()
        self._deadline.check()
        return facts

    async def _read(self) -> tuple[Record, Verdict]:
        facts: Record = await self._judge.diagnose(self._case)
        verdict = self._judge.verify(facts)
        self._journal.found(shown(facts), verdict)
        return facts, verdict

    def _propose(self, facts: Record) -> list[Remediation]:
        proposed = self._judge.propose(facts)
        if isinstance(proposed, Escalate):
            raise Ended(Ending.ESCALATED, proposed.reason, Reason.RUNBOOK)
        candidates = untried(proposed, self._tried)
        self._journal.planned(tuple(candidate.proposal() for candidate in candidates))
        if not candidates:
            done = "Everything the runbook knows was tried" if self._tried else "The runbook knows nothing to try"
            raise Ended(Ending.ESCALATED, f"{done}, and the target is not well.", Reason.NOTHING_LEFT)
        return candidates

    async def _try(self, remediation: Remediation) -> bool:
        """Apply, verify, and undo unless it helped. Says whether it did."""
        self._journal.began(remediation.proposal())
        try:
            helped = await self._apply_and_verify(remediation)
        except (Exception, asyncio.CancelledError) as error:
            if not (isinstance(error, Ended) and error.keeps):
                await self._undo(remediation)
            raise
        if helped:
            self._journal.became(Fate.KEPT, verdict=Verdict.HEALTHY)
        else:
            await self._undo(remediation)
        return helped

    async def _apply_and_verify(self, remediation: Remediation) -> bool:
        self._journal.stage("applying")
        self._journal.note(f"applying: {remediation.summary()}")
        try:
            await remediation.apply(self._judge.do)
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            self._journal.became(Fate.APPLYING, error=failure_text(error))
            self._journal.note(f"it failed: {failure_text(error)}")
            if not of_kind(error, UnknownEffectError):
                self._journal.became(Fate.APPLYING, verdict=Verdict.UNHEALTHY)
                return False
            # It may well have been made, and have helped: the facts tell.
        verdict = await self._settle()
        self._journal.became(Fate.VERIFYING, verdict=verdict)
        self._journal.note(f"verified: {verdict}")
        if verdict is Verdict.INCONCLUSIVE:
            return await self._ask_to_keep(remediation)
        return verdict is Verdict.HEALTHY

    async def _settle(self) -> Verdict:
        """Look until the target is well for the settle time, or the time to show it is over."""
        self._journal.became(Fate.VERIFYING)
        self._journal.stage("verifying")
        until = workflow.time() + self._deadline.within(self._rules.within).total_seconds()
        well_since: float | None = None
        pause = every = self._rules.every.total_seconds()
        while True:
            verdict, now = await self._look_after(), workflow.time()
            well_since = (now if well_since is None else well_since) if verdict is Verdict.HEALTHY else None
            settled = None if well_since is None else well_since + self._rules.settle.total_seconds()
            if settled is not None and now >= settled:
                return Verdict.HEALTHY
            if now >= until:
                # Well, but not for long enough to say so.
                return Verdict.INCONCLUSIVE if verdict is Verdict.HEALTHY else verdict
            next_look = min(now + (pause if settled is None else every), settled or until, until)
            pause = min(pause * 1.5, every * _SLOWEST)
            await workflow.sleep(max(next_look - now, 0.001), summary="before the next look")

    async def _look_after(self) -> Verdict:
        try:
            _, verdict = await self._read()
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            self._journal.note(f"cannot be verified now: {failure_text(error)}")
            verdict = Verdict.INCONCLUSIVE
        return weigh(verdict, resolved=self._conditions.over)

    async def _undo(self, remediation: Remediation) -> None:
        """Take the change back, whatever else happens to the execution meanwhile."""
        undoing = asyncio.create_task(self._undo_now(remediation))
        try:
            await asyncio.shield(undoing)
        except asyncio.CancelledError:
            await undoing
            raise

    async def _undo_now(self, remediation: Remediation) -> None:
        if not remediation.undo_summary():
            self._journal.became(Fate.NOT_UNDOABLE)
            self._journal.note(f"did not help, and there is nothing to undo: {remediation.summary()}")
            return
        self._journal.became(Fate.UNDOING)
        self._journal.stage("undoing")
        self._journal.note(f"undoing: {remediation.summary()}")
        try:
            with self._deadline.suspended():
                await remediation.undo(self._judge.do)
        except Exception as error:
            text = failure_text(error)
            self._journal.became(Fate.UNDO_FAILED, error=text)
            text = f"Could not be undone: {remediation.summary()} {text}"
            raise Ended(Ending.ROLLBACK_INCOMPLETE, text, Reason.UNDO_FAILED) from error
        self._journal.became(Fate.UNDONE)

    async def _ask_to_apply(self, remediation: Remediation, choices: int) -> None:
        reason = f"The first of {choices} that could help." if choices > 1 else "All that is left to try."
        decision = await self._ask(Question.APPLY, remediation, reason)
        if decision is None:
            self._end_if_over()
            self._deadline.check()
            text = f"Nobody answered in time, so it was not applied: {remediation.summary()}"
            raise Ended(Ending.ESCALATED, text, Reason.APPROVAL_EXPIRED)
        if not decision.approved:
            raise Ended(Ending.REJECTED, f"{decision.by} rejected it: {decision.reason or 'no reason given'}")

    async def _ask_to_keep(self, remediation: Remediation) -> bool:
        text = "Whether it helped cannot be told from the facts."
        decision = await self._ask(Question.KEEP, remediation, text)
        if decision is not None:
            return decision.approved
        if self._conditions.over:
            return True
        self._journal.became(Fate.KEPT)
        raise Ended(Ending.ESCALATED, f"{text} It is kept; nobody answered.", Reason.INCONCLUSIVE, keeps=True)

    async def _ask(self, question: Question, remediation: Remediation, reason: str) -> Decision | None:
        """Put a question to people. None when it expired, or the alert ended meanwhile."""
        within = self._deadline.within(self._policy.approve_within)
        request = self._questions.ask(question, remediation.proposal(), reason, self._policy.approvers, within)
        workflow.upsert_search_attributes([APPROVAL.value_set(request.id)])
        self._journal.stage("waiting for a person")
        self._journal.note(f"asked to {question}, request {request.id}: {remediation.summary()}")
        await tell_question(self._judge.do, self._case, self._journal, request)
        decision = await self._questions.answered(lambda: self._conditions.over)
        workflow.upsert_search_attributes([APPROVAL.value_unset()])
        if decision is not None:
            word = "approved" if decision.approved else "rejected"
            why = decision.reason or "no reason given"
            self._journal.note(f"request {request.id} {word} by {decision.by}: {why}")
        else:
            self._journal.note(f"request {request.id}: {'the alert ended' if self._conditions.over else 'expired'}")
        return decision

    async def _finish(self, end: Ended) -> Outcome:
        outcome = end.outcome(self._journal)
        self._journal.ended(outcome)
        workflow.upsert_search_attributes(
            [VERDICT.value_set(outcome.verdict.value), OUTCOME.value_set(outcome.ending.value)]
        )
        with self._deadline.suspended():
            await tell_outcome(self._judge.do, self._case, self._journal, outcome)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return outcome

    def _end_if_over(self) -> None:
        if self._conditions.over:
            raise Ended(Ending.RECOVERED, "The alert is resolved; nothing needs to be done.")
