"""The one door to the guards: every alert, from outside or from a watch, is handed to Temporal here.

Nothing is kept on this side. When `Intake.take` returns, Temporal has every alert; when it raises, the sender sends
all of them again, which is safe because a guard knows an alert by its key.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError, RPCStatusCode

from activities.step import changes
from models.admission import Admission, Admitted, Refused
from models.alert import Alert
from models.case import AnyCase
from models.change import Change
from models.errors import TryAgainError
from models.ids import GUARD, TASK_QUEUE, guard_id
from models.matching import match
from models.policy_file import PolicyFile
from models.runbook_info import RunbookInfo

ANSWER_WITHIN = timedelta(seconds=0.5)
"""How long the guards have to say what they did; the sender waits meanwhile, and some wait no longer than a second."""

_CALL_WITHIN = timedelta(seconds=15)
_PATIENCE = timedelta(seconds=3)  # then it is asked whether Temporal is slow, which is waited for, or away
_HEALTH_WITHIN = timedelta(seconds=2)
_CALLS_AT_ONCE = 25
_SUMMARY = 100  # characters; Temporal takes 400 bytes
_FIRST_PAUSE = 0.01  # a guard answers once its execution has started, which takes this long at the least
_LONGEST_PAUSE = 0.1
_LAZY = "Failed client connect"  # what a client says that connects when it is first used; the SDK has no type for it


class TemporalAwayError(TryAgainError):
    """Temporal does not take alerts now."""


class Intake:
    """Hands alerts to the guards of their targets.

    Args:
        client: to Temporal.
        file: policies and declared targets.
        runbooks: the known runbooks by name.
        task_queue: where the workers listen that run the guards.
        answer_within: how long `take` waits for the guards to say what they did; zero does not ask.
    """

    def __init__(
        self,
        client: Client,
        file: PolicyFile,
        runbooks: Mapping[str, RunbookInfo],
        *,
        task_queue: str = TASK_QUEUE,
        answer_within: timedelta = ANSWER_WITHIN,
    ) -> None:
        self._client = client
        self._file = file
        self._runbooks = runbooks
        self._task_queue = task_queue
        self._answer_within = answer_within
        self._calls = asyncio.Semaphore(_CALLS_AT_ONCE)

    async def take(self, alerts: Sequence[Alert]) -> list[Admission]:
        """Hand over alerts; one answer for each, in their order. Those about one target arrive there in that order.

        Raises:
            TemporalAwayError: Temporal did not take all of them. Sending all again is safe.
        """
        matched = [match(self._file, self._runbooks, alert) for alert in alerts]
        cases = {
            index: case.model_copy(update={"receipt": uuid.uuid4().hex})
            for index, case in enumerate(matched)
            if not isinstance(case, Admission)
        }
        answers = {index: answer for index, answer in enumerate(matched) if isinstance(answer, Admission)}
        queues: dict[str, dict[int, AnyCase]] = {}
        for index, case in cases.items():
            queues.setdefault(case.target.id, {})[index] = case
        try:
            async with asyncio.TaskGroup() as group:
                for queue in queues.values():
                    group.create_task(self._hand_over(queue, answers))
        except ExceptionGroup as failed:
            # The first one to fail cancelled the others: one reason is enough to send all again.
            raise failed.exceptions[0] from None
        await self._ask({index: case for index, case in cases.items() if index not in answers}, answers)
        return [answers.get(index) or _taken(cases[index]) for index in range(len(alerts))]

    async def away(self) -> str | None:
        """Why Temporal cannot be reached, or None if it can."""
        try:
            healthy = await self._client.service_client.check_health(timeout=_HEALTH_WITHIN)
        except (RPCError, RuntimeError) as error:
            return str(error)
        return None if healthy else "Temporal says that it is not serving"

    async def _hand_over(self, queue: Mapping[int, AnyCase], answers: dict[int, Admission]) -> None:
        for index, case in queue.items():
            async with self._calls:
                refused = await self._call(case)
            if refused:
                answers[index] = refused

    async def _call(self, case: AnyCase) -> Admission | None:
        """Wait for a slow Temporal, since sending again makes it slower, but not for one that is away."""
        calling = asyncio.create_task(self._signal(case))
        try:
            while not (await asyncio.wait({calling}, timeout=_PATIENCE.total_seconds()))[0]:
                if why := await self.away():
                    raise _away(why)
            return calling.result()
        finally:
            calling.cancel()

    async def _signal(self, case: AnyCase) -> Admission | None:
        """Give one case to its guard; an admission if that is already the end of it."""
        guard = guard_id(case.target.id)
        try:
            if case.alert.resolved:
                handle = self._client.get_workflow_handle(guard)
                await handle.signal("alert", case, rpc_timeout=_CALL_WITHIN)
            else:
                await self._client.start_workflow(
                    GUARD,
                    args=[None],
                    id=guard,
                    task_queue=self._task_queue,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    start_signal="alert",
                    start_signal_args=[case],
                    static_summary=f"Guard of {case.target.id}"[:_SUMMARY],
                    rpc_timeout=_CALL_WITHIN,
                )
        except RPCError as error:
            if case.alert.resolved and error.status is RPCStatusCode.NOT_FOUND and not _lacks_namespace(error):
                return _refused(case, Refused.NOTHING_RUNNING, "no execution is under way for it")
            if error.status is RPCStatusCode.INVALID_ARGUMENT:
                return _refused(case, Refused.MALFORMED, f"Temporal refuses it: {error.message}")
            raise _away(f"{error.status.name}: {error.message}") from error
        except RuntimeError as error:
            if _LAZY not in str(error):
                raise
            raise _away(str(error)) from error
        return None

    async def _ask(self, cases: Mapping[int, AnyCase], answers: dict[int, Admission]) -> None:
        """Ask the guards what they did, for as long as there is time."""
        if self._answer_within and cases:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._answer_within.total_seconds()):
                    await asyncio.gather(*(self._answer(index, case, answers) for index, case in cases.items()))

    async def _answer(self, index: int, case: AnyCase, answers: dict[int, Admission]) -> None:
        handle, pause = self._client.get_workflow_handle(guard_id(case.target.id)), _FIRST_PAUSE
        try:
            while index not in answers:
                await asyncio.sleep(pause)
                async with self._calls:
                    said = await handle.query("admission", case.receipt, rpc_timeout=self._answer_within)
                if said is not None:
                    answers[index] = Admission.model_validate(said)
                pause = min(pause * 2, _LONGEST_PAUSE)
        except (TemporalError, ValueError):
            # Best effort: Temporal has the alert, and what became of it is seen in its UI.
            return


class RaiseAlert(Change):
    """An alert of our own, from a watch."""

    alert: Alert


class AlertActivities:
    """Raises alerts from workflows, through the door that everybody else uses; the intake is injected."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    @changes(
        "raise {alert.name}, {alert.status}",
        timeout=timedelta(seconds=10),
        within=timedelta(days=1),
        heartbeat=None,
    )
    async def raise_alert(self, change: RaiseAlert) -> list[Admission]:
        """Raise one alert. Raised twice, it has the same key, and the guard takes it once.

        Raises:
            TemporalAwayError: Temporal does not take it now.
        """
        return await self._intake.take([change.alert])


def _taken(case: AnyCase) -> Admission:
    detail = "taken; the guard has not answered yet"
    return Admission(result=Admitted.TAKEN, policy=case.policy.name, target=case.target.id, detail=detail)


def _refused(case: AnyCase, why: Refused, detail: str) -> Admission:
    return Admission(
        result=Admitted.REFUSED, refused=why, policy=case.policy.name, target=case.target.id, detail=detail
    )


def _away(why: str) -> TemporalAwayError:
    return TemporalAwayError(f"Temporal did not take the alert: {why}; send it again")


def _lacks_namespace(error: RPCError) -> bool:
    details = error.grpc_status.details if error.grpc_status else ()
    return any("NamespaceNotFound" in detail.type_url for detail in details)
