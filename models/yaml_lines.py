"""YAML read as plain data, with the line each value stands on.

Read as YAML 1.2 does where 1.1 surprises: only ``true`` and ``false`` are booleans, so that a label ``no`` or a key
``on`` stays text, and ``1:30`` is no number. What a policy file never needs is refused: tags, infinities, keys
that are no text, values nested too deeply, aliases that multiply.
"""

from dataclasses import dataclass, field
from math import isfinite

import yaml

Path = tuple[str | int, ...]

MAX_CHARACTERS = 1024 * 1024
MAX_DEPTH = 40
MAX_VALUES = 100_000
"""Values in one file, each counted as often as an alias repeats it."""

_TAG = "tag:yaml.org,2002:"
_TEXT = frozenset({f"{_TAG}str", f"{_TAG}timestamp", f"{_TAG}value"})
_PLAIN = frozenset({f"{_TAG}int", f"{_TAG}float", f"{_TAG}bool", f"{_TAG}null"})


@dataclass(frozen=True)
class Place:
    """Where something stands, both counted from 1."""

    line: int
    column: int


START = Place(1, 1)


@dataclass(frozen=True)
class Fault:
    """Something that cannot be read, and where."""

    place: Place
    path: Path
    message: str


@dataclass
class Document:
    """A file as data, with the place of every key and item, and what could not be read."""

    data: object = None
    places: dict[Path, Place] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def place(self, path: Path) -> Place:
        """Where the value stands, or the nearest one around it that does."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, START)


def read_yaml(text: str) -> Document:
    """Read one YAML document. What is wrong with it is in `Document.faults`; the rest of it is in `Document.data`."""
    document = Document()
    if len(text) > MAX_CHARACTERS:
        document.faults.append(Fault(START, (), f"the file is longer than {MAX_CHARACTERS} characters"))
        return document
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        if node is not None:
            document.places[()] = _place(node.start_mark)
            document.data = _Reader(document).value(node, ())
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1)
        character = error.character if isinstance(error.character, int) else ord(error.character)
        document.faults.append(Fault(place, (), f"the character U+{character:04X} may not stand in a YAML file"))
    except yaml.MarkedYAMLError as error:
        document.faults.append(Fault(_place(error.problem_mark or error.context_mark), (), _syntax(error)))
    return document


def _place(mark: yaml.Mark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else START


def _syntax(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "this is not YAML"
    if "'\\t'" in problem:
        return "a tab stands here: indent with spaces"
    if "mapping values are not allowed" in problem:
        return "a ':' too many, or a line indented too far: put text with ': ' in it in quotes"
    return f"{error.context}, {problem}" if error.context else problem


def _shown_tag(node: yaml.Node) -> str:
    return repr(node.tag.replace(_TAG, "!!"))


class _Loader(yaml.SafeLoader):
    """Composes nodes; the depth is bounded because composing recurses."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        if self._depth == MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"values are nested deeper than {MAX_DEPTH}", problem_mark=mark)
        self._depth += 1
        try:
            return super().compose_node(parent, index)  # type: ignore[arg-type]
        finally:
            self._depth -= 1


class _Reader:
    """Turns nodes into data. Aliases share nodes, so the work is bounded here and not in the loader."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = MAX_VALUES
        self._open: set[int] = set()
        self._scalars = yaml.constructor.SafeConstructor()

    def value(self, node: yaml.Node, path: Path) -> object:
        self._left -= 1
        if self._left < 0:
            problem = f"the file stands for more than {MAX_VALUES} values: aliases multiply them"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            return self._fault(node, path, "an alias stands inside the very value that it repeats")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
                return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
        finally:
            self._open.discard(id(node))
        return self._fault(node, path, f"the tag {_shown_tag(node)} is not understood: write the value without it")

    def _item(self, node: yaml.Node, path: Path) -> object:
        self._document.places[path] = _place(node.start_mark)
        return self.value(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        merged: dict[str, object] = {}
        own: dict[str, object] = {}
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                merged = self._merged(value, path) | merged
            elif not isinstance(key, yaml.ScalarNode) or key.tag not in _TEXT | {f"{_TAG}bool"}:
                self._fault(key, path, "a key must be text: put it in quotes")
            elif key.value in own:
                earlier = self._document.place((*path, key.value)).line
                self._fault(key, (*path, key.value), f"this key stood already on line {earlier}: keep one of the two")
            else:
                self._document.places[*path, key.value] = _place(key.start_mark)
                own[key.value] = self.value(value, (*path, key.value))
        return merged | own

    def _merged(self, node: yaml.Node, path: Path) -> dict[str, object]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, object] = {}
        for part in parts:
            if isinstance(part, yaml.MappingNode):
                value = self.value(part, path)
                merged = (value if isinstance(value, dict) else {}) | merged
            else:
                self._fault(part, path, "'<<' takes an alias of a mapping")
        return merged

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> object:
        text: str = node.value
        boolean = node.tag == f"{_TAG}bool"
        if node.tag in _TEXT or (boolean and text.lower() not in {"true", "false"}) or (not boolean and ":" in text):
            return text
        if node.tag not in _PLAIN:
            return self._fault(node, path, f"the tag {_shown_tag(node)} is not understood: write the value without it")
        try:
            value = self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError, LookupError):
            return self._fault(node, path, f"{text[:40]!r} is not what its tag {_shown_tag(node)} says")
        if isinstance(value, float) and not isfinite(value):
            return self._fault(node, path, f"{text[:40]!r} is not a number to compare with")
        return value

    def _fault(self, node: yaml.Node, path: Path, message: str) -> object:
        """Note it; the value is read as nothing."""
        self._document.faults.append(Fault(_place(node.start_mark), path, message))
        return None
