from typing import Any

import pytest

from activities.hosts.service_state import ServiceState, UnitState
from activities.http import ProbeReading
from models.errors import TryAgainError
from models.target import Service
from models.verdict import Verdict
from runbooks.service_unhealthy import ServiceFacts, ServiceUnhealthy
from runbooks.services import Reload, Restart, ReturnToRelease
from selfheal import Escalate
from tests.runbooks.fake import FakeDo, case_of
from tests.runbooks.services import FULL, RELOAD_ONLY, RESTART_ONLY, SEEN_ONLY, UNIT

SICK = ProbeReading(url="http://127.0.0.1:8080/healthz", healthy=False, status=503, milliseconds=2)
BACK = {"release": "2", "release_before": "1"}


def return_to(service: Service) -> ReturnToRelease:
    """Back from release 2 to release 1."""
    return ReturnToRelease(service=service, release="1", release_now="2")


@pytest.mark.parametrize(
    ("service", "known", "proposed"),
    [
        (FULL, {"running": True, **BACK}, [Reload(service=FULL), Restart(service=FULL), return_to(FULL)]),
        (FULL, {"running": None, **BACK}, [Reload(service=FULL), Restart(service=FULL), return_to(FULL)]),
        (FULL, {"running": False, **BACK}, [Restart(service=FULL), return_to(FULL)]),
        (FULL, {"running": True, "release": "1"}, [Reload(service=FULL), Restart(service=FULL)]),
        (FULL, {"running": True, "release_before": "1"}, [Reload(service=FULL), Restart(service=FULL)]),
        (UNIT, {"running": True}, [Reload(service=UNIT), Restart(service=UNIT)]),
        (UNIT, {"running": False}, [Restart(service=UNIT)]),
        (RESTART_ONLY, {"running": None, "answers": False}, [Restart(service=RESTART_ONLY)]),
        (RELOAD_ONLY, {"running": None, "answers": False}, [Reload(service=RELOAD_ONLY)]),
    ],
)
def test_propose(service: Service, known: dict[str, Any], proposed: list[Reload | Restart | ReturnToRelease]) -> None:
    """The gentlest comes first, a reload only for what may still run, and nothing that is not declared."""
    assert ServiceUnhealthy().propose(ServiceFacts(service=service, **known)) == proposed


@pytest.mark.parametrize(
    ("service", "known", "reason"),
    [
        (SEEN_ONLY, {"answers": False, **BACK}, "nothing can be tried"),
        (RELOAD_ONLY, {"running": False}, "nothing can be tried"),
        (FULL, {"running": False, "stopped_on_purpose": True, **BACK}, "stopped on purpose"),
    ],
)
def test_propose_escalates(service: Service, known: dict[str, Any], reason: str) -> None:
    """A service that cannot be driven, or that somebody stopped on purpose, is a matter for people."""
    proposed = ServiceUnhealthy().propose(ServiceFacts(service=service, **known))
    assert isinstance(proposed, Escalate)
    assert reason in proposed.reason


@pytest.mark.parametrize(
    ("running", "answers", "verdict"),
    [
        (True, True, Verdict.HEALTHY),
        (True, None, Verdict.HEALTHY),
        (None, True, Verdict.HEALTHY),
        (True, False, Verdict.UNHEALTHY),
        (False, True, Verdict.UNHEALTHY),
        (False, False, Verdict.UNHEALTHY),
        (False, None, Verdict.UNHEALTHY),
        (None, False, Verdict.UNHEALTHY),
        (None, None, Verdict.INCONCLUSIVE),
    ],
)
def test_verify(running: bool | None, answers: bool | None, verdict: Verdict) -> None:  # noqa: FBT001
    """All that can be asked must say it is well; where nothing can be asked, nobody knows."""
    assert ServiceUnhealthy().verify(ServiceFacts(service=FULL, running=running, answers=answers)) is verdict


async def test_diagnose_reads_the_service_and_its_health() -> None:
    """The facts hold what the host and the health endpoint said."""
    unit = UnitState(load="loaded", active="active")
    do = FakeDo(read_service=ServiceState(running=True, unit=unit, release="2", release_before="1"), probe_service=SICK)
    runbook = ServiceUnhealthy()
    runbook.do = do
    assert await runbook.diagnose(case_of(FULL)) == ServiceFacts(
        service=FULL, running=True, answers=False, answer="answered 503", release="2", release_before="1"
    )
    assert do.done == [("read_service", FULL), ("probe_service", FULL)]


async def test_diagnose_probes_only_what_declares_health() -> None:
    """Without a health endpoint nothing is asked, and nothing is said about it."""
    switched_off = UnitState(load="loaded", active="inactive", file="disabled")
    runbook = ServiceUnhealthy()
    runbook.do = do = FakeDo(read_service=ServiceState(running=False, unit=switched_off))
    assert await runbook.diagnose(case_of(UNIT)) == ServiceFacts(service=UNIT, running=False, stopped_on_purpose=True)
    assert do.steps == ["read_service"]


async def test_diagnose_hides_no_failure() -> None:
    """What cannot be read is an error, not a fact."""
    runbook = ServiceUnhealthy()
    runbook.do = FakeDo(read_service=TryAgainError("the host does not answer"))
    with pytest.raises(TryAgainError, match="does not answer"):
        await runbook.diagnose(case_of(FULL))
