"""``selfheal runbooks new``: a runbook and its passing test, to be rewritten by its author."""

import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

from models.errors import GiveUpError
from models.runbook_info import RunbookInfo

_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_LONGEST = 40
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_USED_IN_TEMPLATE = frozenset({"StartInstance", "ScaleService", "FakeDo", "ClassVar"})
_IMPORTS = (
    "from models.target import Commands, Scaling",
    "from selfheal import Escalate, Service, Verdict",
    "from worker.plugin import selfheal_plugin",
)
_TEMPLATES = resources.files("worker.cli") / "templates"


@dataclass(frozen=True)
class Scaffold:
    """Where a new runbook goes.

    Attributes:
        module: how its test imports it.
        register: lines to add for it to be found, by the file that they go into.
        serve: how a process is told of it; nothing where it is one of the project's own.
    """

    name: str
    runbook: Path
    test: Path
    module: str
    register: tuple[str, ...] = ()
    serve: str = ""

    @property
    def texts(self) -> dict[Path, str]:
        """The files, filled in."""
        names = sorted(["StartInstance", self.name, f"{self.name}Facts"], key=str.lower)
        tested = "".join([f"from {self.module} import (\n", *(f"    {name},\n" for name in names), ")"])
        return {
            self.runbook: _filled("runbook.py.txt", Name=self.name),
            self.test: _filled("test_runbook.py.txt", Name=self.name, imports="\n".join(sorted([tested, *_IMPORTS]))),
        }


def check_name(name: str, known: Mapping[str, RunbookInfo], taken: Iterable[str]) -> None:
    """Make sure that a runbook can have this name.

    Args:
        name: for the class, and the alert that it handles.
        known: the runbooks that there are.
        taken: names that a runbook's module imports.

    Raises:
        GiveUpError: it cannot.
    """
    if not _NAME.fullmatch(name) or name.isupper() or len(name) > _LONGEST:
        raise GiveUpError(
            f"{name!r} is no name for a runbook: name the failure, like 'QueueStuck', in at most {_LONGEST} letters"
        )
    if name in _USED_IN_TEMPLATE or name in taken:
        raise GiveUpError(f"{name!r} is a word that runbooks are written with: choose another name")
    for info in known.values():
        if name == info.name:
            raise GiveUpError(f"there is a runbook {name!r} already: choose another name, or extend that one")
        if name in info.handles:
            raise GiveUpError(f"the runbook {info.name!r} handles the alert {name!r}: choose another name")


def place(name: str, folder: Path | None, here: Path) -> Scaffold:
    """Where the runbook goes: into this project if we stand in it, else into the folder, as a user's own.

    Raises:
        GiveUpError: Python could not import it from there.
    """
    stem = snake(name)
    if folder is None and is_project(here):
        return Scaffold(
            name=name,
            runbook=here / "runbooks" / f"{stem}.py",
            test=here / "tests" / "runbooks" / f"test_{stem}.py",
            module=f"runbooks.{stem}",
            register=(f"from runbooks.{stem} import {name}", f"RUNBOOKS = (…, {name})"),
        )
    folder = (folder or here).resolve()
    runbook, test = folder / f"{stem}.py", folder / f"test_{stem}.py"
    if (folder / "__init__.py").exists():
        module = f"{folder.name}.{stem}"
        return Scaffold(name, runbook, test, module, (f"from {module} import {name}",), str(folder))
    found = importlib.util.find_spec(stem)
    if stem in sys.stdlib_module_names or (found and found.origin != str(runbook)):
        raise GiveUpError(f"the module {stem!r} would hide one that is needed: choose another name than {name!r}")
    return Scaffold(name, runbook, test, stem, serve=str(runbook))


def write(scaffold: Scaffold) -> None:
    """Write both files, or none.

    Raises:
        GiveUpError: one is there already, or they cannot be written.
    """
    for path in scaffold.texts:
        if path.exists():
            raise GiveUpError(f"{str(path)!r} is there already: it is not overwritten")
    try:
        for path, text in scaffold.texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise GiveUpError(f"{str(path)!r} cannot be written: {error.strerror}") from error


def is_project(folder: Path) -> bool:
    """Whether this is the project's own folder, with its tuple of runbooks."""
    registry = folder / "runbooks" / "__init__.py"
    return registry.is_file() and "RUNBOOKS = (" in registry.read_text(encoding="utf-8")


def snake(name: str) -> str:
    """``DiskFilling`` as ``disk_filling``."""
    return _WORD.sub("_", name).lower()


def _filled(template: str, **words: str) -> str:
    return Template((_TEMPLATES / template).read_text(encoding="utf-8")).substitute(words)
