from datetime import UTC, datetime

import pytest

from models.admission import Admission, Admitted, Refused
from models.alert import Alert, AlertStatus
from models.declared_targets import without_port
from models.matching import match
from models.policy_file import PolicyFile, parse_policies
from tests.models.known import RUNBOOKS

HOSTS = """
hosts:
  - {name: web1, address: 10.0.0.1}
  - {name: web2, address: 10.0.0.2}
"""
SERVICES = """
services:
  - {name: api, host: web1, unit: api}
  - {name: api, host: web2, unit: api}
  - {name: shop, host: web1, health: {port: 80, address: 192.168.7.7}}
  - {name: demo, unit: demo}
"""
FILESYSTEMS = """
filesystems:
  - {mount: /, host: web1}
  - {mount: /var, host: web1}
  - {mount: /var, host: web2}
"""
DECLARED = HOSTS + SERVICES + FILESYSTEMS


def declared(*policies: str, extra: str = "") -> PolicyFile:
    """A file with all targets and these policies."""
    text = DECLARED + extra + "policies:\n" + "".join(f"  - {policy}\n" for policy in policies)
    return parse_policies(text, file="p", runbooks=RUNBOOKS)


def alert(name: str = "ServiceDown", source: str = "alertmanager", **labels: str) -> Alert:
    """A firing alert."""
    began = datetime(2026, 1, 31, tzinfo=UTC)
    return Alert(source=source, name=name, labels=labels, starts_at=began, fingerprint="f")


def found(file: PolicyFile, about: Alert) -> str:
    """The target, or why there is none."""
    outcome = match(file, RUNBOOKS, about)
    if isinstance(outcome, Admission):
        return (outcome.refused or outcome.result).value
    return outcome.target.id


SERVICE_DOWN = "{name: down, runbook: ServiceUnhealthy}"
DISK_FULL = "{name: full, runbook: DiskFilling}"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"service": "api", "host": "web1"}, "service:web1/api"),
        ({"service": "api", "host": "10.0.0.2"}, "service:web2/api"),
        ({"service": "api", "instance": "web2:9100"}, "service:web2/api"),
        ({"service": "api", "instance": "10.0.0.1:8080"}, "service:web1/api"),
        ({"service": "api", "instance": "http://10.0.0.1:8080/healthz"}, "service:web1/api"),
        ({"service": "api", "instance": "172.17.0.3:80", "node": "web2"}, "service:web2/api"),
        ({"service": "api", "nodename": "web1"}, "service:web1/api"),
        ({"service": "api", "host": "web2", "instance": "web1:80"}, "service:web2/api"),
        ({"job": "api", "host": "web1"}, "service:web1/api"),
        ({"app": "api", "job": "node", "host": "web1"}, "service:web1/api"),
        ({"service": "api"}, "ambiguous_target"),
        ({"service": "api", "host": "web9"}, "no_such_target"),
        ({"service": "api", "host": "web9", "instance": "web1:80"}, "no_such_target"),
        ({"service": "api", "instance": "172.17.0.3:80"}, "no_such_target"),
        ({"service": "api", "instance": ""}, "no_such_target"),
        ({"service": "api", "host": "WEB1"}, "no_such_target"),
        ({"service": "api", "host": "web1; reboot"}, "no_such_target"),
        ({"service": "shop"}, "service:web1/shop"),
        ({"service": "shop", "instance": "192.168.7.7:80"}, "service:web1/shop"),
        ({"service": "shop", "host": "web2"}, "no_such_target"),
        ({"service": "nope", "job": "api", "host": "web1"}, "no_such_target"),
        ({"service": "/", "host": "web1"}, "no_such_target"),
        ({"service": "demo", "instance": "127.0.0.1:8080"}, "service:local/demo"),
        ({"job": "demo", "instance": "localhost:8080"}, "service:local/demo"),
        ({"service": "demo", "instance": "[::1]:8080"}, "service:local/demo"),
        ({"service": "demo", "host": "local"}, "service:local/demo"),
        ({"service": "api", "instance": "localhost:80"}, "no_such_target"),
        ({"job": "node", "host": "web2"}, "no_such_target"),
        ({"host": "web2"}, "no_such_target"),
        ({}, "no_such_target"),
    ],
)
def test_services_by_labels(labels: dict[str, str], expected: str) -> None:
    """Labels name a service and its host, as plain data; what they leave open is not guessed."""
    assert found(declared(SERVICE_DOWN), alert(**labels)) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"mountpoint": "/", "host": "web1"}, "filesystem:web1/"),
        ({"mountpoint": "/var", "instance": "web2:9100"}, "filesystem:web2/var"),
        ({"mountpoint": "/var/", "instance": "web2:9100"}, "filesystem:web2/var"),
        ({"mountpoint": "/"}, "filesystem:web1/"),
        ({"mountpoint": "/var"}, "ambiguous_target"),
        ({"mountpoint": "/home", "host": "web1"}, "no_such_target"),
        ({"mountpoint": "/var/../", "host": "web1"}, "no_such_target"),
        ({"host": "web2"}, "no_such_target"),
        ({"service": "api", "host": "web1"}, "no_such_target"),
    ],
)
def test_filesystems_by_labels(labels: dict[str, str], expected: str) -> None:
    """A file system is named by its mount point, and is nothing a runbook for services could get."""
    assert found(declared(DISK_FULL), alert("NodeFilesystemFull", **labels)) == expected


@pytest.mark.parametrize(
    ("target", "labels", "expected"),
    [
        ("{service: shop}", {}, "service:web1/shop"),
        ("{service: shop}", {"service": "api", "host": "web2"}, "service:web1/shop"),
        ("{service: api, host: web2}", {"host": "web1"}, "service:web2/api"),
        ("{service: api}", {"instance": "web2:80"}, "service:web2/api"),
        ("{service: api}", {}, "ambiguous_target"),
        ("{host: web2}", {"service": "api", "instance": "web1:80"}, "service:web2/api"),
        ("{host: web2}", {"service": "shop"}, "no_such_target"),
        ("{host: web2}", {}, "no_such_target"),
    ],
)
def test_policy_names_the_target(target: str, labels: dict[str, str], expected: str) -> None:
    """What a policy says of its target goes before labels, which decide only what it leaves open."""
    file = declared(f"{{name: down, runbook: ServiceUnhealthy, target: {target}}}")

    assert found(file, alert(**labels)) == expected


def test_runbook_for_several_kinds() -> None:
    """A runbook that heals services and file systems gets the one that the labels name."""
    file = declared("{name: cpu, trigger: {metric: load, threshold: 1}, actions: [{type: restart}]}")

    assert found(file, alert("load", service="shop")) == "service:web1/shop"
    assert found(file, alert("load", job="node", mountpoint="/var", host="web2")) == "filesystem:web2/var"
    assert found(file, alert("cpu", service="shop", mountpoint="/var", host="web1")) == "ambiguous_target"


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (alert(service="shop"), "first"),
        (alert(service="shop", team="b"), "first"),
        (alert("Own", service="shop", team="b"), "second"),
        (alert("third", service="shop"), "third"),
        (alert("ServiceDown", source="watch", service="shop"), "third"),
        (alert("Own", service="shop", team="c"), None),
        (alert("Other", service="shop"), None),
    ],
)
def test_first_policy_holds(about: Alert, expected: str | None) -> None:
    """The first policy of the file that covers an alert holds."""
    outcome = match(
        declared(
            "{name: first, runbook: ServiceUnhealthy, match: {source: alertmanager}}",
            "{name: second, runbook: ServiceUnhealthy, match: {alert: Own, labels: {team: [a, b]}}}",
            "{name: third, runbook: ServiceUnhealthy}",
        ),
        RUNBOOKS,
        about,
    )

    if expected is None:
        assert isinstance(outcome, Admission)
        assert outcome.result is Admitted.MATCHED_NOTHING
        assert about.name in outcome.detail
    else:
        assert not isinstance(outcome, Admission)
        assert outcome.policy.name == expected


def test_no_later_policy_is_tried() -> None:
    """Where the first policy cannot tell its target, the alert is refused and not passed down."""
    file = declared(SERVICE_DOWN, "{name: any, runbook: ServiceUnhealthy, target: {service: shop}}")

    outcome = match(file, RUNBOOKS, alert(service="api"))

    assert isinstance(outcome, Admission)
    assert (outcome.refused, outcome.policy) == (Refused.AMBIGUOUS_TARGET, "down")


def test_resolved_matches_likewise() -> None:
    """The end of an alert finds the same target as its beginning."""
    over = alert(service="shop").model_copy(update={"status": AlertStatus.RESOLVED})

    assert found(declared(SERVICE_DOWN), over) == "service:web1/shop"


def test_effective_notify() -> None:
    """A policy that names nobody to tell takes the file's; one that does keeps its own."""
    own = "{name: own, runbook: ServiceUnhealthy, match: {alert: A}, notify: [{webhook: 'env:OWN'}]}"
    file = declared(own, SERVICE_DOWN, extra="notify: [{webhook: 'env:FILE'}]\n")

    told = [match(file, RUNBOOKS, alert(name, service="shop")) for name in ("A", "ServiceDown")]

    assert [case.policy.notify[0].webhook for case in told if not isinstance(case, Admission)] == [
        "env:OWN",
        "env:FILE",
    ]


def test_refusals_say_what_to_do() -> None:
    """A refusal names what the labels said, what is declared and the way out, without growing with either."""
    many = "services: [" + ", ".join(f"{{name: s{n}, unit: u}}" for n in range(50)) + "]\n"
    file = parse_policies(many + f"policies: [{SERVICE_DOWN}]", file="p", runbooks=RUNBOOKS)

    unknown = match(file, RUNBOOKS, alert(service="x" * 4000, host="web1"))
    ambiguous = match(declared(SERVICE_DOWN), RUNBOOKS, alert(service="api"))

    assert isinstance(unknown, Admission)
    assert isinstance(ambiguous, Admission)
    assert "host='web1'" in unknown.detail
    assert "service:local/s0" in unknown.detail
    assert "and 45 more" in unknown.detail
    assert len(unknown.detail) < 500
    assert "service:web1/api, service:web2/api all fit service='api'" in ambiguous.detail
    assert "add a host label, or target: to the policy 'down'" in ambiguous.detail


@pytest.mark.parametrize(
    ("instance", "host"),
    [
        ("web1:9100", "web1"),
        ("web1", "web1"),
        ("10.0.0.1:80", "10.0.0.1"),
        ("[::1]:80", "::1"),
        ("::1", "::1"),
        ("https://web1:8443/x:1", "web1"),
        ("web1:http", "web1:http"),
        (":80", ""),
        ("[", ""),
    ],
)
def test_without_port(instance: str, host: str) -> None:
    """The port is cut, and an address in brackets or with a scheme is understood."""
    assert without_port(instance) == host
