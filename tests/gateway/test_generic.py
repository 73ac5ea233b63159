import json
from datetime import UTC, datetime

import pytest

from gateway.sources.generic import NO_TIME, SOURCE, fingerprint_of, parse
from gateway.sources.payload import Malformed, MalformedBodyError
from models.alert import Alert, AlertStatus


def read(**fields: object) -> Alert:
    """One good alert."""
    (alert,) = parse(json.dumps(fields).encode()).alerts
    assert isinstance(alert, Alert)
    return alert


def test_full() -> None:
    """Every field is read."""
    alert = read(
        name="ServiceDown",
        labels={"service": "shop"},
        annotations={"summary": "down"},
        status="resolved",
        starts_at="2026-01-31T12:00:00Z",
        ends_at="2026-01-31T12:05:00Z",
        fingerprint="f1",
        link="https://x.example/1",
        something="new",
    )

    assert alert == Alert(
        source="generic",
        name="ServiceDown",
        status=AlertStatus.RESOLVED,
        labels={"service": "shop"},
        annotations={"summary": "down"},
        starts_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
        ends_at=datetime(2026, 1, 31, 12, 5, tzinfo=UTC),
        fingerprint="f1",
        link="https://x.example/1",
    )


def test_name_is_enough() -> None:
    """A name alone makes a firing alert."""
    alert = read(name="ServiceDown")

    assert (alert.status, alert.labels, alert.starts_at) == (AlertStatus.FIRING, {}, NO_TIME)


def test_sent_twice_is_the_same_report() -> None:
    """Without a beginning and a fingerprint, the same content is the same report, its labels in any order."""
    first = read(name="A", labels={"x": "1", "y": "2"})

    assert read(name="A", labels={"y": "2", "x": "1"}).key == first.key
    assert read(name="A", labels={"x": "1", "y": "2"}, starts_at=None, fingerprint=None).key == first.key
    assert read(name="A", labels={"x": "1", "y": "3"}).condition != first.condition
    assert read(name="B", labels={"x": "1", "y": "2"}).condition != first.condition


def test_resolved_is_of_the_same_episode() -> None:
    """The same alert with another status ends the episode that it began."""
    assert read(name="A", status="resolved").episode == read(name="A").episode


def test_beginning_makes_the_episode() -> None:
    """Who gives a beginning has one episode for each."""
    assert read(name="A", starts_at="2026-01-31T12:00:00Z").episode != read(name="A").episode


def test_fingerprint_cannot_be_confused() -> None:
    """Name and labels do not run into each other."""
    assert len({fingerprint_of(*given) for given in [("a", {"b": "c"}), ("ab", {"": "c"}), ("a", {"bc": ""})]}) == 3


def test_several() -> None:
    """A list under ``alerts`` is read in its order, bad ones among good ones named."""
    body = {"alerts": [{"name": "A"}, {"labels": {"x": 1}}, {"name": "B"}]}

    first, bad, last = parse(json.dumps(body).encode()).alerts

    assert isinstance(first, Alert)
    assert isinstance(last, Alert)
    assert (first.name, last.name) == ("A", "B")
    assert bad == Malformed("", "", ("alerts[1].name: is missing", "alerts[1].labels.x: must be text"))


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({}, "name: is missing"),
        ({"name": ""}, "name: string should have at least 1 character"),
        ({"name": "x" * 257}, "name: is longer than 256 bytes"),
        ({"name": "a\x00"}, "name: holds the control character U+0000"),
        ({"name": "A", "labels": ["x"]}, "labels: must be an object"),
        ({"name": "A", "labels": {"a.b": 1}}, "labels.a.b: must be text"),
        ({"name": "A", "status": "ok"}, "status: input should be 'firing' or 'resolved'"),
        ({"name": "A", "starts_at": "soon"}, "starts_at: "),
    ],
)
def test_bad_fields(fields: dict[str, object], fault: str) -> None:
    """A bad field of a single alert is named without a list in front of it."""
    (bad,) = parse(json.dumps(fields).encode()).alerts

    assert isinstance(bad, Malformed)
    assert bad.fields[0].startswith(fault)


@pytest.mark.parametrize("body", [b"[]", b'{"alerts": []}', b'{"alerts": {"name": "A"}}', b"x"])
def test_nothing_to_take(body: bytes) -> None:
    """A body without an alert is refused."""
    with pytest.raises(MalformedBodyError):
        parse(body)


def test_example_is_good() -> None:
    """The example of the documentation is taken."""
    assert read(**SOURCE.example).labels == {"service": "shop", "host": "web1"}
