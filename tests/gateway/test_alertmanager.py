import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.sources.alertmanager import SOURCE, parse
from gateway.sources.payload import Malformed, MalformedBodyError
from models.alert import Alert, AlertStatus

RECORDED = Path(__file__).parent / "alertmanager_v4.json"

GOOD: dict[str, Any] = {
    "status": "firing",
    "labels": {"alertname": "ServiceDown"},
    "startsAt": "2026-01-31T12:00:00Z",
    "fingerprint": "f1",
}


def body(*alerts: object, **top: object) -> bytes:
    """A webhook with these alerts."""
    return json.dumps({"version": "4", "alerts": alerts, **top}).encode()


def test_recorded() -> None:
    """What Alertmanager sends is read: firing without an end, resolved with one."""
    payload = parse(RECORDED.read_bytes())

    assert payload.truncated == 0
    assert payload.alerts[0] == Alert(
        source="alertmanager",
        name="ServiceDown",
        status=AlertStatus.FIRING,
        labels={"alertname": "ServiceDown", "instance": "127.0.0.1:8080", "job": "shop", "severity": "critical"},
        annotations={
            "description": "shop has not answered for 30 seconds.\nSee the runbook.",
            "summary": "shop is down",
        },
        starts_at=datetime(2026, 1, 31, 12, 0, 8, 437000, tzinfo=UTC),
        ends_at=None,
        fingerprint="d3b5a7f1c2e49860",
        link="http://prometheus.example:9090/graph?g0.expr=up%7Bjob%3D%22shop%22%7D+%3D%3D+0&g0.tab=1",
    )
    resolved = payload.alerts[1]
    assert isinstance(resolved, Alert)
    assert (resolved.status, resolved.ends_at) == (
        AlertStatus.RESOLVED,
        datetime(2026, 1, 31, 11, 58, 23, 437000, tzinfo=UTC),
    )


def test_example_is_good() -> None:
    """The example of the documentation is taken."""
    (alert,) = parse(json.dumps(SOURCE.example).encode()).alerts

    assert isinstance(alert, Alert)


def test_same_moment_elsewhere() -> None:
    """The same beginning in another time zone is the same episode."""
    (here,) = parse(body(GOOD)).alerts
    (there,) = parse(body({**GOOD, "startsAt": "2026-01-31T14:00:00+02:00"})).alerts

    assert isinstance(here, Alert)
    assert isinstance(there, Alert)
    assert here.key == there.key


@pytest.mark.parametrize(("sent", "told"), [(3, 3), (0, 0), (-1, 0), ("3", 0), (None, 0), (True, 1)])
def test_truncated(sent: object, told: int) -> None:
    """How many alerts were left out is told; nonsense there costs no alert."""
    assert parse(body(GOOD, truncatedAlerts=sent)).truncated == told


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"labels": {}}, "alerts[1].labels.alertname: is missing"),
        ({"labels": {"alertname": ""}}, "alerts[1].labels.alertname: is missing"),
        ({"labels": {"alertname": "x" * 257}}, "alerts[1].labels.alertname: is longer than 256 bytes"),
        ({"labels": None}, "alerts[1].labels: must be an object"),
        ({"labels": {"alertname": "A", "code": 500}}, "alerts[1].labels.code: must be text"),
        ({"labels": {"alertname": "A", "x": "a\0b"}}, "alerts[1].labels.x: holds the control character U+0000"),
        ({"labels": {"alertname": "A", "x": "a\nb"}}, "alerts[1].labels.x: holds the control character U+000A"),
        ({"labels": {"alertname": "A", "a\x1bb": "x"}}, "alerts[1].labels.a\N{REPLACEMENT CHARACTER}b: holds the"),
        ({"labels": {"alertname": "A", "x": "é" * 2049}}, "alerts[1].labels.x: is longer than 4096 bytes"),
        ({"labels": {"alertname": "A", "k" * 257: ""}}, f"alerts[1].labels.{'k' * 80}…: is longer than 256 bytes"),
        ({"labels": {"alertname": "A"} | {f"l{n}": "" for n in range(64)}}, "alerts[1].labels: has 65 labels; at most"),
        ({"status": "pending"}, "alerts[1].status: input should be 'firing' or 'resolved'"),
        ({"startsAt": "yesterday"}, "alerts[1].startsAt: "),
        ({"startsAt": 1769860800}, "alerts[1].startsAt: must be a time such as"),
        ({"startsAt": "2026-01-31T12:00:00"}, "alerts[1].startsAt: input should have timezone info"),
        ({"startsAt": "0001-01-01T00:00:00+05:00"}, "alerts[1].startsAt: is a time outside the years 1 to 9999"),
        ({"endsAt": []}, "alerts[1].endsAt: must be a time"),
        ({"fingerprint": ""}, "alerts[1].fingerprint: "),
        ({"fingerprint": 7}, "alerts[1].fingerprint: must be text"),
        ({"annotations": {"a": {}}}, "alerts[1].annotations.a: must be text"),
        ({"generatorURL": None}, "alerts[1].generatorURL: must be text"),
    ],
)
def test_bad_alert_among_good_ones(change: dict[str, object], field: str) -> None:
    """A bad alert is refused with its field named; those before and after it are taken."""
    first, bad, last = parse(body(GOOD, {**GOOD, **change}, GOOD)).alerts

    assert isinstance(first, Alert)
    assert isinstance(last, Alert)
    assert isinstance(bad, Malformed)
    (fault,) = bad.fields
    assert fault.startswith(field)


@pytest.mark.parametrize("item", [None, 3, "x", []])
def test_no_alert_at_all(item: object) -> None:
    """An item that is no object is refused as one."""
    (bad,) = parse(body(item)).alerts

    assert bad == Malformed("", "", ("alerts[0]: must be an object",))


def test_every_bad_field() -> None:
    """All that is wrong with an alert is named at once, and the alert as far as it can be told."""
    (bad,) = parse(body({"labels": {"x": 1}, "fingerprint": "f\x00", "status": "off"})).alerts

    assert isinstance(bad, Malformed)
    assert [fault.partition(":")[0] for fault in bad.fields] == [
        "alerts[0].labels.alertname",
        "alerts[0].status",
        "alerts[0].labels.x",
        "alerts[0].startsAt",
        "alerts[0].fingerprint",
    ]
    assert bad.fingerprint == "f\N{REPLACEMENT CHARACTER}"


def test_annotations_are_cut() -> None:
    """Annotations are for people: long ones are cut, control characters replaced, and none costs the alert."""
    annotations = {"text": "a\x1b[31m\n" + "x" * 9000} | {f"a{n}": "" for n in range(100)}

    (alert,) = parse(body({**GOOD, "annotations": annotations})).alerts

    assert isinstance(alert, Alert)
    assert len(alert.annotations) == 64
    assert alert.annotations["text"].startswith("a\N{REPLACEMENT CHARACTER}[31m\nxxx")
    assert len(alert.annotations["text"]) == 4096


@pytest.mark.parametrize("annotations", [None, {}])
def test_no_annotations(annotations: object) -> None:
    """Annotations may be null, as Go writes an empty map."""
    (alert,) = parse(body({**GOOD, "annotations": annotations})).alerts

    assert isinstance(alert, Alert)
    assert alert.annotations == {}


@pytest.mark.parametrize("link", ["javascript:alert(1)", "file:///etc/passwd", "http://x/\x00", "http://" + "x" * 3000])
def test_strange_links_are_dropped(link: str) -> None:
    """What is no address of a page is not kept as a link."""
    (alert,) = parse(body({**GOOD, "generatorURL": link})).alerts

    assert isinstance(alert, Alert)
    assert alert.link == ""


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"", "the body is no JSON"),
        (b"{", "the body is no JSON"),
        (b"\xff\xfe", "the body is no JSON"),
        (b'{"version": "4", "alerts": NaN}', "the body is no JSON"),
        (b'{"version": "4", "alerts": [1' + b"1" * 5000 + b"]}", "the body is no JSON"),
        (b'{"version": "4", "alerts": ["\\ud800"]}', "the body is no JSON"),
        (b"[" * 100_000, "the body is no JSON: recursion limit exceeded"),
        (b"[]", "the body must be a JSON object"),
        (b"null", "the body must be a JSON object"),
        (b"{}", "version: must be '4'"),
        (b'{"version": "1", "alerts": []}', "version: must be '4'"),
        (b'{"version": 4, "alerts": []}', "version: must be '4'"),
        (b'{"version": "4"}', "alerts: is missing"),
        (b'{"version": "4", "alerts": {}}', "alerts: must be a list of alerts"),
        (b'{"version": "4", "alerts": []}', "alerts: has no alert in it"),
    ],
)
def test_nothing_to_take(raw: bytes, field: str) -> None:
    """A body of which nothing can be taken says why."""
    with pytest.raises(MalformedBodyError) as raised:
        parse(raw)

    (fault,) = raised.value.fields
    assert fault.startswith(field)
