import hashlib
from datetime import UTC, datetime, timedelta

from activities.hosts.filesystem_state import FilesystemState
from activities.hosts.service_state import ServiceState
from activities.http import Sample
from activities.prometheus import Signals
from models.target import Metrics
from runbooks.bad_release import BadRelease
from runbooks.disk_filling import DiskFilling
from tests.runbooks.diagnosing import diagnosed
from tests.runbooks.fake import NOW, FakeDo, case_of
from tests.runbooks.services import FULL, SEEN_ONLY
from tests.runbooks.test_disk_filling import DISK
from worker.embedded import EmbeddedTemporal

STATE = ServiceState(release="2", release_before="1", released_at=NOW)


async def test_a_release_is_judged_by_samples(temporal: EmbeddedTemporal) -> None:
    """A service that declares a sample path is measured by asking it, at the time the facts say."""
    do = FakeDo(read_service=STATE, sample_service=Sample(requests=50, error_rate=0.4, availability=1, latency_p95=0.2))
    case = case_of(FULL, parameters={"error_rate": 0.1})
    facts, _ = await diagnosed(temporal, BadRelease, do, case)
    assert do.done == [("read_service", FULL), ("sample_service", FULL)]
    assert facts.signals == Signals(error_rate=0.4, availability=1, latency_p95=0.2)
    assert (facts.release, facts.release_before, facts.released_at) == ("2", "1", NOW)
    assert facts.limits.error_rate == 0.1
    assert abs(facts.read_at - datetime.now(UTC)) < timedelta(minutes=5)


async def test_a_release_is_judged_by_prometheus(temporal: EmbeddedTemporal) -> None:
    """A service that declares a Prometheus is read there, and what it does not know stays unknown."""
    service = FULL.model_copy(update={"metrics": Metrics(prometheus="http://prometheus:9090", error_rate="errors")})
    do = FakeDo(read_service=STATE, read_signals=Signals())
    facts, _ = await diagnosed(temporal, BadRelease, do, case_of(service))
    assert do.done == [("read_service", service), ("read_signals", service)]
    assert facts.signals == Signals()


async def test_a_release_without_metrics_has_no_signals(temporal: EmbeddedTemporal) -> None:
    """Where no metrics are declared nobody is asked, and nothing is known."""
    do = FakeDo(read_service=STATE)
    facts, _ = await diagnosed(temporal, BadRelease, do, case_of(SEEN_ONLY))
    assert do.steps == ["read_service"]
    assert (facts.signals, facts.known()) == (Signals(), False)


async def test_what_a_disk_execution_moves_is_its_own(temporal: EmbeddedTemporal) -> None:
    """What is moved aside bears a name made from the execution, so that no other one brings it back."""
    state = FilesystemState(size=1000, used=950, available=50, mounted=True)
    do = FakeDo(read_filesystem=state)
    facts, execution = await diagnosed(temporal, DiskFilling, do, case_of(DISK))
    assert do.done == [("read_filesystem", DISK)]
    assert (facts.filesystem, facts.state) == (DISK, state)
    assert facts.moved == hashlib.sha256(execution.encode()).hexdigest()[:16]
