import time
from itertools import pairwise

import pytest

from models.yaml_lines import MAX_CHARACTERS, MAX_DEPTH, Place, read_yaml


def test_places() -> None:
    """Every key and item is found again, nested and in flow style, and what is not there by what is around it."""
    document = read_yaml("a:\n  - b: {c: 1}\n  -   d\n")

    assert document.data == {"a": [{"b": {"c": 1}}, "d"]}
    assert document.place(("a",)) == Place(1, 1)
    assert document.place(("a", 0, "b", "c")) == Place(2, 9)
    assert document.place(("a", 1)) == Place(3, 7)
    assert document.place(("a", 0, "b", "missing", 3)) == Place(2, 5)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("On", "On"),
        ("true", True),
        ("False", False),
        ("1:30", "1:30"),
        ("2026-01-31", "2026-01-31"),
        ("5m", "5m"),
        ("12", 12),
        ("1.5", 1.5),
        ("~", None),
        ("'12'", "12"),
        ("!!str 12", "12"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    """What looks like text is text, also where YAML 1.1 sees a boolean, a date or a number to the base of 60."""
    document = read_yaml(f"a: {text}")

    assert document.data == {"a": value}
    assert document.faults == []


def test_key_that_is_a_boolean_to_yaml_1_1() -> None:
    """A label named ``on`` keeps its name."""
    assert read_yaml("on: x").data == {"on": "x"}


def test_merge_key() -> None:
    """``<<`` takes over what an alias stands for; what is written out wins, wherever the merge stands."""
    document = read_yaml("a: &a {x: 1, y: 1}\nb: {y: 2, <<: *a}\nc: {<<: [{x: 3}, *a]}")

    assert document.data == {"a": {"x": 1, "y": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 3, "y": 1}}
    assert document.faults == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a:\n\tb: 1", 2, "a tab stands here: indent with spaces"),
        ("a: 1\nb: 2\na: 3", 3, "this key stood already on line 1: keep one of the two"),
        ("a: b: c", 1, "put text with ': ' in it in quotes"),
        ("a: [1", 1, "expected ',' or ']'"),
        ("a: 'x", 1, "found unexpected end of stream"),
        ("a: 1\n---\nb: 2", 2, "expected a single document in the stream"),
        ("a: !foo x", 1, "the tag '!foo' is not understood"),
        ("a: !!python/object:os.system x", 1, "the tag '!!python/object:os.system' is not understood"),
        ("a: !!set {x}", 1, "the tag '!!set' is not understood"),
        ("a: !!binary aGk=", 1, "the tag '!!binary' is not understood"),
        ("a: !!int x", 1, "'x' is not what its tag '!!int' says"),
        ("a: !!float ''", 1, "is not what its tag '!!float' says"),
        ("a: " + "1" * 5000, 1, "is not what its tag '!!int' says"),
        ("a: .inf", 1, "'.inf' is not a number to compare with"),
        ("a: *x", 1, "found undefined alias"),
        ("a: &x [*x]", 1, "an alias stands inside the very value that it repeats"),
        ("a:\n  <<: 3", 2, "'<<' takes an alias of a mapping"),
        ("500: x", 1, "a key must be text: put it in quotes"),
        ("? [x]\n: y", 1, "a key must be text: put it in quotes"),
        ("a: 1\nb: \x07", 2, "the character U+0007 may not stand in a YAML file"),
        ("a: \ud800", 1, "the character U+D800 may not stand in a YAML file"),
        ("[" * 100_000, 1, f"nested deeper than {MAX_DEPTH}"),
        ("\n" * (MAX_CHARACTERS + 1), 1, f"longer than {MAX_CHARACTERS} characters"),
    ],
)
def test_faults(text: str, line: int, message: str) -> None:
    """What cannot be read is one fault with its line."""
    (fault,) = read_yaml(text).faults

    assert fault.place.line == line
    assert message in fault.message


def test_alias_bomb() -> None:
    """Aliases that multiply to a billion values are stopped early."""
    levels = "abcdefghi"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{own}: &{own} [{', '.join([f'*{of}'] * 10)}]" for of, own in pairwise(levels)]
    began = time.monotonic()

    (fault,) = read_yaml("\n".join(lines)).faults

    assert "aliases multiply them" in fault.message
    assert time.monotonic() - began < 5


def test_goes_on_after_a_fault() -> None:
    """One bad value hides no other."""
    document = read_yaml("a: !foo x\nb: .nan\nc: 1")

    assert [fault.path for fault in document.faults] == [("a",), ("b",)]
    assert document.data == {"a": None, "b": None, "c": 1}
