"""What can be told of a runbook from its class."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from models.model import Model
from models.runbook_info import RunbookInfo
from models.verdict import Risk
from runbooks.catalog import AnyRunbook
from worker.cli.console import grid
from workflows.remediation import Remediation


class Parameter(Model):
    """What a policy may set.

    Attributes:
        type: as in JSON Schema.
        default: as a policy would write it; null where it must be given.
    """

    name: str
    type: str
    required: bool
    default: Any = None


class Offered(Model):
    """A remediation that a runbook may propose.

    Attributes:
        undo: how it is undone; empty when it never can be.
    """

    name: str
    summary: str
    risk: Risk
    undo: str = ""


class ShownRunbook(Model):
    """A runbook; these are the keys of ``runbooks show --json``, the first four those of ``runbooks list --json``.

    Attributes:
        remediations: those that its source names; empty where that cannot be told.
        source: the file that it is in.
    """

    name: str
    summary: str
    handles: tuple[str, ...]
    targets: tuple[str, ...]
    description: str
    parameters: tuple[Parameter, ...]
    remediations: tuple[Offered, ...]
    source: Path


def describe(info: RunbookInfo, runbook: AnyRunbook) -> ShownRunbook:
    """All of it."""
    return ShownRunbook(
        name=info.name,
        summary=info.summary,
        handles=info.handles,
        targets=info.targets,
        description=inspect.getdoc(runbook) or "",
        parameters=tuple(_parameters(info)),
        remediations=tuple(map(_offered, remediations(runbook))),
        source=Path(inspect.getfile(runbook)),
    )


def page(shown: ShownRunbook, parameters_doc: str) -> RenderableType:
    """It as a person reads it."""
    about = grid()
    about.add_row("  handles", ", ".join(shown.handles) or "alerts that bear its policy's name")
    about.add_row("  targets", ", ".join(shown.targets))
    about.add_row("  source", str(shown.source))
    blocks: list[RenderableType] = [Text(shown.name, style="bold"), Text(f"\n{shown.description}\n"), about]
    if shown.parameters:
        table = grid()
        for one in shown.parameters:
            table.add_row(f"  {one.name}", one.type, "required" if one.required else f"{one.default} by default")
        blocks += [Text("\nParameters", style="bold"), table, Text(f"\n{_indented(parameters_doc)}")]
    if shown.remediations:
        table = grid()
        for offered in shown.remediations:
            table.add_row(f"  {offered.name}", f"{offered.risk} risk", offered.summary, offered.undo or "not undoable")
        blocks += [Text("\nMay propose", style="bold"), table]
    return Group(*blocks)


def remediations(runbook: AnyRunbook) -> list[type[Remediation]]:
    """Those that `propose` names, or what it calls in its own module."""
    found: dict[type[Remediation], None] = {}
    seen: set[FunctionType] = set()
    left = [runbook.propose]
    while left:
        function = left.pop(0)
        if not isinstance(function, FunctionType) or function in seen:
            continue
        seen.add(function)
        for name in _names(function.__code__):
            thing = function.__globals__.get(name)
            if inspect.isclass(thing) and issubclass(thing, Remediation) and thing is not Remediation:
                found[thing] = None
            elif inspect.isfunction(thing) and thing.__module__ == function.__module__:
                left.append(thing)
            elif inspect.isfunction(method := runbook.__dict__.get(name)):
                left.append(method)
    return list(found)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _offered(remediation: type[Remediation]) -> Offered:
    undoable = remediation.undo is not Remediation.undo
    return Offered(
        name=remediation.__name__,
        summary=_first_line(remediation),
        risk=remediation.risk,
        undo=(_first_line(remediation.undo) or "it is taken back") if undoable else "",
    )


def _parameters(info: RunbookInfo) -> Iterator[Parameter]:
    schema = info.parameters.model_json_schema()
    # The schema has defaults as they are kept, such as PT2S; the model writes them as people do.
    defaults = info.parameters.model_construct().model_dump(mode="json")
    for name, about in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        yield Parameter(name=name, type=_type(about), required=required, default=defaults.get(name))


def _type(about: dict[str, Any]) -> str:
    if "anyOf" in about:
        return " or ".join(map(_type, about["anyOf"]))
    if "$ref" in about:
        return str(about["$ref"]).rpartition("/")[2]
    return str(about.get("type", "anything"))


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
