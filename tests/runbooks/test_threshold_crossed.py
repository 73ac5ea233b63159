from typing import Any

import pytest

from activities.hosts.service_state import ServiceState
from activities.http import ProbeReading
from models.policy import Action, RestartAction, RollbackAction, ScaleAction, ScaleParameters
from models.target import Scaling, Service
from models.verdict import Verdict
from runbooks.services import Restart, ReturnToRelease, Scale
from runbooks.threshold_crossed import ThresholdCrossed, ThresholdFacts, scaled
from selfheal import Escalate, Remediation
from tests.runbooks.fake import FakeDo, case_of
from tests.runbooks.services import FULL, RESTART_ONLY, SEEN_ONLY

RESTART, ROLLBACK = RestartAction(type="restart"), RollbackAction(type="rollback")
BY_TWO = ScaleAction(type="scale", parameters=ScaleParameters(increment=2, max=10))
WELL = ProbeReading(url="http://127.0.0.1:8080/healthz", healthy=True, status=200, milliseconds=2)


def facts(service: Service, *actions: Action, **known: Any) -> ThresholdFacts:  # noqa: ANN401
    """Facts for these actions."""
    return ThresholdFacts(service=service, actions=actions, **known)


def to(count: int, now: int) -> Scale:
    """From one number of instances to another."""
    return Scale(service=FULL, count=count, count_now=now)


@pytest.mark.parametrize(
    ("now", "parameters", "least", "most", "after"),
    [
        (3, {"increment": 2, "max": 10}, 1, 10, 5),
        (8, {"increment": 2, "max": 10}, 1, 10, 10),
        (9, {"increment": 2, "max": 10}, 1, 10, 10),
        (10, {"increment": 2, "max": 10}, 1, 10, 10),
        (12, {"increment": 2, "max": 10}, 1, 20, 12),
        (3, {"increment": 9, "max": 20}, 1, 10, 10),
        (3, {"increment": 9, "max": 4}, 1, 10, 4),
        (3, {"increment": 9}, 1, 10, 10),
        (0, {"increment": 1}, 2, 10, 1),
        (3, {"increment": -2}, 1, 10, 1),
        (3, {"increment": -9}, 1, 10, 1),
        (3, {"increment": -9, "min": 2}, 1, 10, 2),
        (3, {"increment": -9, "min": 0}, 1, 10, 1),
        (1, {"increment": -1}, 1, 10, 1),
        (0, {"increment": -1}, 1, 10, 0),
        (3, {"increment": 1}, 3, 3, 3),
    ],
)
def test_scaled(now: int, parameters: dict[str, int], least: int, most: int, after: int) -> None:
    """The bounds of policy and target both hold, and nothing ever moves against the increment."""
    assert scaled(now, ScaleParameters(**parameters), least, most) == after


@pytest.mark.parametrize(
    ("service", "actions", "known", "proposed"),
    [
        (FULL, (BY_TWO,), {"instances": 3}, [to(5, 3)]),
        (FULL, (RESTART, BY_TWO), {"instances": 3}, [Restart(service=FULL), to(5, 3)]),
        (FULL, (BY_TWO, RESTART), {"instances": 3}, [to(5, 3), Restart(service=FULL)]),
        (FULL, (BY_TWO, RESTART), {"instances": 10}, [Restart(service=FULL)]),
        (FULL, (BY_TWO, RESTART), {"instances": None}, [Restart(service=FULL)]),
        (
            FULL,
            (ROLLBACK,),
            {"release": "2", "release_before": "1"},
            [ReturnToRelease(service=FULL, release="1", release_now="2")],
        ),
        (FULL, (ROLLBACK, RESTART), {"release": "1"}, [Restart(service=FULL)]),
        (RESTART_ONLY, (BY_TWO, ROLLBACK, RESTART), {}, [Restart(service=RESTART_ONLY)]),
    ],
)
def test_propose(
    service: Service, actions: tuple[Action, ...], known: dict[str, Any], proposed: list[Remediation]
) -> None:
    """The policy's actions in its order, as far as the target supports them now."""
    assert ThresholdCrossed().propose(facts(service, *actions, **known)) == proposed


@pytest.mark.parametrize(
    ("service", "actions", "known"),
    [
        (FULL, (BY_TWO,), {"instances": 10}),
        (FULL, (BY_TWO,), {"instances": 12}),
        (FULL, (BY_TWO,), {"instances": None}),
        (FULL, (ROLLBACK,), {"release": "1", "release_before": None}),
        (FULL, (ROLLBACK,), {"release": None, "release_before": "1"}),
        (SEEN_ONLY, (BY_TWO, RESTART), {"instances": 3}),
    ],
)
def test_propose_escalates(service: Service, actions: tuple[Action, ...], known: dict[str, Any]) -> None:
    """At the limit, or where the target supports nothing of it, people are told what the policy wanted."""
    names = ", ".join(action.type for action in actions)
    assert ThresholdCrossed().propose(facts(service, *actions, **known)) == Escalate(
        reason=f"shop cannot do more of what the policy says: {names}."
    )


def test_the_bounds_of_the_target_hold_for_any_policy() -> None:
    """A policy without a maximum goes no further than the target's owner allows."""
    small = FULL.model_copy(update={"scaling": Scaling(read=("n",), set=("n", "{count}"), max=4)})
    far = ScaleAction(type="scale", parameters=ScaleParameters(increment=100))
    assert ThresholdCrossed().propose(facts(small, far, instances=3)) == [Scale(service=small, count=4, count_now=3)]


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [(True, Verdict.INCONCLUSIVE), (None, Verdict.INCONCLUSIVE), (False, Verdict.UNHEALTHY)],
)
def test_verify(answers: bool | None, verdict: Verdict) -> None:  # noqa: FBT001
    """Only the end of the alert tells that the metric is back; that the service answers is no proof."""
    assert ThresholdCrossed().verify(facts(FULL, BY_TWO, answers=answers, instances=5)) is verdict


async def test_diagnose_reads_what_the_actions_need() -> None:
    """The facts hold the policy's actions, the instances, the releases and the health."""
    runbook = ThresholdCrossed()
    state = ServiceState(instances=3, release="2", release_before="1")
    runbook.do = do = FakeDo(read_service=state, probe_service=WELL)
    case = case_of(FULL, runbook=None, actions=[{"type": "scale", "parameters": {"increment": 2, "max": 10}}])
    assert await runbook.diagnose(case) == facts(
        FULL, BY_TWO, answers=True, instances=3, release="2", release_before="1"
    )
    assert do.steps == ["read_service", "probe_service"]
