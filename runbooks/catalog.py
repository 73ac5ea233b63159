"""The runbooks that a process knows: ours, and a user's own from outside this repository."""

import importlib
import inspect
import sys
import typing
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from models.errors import GiveUpError
from models.runbook_info import RunbookInfo
from runbooks import RUNBOOKS
from workflows.runbook import Runbook

AnyRunbook = type[Runbook[Any, Any]]


def describe(runbook: AnyRunbook) -> RunbookInfo:
    """What policies need to know of a runbook.

    Raises:
        GiveUpError: the class is not a complete runbook; the text says what is missing.
    """
    definition = getattr(runbook, "__temporal_workflow_definition", None)
    if definition is None or definition.cls is not runbook:
        raise GiveUpError(f"runbook {runbook.__name__!r} is no workflow: put @workflow.defn above the class")
    for method in ("diagnose", "propose", "verify"):
        if getattr(runbook, method) is getattr(Runbook, method):
            raise GiveUpError(f"runbook {runbook.__name__!r} has no {method}: write it")
    return RunbookInfo(
        name=definition.name,
        summary=(inspect.getdoc(runbook) or "").partition("\n")[0],
        handles=runbook.handles,
        targets=_targets(runbook),
        parameters=runbook.parameters,
    )


def catalog(runbooks: Iterable[AnyRunbook]) -> dict[str, RunbookInfo]:
    """Runbooks by name.

    Raises:
        GiveUpError: two have one name, or claim one alert.
    """
    found: dict[str, RunbookInfo] = {}
    claimed: dict[str, str] = {}
    for info in map(describe, runbooks):
        if info.name in found:
            raise GiveUpError(f"two runbooks are named {info.name!r}: rename one")
        for alert in info.handles:
            if alert in claimed:
                raise GiveUpError(
                    f"runbooks {claimed[alert]!r} and {info.name!r} both handle {alert!r}: drop it from one"
                )
            claimed[alert] = info.name
        found[info.name] = info
    return found


def all_runbooks(paths: Iterable[Path]) -> list[AnyRunbook]:
    """Ours, and a user's own at these paths.

    Raises:
        GiveUpError: a path holds none, or cannot be imported.
    """
    return [*RUNBOOKS, *(runbook for path in paths for runbook in load(path))]


def load(path: Path) -> list[AnyRunbook]:
    """The runbooks in a user's own file or package.

    Its folder is put on the import path, so that the workflow sandbox can import it by name as well.

    Raises:
        GiveUpError: there is no such file, its name is taken, it cannot be imported, or it holds no runbook.
    """
    path = path.resolve()
    if not path.exists():
        raise GiveUpError(f"no runbooks at {str(path)!r}: give a .py file or a folder of them")
    package = path.is_dir() and (path / "__init__.py").exists()
    files = (
        [path] if path.is_file() or package else sorted(f for f in path.glob("*.py") if not f.name.startswith("test_"))
    )
    parent = str(path if path.is_dir() and not package else path.parent)
    if parent not in sys.path:
        sys.path.append(parent)
    runbooks = [runbook for file in files for runbook in _runbooks_of(_import(file))]
    if not runbooks:
        raise GiveUpError(f"{str(path)!r} holds no runbook: write one with 'selfheal runbooks new NAME'")
    return runbooks


def _import(file: Path) -> ModuleType:
    name = file.stem
    try:
        module = importlib.import_module(name)
    except Exception as error:
        raise GiveUpError(f"{str(file)!r} cannot be imported: {type(error).__name__}: {error}") from error
    origin = Path(module.__file__ or "").resolve()
    if origin not in {file, file / "__init__.py"}:
        raise GiveUpError(f"the name {name!r} of {str(file)!r} is taken by {str(origin)!r}: rename your file")
    return module


def _runbooks_of(module: ModuleType) -> list[AnyRunbook]:
    found = [
        thing
        for thing in vars(module).values()
        if inspect.isclass(thing)
        and issubclass(thing, Runbook)
        and thing is not Runbook
        and (thing.__module__ == module.__name__ or thing.__module__.startswith(module.__name__ + "."))
    ]
    return list(dict.fromkeys(found))


def _targets(runbook: AnyRunbook) -> tuple[str, ...]:
    """The kinds of target, from the ``T`` in ``Runbook[T, F]``."""
    for parent in getattr(runbook, "__orig_bases__", ()):
        if typing.get_origin(parent) is Runbook:
            target = typing.get_args(parent)[0]
            return tuple(kind.model_fields["kind"].default for kind in typing.get_args(target) or (target,))
    raise GiveUpError(f"runbook {runbook.__name__!r} does not say what it heals: extend Runbook[Target, Facts]")
