"""The guard of a target: what stands between alerts and executions, one for each target.

Alerts come in as signals. While an execution is under way, further alerts join it; after one that changed something,
nothing starts until the cooldown is over; when the attempts are spent, people are told instead. The guard ends when
nothing is left to remember, and continues as new before its history grows large.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ActivityError, ChildWorkflowError, FailureError, WorkflowAlreadyStartedError

from activities.executions import ExecutionActivities
from models.admission import Admission, Admitted, Refused
from models.alert import Alert
from models.case import AnyCase
from models.ids import GUARD, execution_id
from models.memory import Memory
from models.outcome import Outcome
from workflows.attributes import AUTONOMY, POLICY, RUNBOOK, TARGET
from workflows.details import alert_details
from workflows.do import TemporalDo
from workflows.people import tell

_SUMMARY = 200
"""Characters of a summary; Temporal refuses longer ones than 400 bytes."""

_ANSWERS_KEPT = 500
"""Answers kept for senders, who ask within a second."""

_HISTORY_KEPT = 2000
"""Events after which the guard continues as new: well under the 10,240 at which Temporal warns."""


@workflow.defn(name=GUARD)
class TargetGuard:
    """Admits alerts of one target to executions, one at a time."""

    @workflow.init
    def __init__(self, memory: Memory | None) -> None:
        self._memory = memory or Memory()
        self._inbox: deque[AnyCase] = deque()
        self._answers: dict[str, Admission] = {}
        self._ended: deque[Outcome | None] = deque()
        self._waiting: set[asyncio.Task[None]] = set()
        self._do = TemporalDo(lambda: None)

    @workflow.run
    async def run(self, memory: Memory | None) -> None:  # noqa: ARG002 - taken in __init__, before any signal
        """Stand guard until there is nothing left to remember."""
        if self._memory.running:
            self._wait_for(self._await_lost(self._memory.running.execution))
        while True:
            while self._inbox or self._ended:
                if self._ended:
                    self._memory = self._memory.ended(self._ended.popleft(), workflow.now())
                else:
                    await self._take(self._inbox.popleft())
                self._show()
            info = workflow.info()
            # The server suggests it by size too: alerts may be large.
            if info.is_continue_as_new_suggested() or info.get_current_history_length() > _HISTORY_KEPT:
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(self._memory)
            if not await self._news():
                return

    @workflow.signal(name="alert", description="An alert about this target, with the policy that covers it.")
    def _on_alert(self, case: AnyCase) -> None:
        self._inbox.append(case)

    @workflow.query(name="admission", description="What became of the alert that was sent with this receipt.")
    def _admission(self, receipt: str) -> Admission | None:
        return self._answers.get(receipt)

    @workflow.query(name="memory", description="All that the guard remembers.")
    def _remembered(self) -> Memory:
        return self._memory

    async def _news(self) -> bool:
        """Wait for something to happen. False when there is nothing left to wait for."""
        until = self._memory.forget_after(workflow.now())
        try:
            await workflow.wait_condition(
                lambda: bool(self._inbox or self._ended),
                timeout=None if until is None else until - workflow.now(),
                timeout_summary="until all is forgotten",
            )
        except TimeoutError:
            return False
        return True

    async def _take(self, case: AnyCase) -> None:
        now = workflow.now()
        admission = self._memory.judge(case, now)
        if admission.result is Admitted.STARTED:
            execution = execution_id(case.policy.starts, case.target.id, now)
            admission = admission.model_copy(update={"execution": execution})
        if admission.result is Admitted.STARTED and admission.execution:
            self._memory = self._memory.started(admission.execution, case)
            await self._start(case, admission.execution)
        elif admission.result is Admitted.JOINED:
            await self._join(case.alert)
        elif admission.result is Admitted.RESOLVED:
            await self._pass_on(case.alert)
        elif admission.refused is Refused.ATTEMPTS_SPENT:
            await self._tell_spent(case, admission)
        # Only now, so that an execution that the gateway's answer names is there to be looked at.
        self._answers[case.receipt or case.alert.key] = admission
        while len(self._answers) > _ANSWERS_KEPT:
            del self._answers[next(iter(self._answers))]
        if admission.refused is not Refused.DUPLICATE:
            self._memory = self._memory.reported(case.alert, admission, now)

    async def _start(self, case: AnyCase, execution: str) -> None:
        runbook, target = case.policy.starts, case.target.id
        try:
            handle = await workflow.start_child_workflow(
                runbook,
                case,
                id=execution,
                result_type=Outcome,
                # An execution outlives its guard's continuing as new, and the guard's end by a person.
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(RUNBOOK, runbook),
                        SearchAttributePair(TARGET, target),
                        SearchAttributePair(POLICY, case.policy.name),
                        SearchAttributePair(AUTONOMY, case.policy.autonomy.value),
                    ]
                ),
                static_summary=f"{case.alert.name} on {target}"[:_SUMMARY],
                static_details=alert_details(case.alert),
            )
        except WorkflowAlreadyStartedError:
            # Somebody reset or restarted this guard: the execution of this very moment is there already.
            self._wait_for(self._await_lost(execution))
            return
        self._wait_for(self._await_child(handle))

    async def _await_child(self, handle: workflow.ChildWorkflowHandle[object, Outcome]) -> None:
        try:
            self._ended.append(await handle)
        except ChildWorkflowError:
            self._ended.append(None)

    async def _await_lost(self, execution: str) -> None:
        """Wait for an execution that an earlier run of this guard started: its handle is gone with that run."""
        try:
            awaited = await self._do(ExecutionActivities.await_execution, execution)
            self._ended.append(awaited.outcome)
        except ActivityError:
            self._ended.append(None)

    def _wait_for(self, waiting: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(waiting)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _join(self, alert: Alert) -> None:
        before = self._memory
        self._memory = before.joined(alert)
        if self._memory is not before:
            await self._pass_on(alert)

    async def _pass_on(self, alert: Alert) -> None:
        if self._memory.running:
            try:
                await workflow.get_external_workflow_handle(self._memory.running.execution).signal("alert", alert)
            except FailureError:
                # It ended this very moment; its end is on the way to us.
                workflow.logger.info("the execution ended before it could be told of alert %s", alert.name)

    async def _tell_spent(self, case: AnyCase, admission: Admission) -> None:
        if self._memory.told_spent:
            return
        self._memory = self._memory.model_copy(update={"told_spent": True})
        text = f"{case.alert.name} on {case.target.id}: {admission.detail}."
        await tell(self._do, case, workflow.logger.warning, "attempts_spent", text, {})

    def _show(self) -> None:
        memory, lines = self._memory, []
        if memory.running:
            lines.append(f"Execution under way: `{memory.running.execution}`")
        if memory.cooldown_until:
            lines.append(f"Cooldown until {memory.cooldown_until:%Y-%m-%d %H:%M:%S}Z")
        lines.append(f"Executions that changed the target within the hour: {len(memory.attempts)}")
        lines += [
            f"- `{at:%H:%M:%S}` {admission.result}{f' ({admission.refused})' if admission.refused else ''}: "
            f"{admission.execution or admission.detail}"
            for at, admission in list(memory.reports.values())[-20:]
        ]
        # The UI cuts the end of what it shows; let that be nothing.
        workflow.set_current_details("\n\n".join([*lines, "\u00a0"]))
