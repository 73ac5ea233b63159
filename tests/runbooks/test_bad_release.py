from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from activities.prometheus import Signals
from models.target import Metrics, Service
from models.verdict import Verdict
from runbooks.bad_release import BadRelease, ReleaseFacts, ReleaseLimits
from runbooks.services import ReturnToRelease
from selfheal import Escalate
from tests.runbooks.fake import NOW, case_of
from tests.runbooks.services import FULL, SEEN_ONLY

FINE: dict[str, float | None] = {"error_rate": 0.0, "latency_p95": 0.1, "availability": 1.0}
ERRORS_ONLY = FULL.model_copy(update={"metrics": Metrics(prometheus="http://prometheus:9090", error_rate="errors")})
DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)


def facts(service: Service = FULL, **known: Any) -> ReleaseFacts:  # noqa: ANN401
    """Release 2 of the shop, live for an hour, with signals that are fine unless told otherwise."""
    settings: dict[str, Any] = {
        "limits": ReleaseLimits(),
        "release": "2",
        "release_before": "1",
        "released_at": NOW - timedelta(hours=1),
        "read_at": NOW,
    }
    signals = Signals(**(FINE | {name: known.pop(name) for name in FINE if name in known}))
    return ReleaseFacts(service=service, signals=signals, **(settings | known))


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        ({}, Verdict.HEALTHY),
        ({"error_rate": 0.05}, Verdict.HEALTHY),
        ({"error_rate": 0.0501}, Verdict.UNHEALTHY),
        ({"latency_p95": 2.0}, Verdict.HEALTHY),
        ({"latency_p95": 2.001}, Verdict.UNHEALTHY),
        ({"availability": 0.99}, Verdict.HEALTHY),
        ({"availability": 0.9899}, Verdict.UNHEALTHY),
        ({"error_rate": None}, Verdict.INCONCLUSIVE),
        ({"latency_p95": None}, Verdict.INCONCLUSIVE),
        ({"availability": None}, Verdict.INCONCLUSIVE),
        ({"error_rate": None, "latency_p95": None, "availability": 0.0}, Verdict.UNHEALTHY),
        ({"error_rate": 0.3, "limits": ReleaseLimits(error_rate=0.3)}, Verdict.HEALTHY),
        ({"service": ERRORS_ONLY, "latency_p95": None, "availability": None}, Verdict.HEALTHY),
        ({"service": ERRORS_ONLY, "error_rate": None}, Verdict.INCONCLUSIVE),
        ({"service": SEEN_ONLY}, Verdict.INCONCLUSIVE),
    ],
)
def test_verify(known: dict[str, Any], verdict: Verdict) -> None:
    """A limit may be reached but not crossed, and a signal that is declared but unknown never passes."""
    assert BadRelease().verify(facts(**known)) is verdict


@pytest.mark.parametrize(
    "known",
    [
        {"error_rate": 0.4},
        {"latency_p95": 9.0},
        {"availability": 0.5},
        {"error_rate": 0.4, "latency_p95": None},
        {"error_rate": 0.4, "released_at": NOW - DAY},
        {"error_rate": 0.4, "released_at": NOW - 9 * DAY, "limits": ReleaseLimits(recent=timedelta(days=9))},
    ],
)
def test_propose(known: dict[str, Any]) -> None:
    """The release before, while the live one is young enough to be to blame."""
    assert BadRelease().propose(facts(**known)) == [ReturnToRelease(service=FULL, release="1", release_now="2")]


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"error_rate": 0.4, "release_before": None}, "no release to return to"),
        ({"error_rate": 0.4, "release": None}, "no release to return to"),
        ({"error_rate": 0.4, "released_at": NOW - DAY - INSTANT}, "too old to be to blame"),
        ({"error_rate": 0.4, "released_at": None}, "too old to be to blame"),
        ({"error_rate": None, "latency_p95": None, "availability": None}, "the metrics are unknown"),
        ({"error_rate": 0.05}, "nothing is blamed on a guess"),
    ],
)
def test_propose_escalates(known: dict[str, Any], reason: str) -> None:
    """Without a way back, a culprit or a proof, people are called."""
    proposed = BadRelease().propose(facts(**known))
    assert isinstance(proposed, Escalate)
    assert reason in proposed.reason


def test_what_is_crossed_is_said_with_its_limit() -> None:
    """A person reads the numbers and the limits they crossed."""
    crossed = facts(error_rate=0.4, latency_p95=9.0, availability=0.5).crossed()
    assert crossed == [
        "error rate 0.4 is above 0.05",
        "p95 latency 9s is above 2s",
        "availability 0.5 is below 0.99",
    ]


def test_a_policy_sets_the_limits() -> None:
    """The parameters of a policy are the limits, written as people write them, and a misspelt one is an error."""
    limits = case_of(FULL, parameters={"latency_p95": "500ms", "recent": "2h"}).parameters(ReleaseLimits)
    assert limits == ReleaseLimits(latency_p95=timedelta(milliseconds=500), recent=timedelta(hours=2))
    with pytest.raises(ValidationError, match="latency"):
        case_of(FULL, parameters={"latency": "500ms"}).parameters(ReleaseLimits)
