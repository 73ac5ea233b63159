"""A policy file, checked: its mistakes, or what is doubtful about it and what it will do."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from models.model import Model
from models.policy_faults import shown
from models.policy_file import PolicyFile, PolicyFileError, Problem, parse_policies
from models.runbook_info import RunbookInfo
from models.yaml_lines import read_yaml
from worker.cli.console import grid, plain
from worker.cli.policy_doubts import doubts
from worker.cli.policy_effects import Effect, effect


class Checked(Model):
    """The result; these are the keys of ``policies check --json``.

    Attributes:
        problems: mistakes; with any of them the file is not used.
        warnings: what is allowed, but dangerous or useless.
        policies: what each will do, where there are no mistakes.
    """

    file: str
    ok: bool
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    policies: tuple[Effect, ...] = ()
    targets: int = 0

    def page(self) -> RenderableType:
        """It as a person reads it: a line for each problem, as compilers do."""
        return Group(*self._lines())

    def _lines(self) -> Iterator[RenderableType]:
        for problem in self.problems:
            yield Text(plain(problem))
        for warning in self.warnings:
            where = f"{warning.file}:{warning.line}: " + (f"{warning.field}: " if warning.field else "")
            yield Text.assemble(plain(where), ("warning", "yellow"), f": {plain(warning.message)}")
        if self.ok:
            doubtful = f"; {_count(len(self.warnings), 'warning')}" if self.warnings else ""
            numbers = f"{_count(len(self.policies), 'policy', 'policies')}, {_count(self.targets, 'target')}"
            yield Text(f"{plain(self.file)} can be used: {numbers}{doubtful}", style="bold")
        for policy in self.policies:
            yield Text(f"\n{policy.name}", style="bold")
            table = grid()
            for name, text in policy.model_dump(exclude={"name"}).items():
                table.add_row(Text(f"  {name}", style="dim"), plain(text))
            yield table


def check_file(path: Path, runbooks: Mapping[str, RunbookInfo]) -> Checked:
    """Check a policy file.

    Args:
        path: where it is.
        runbooks: the known runbooks by name.
    """
    try:
        text = path.read_text(encoding="utf-8")
        file = parse_policies(text, file=str(path), runbooks=runbooks)
    except PolicyFileError as error:
        return Checked(file=str(path), ok=False, problems=tuple(error.problems))
    except (OSError, UnicodeDecodeError) as error:
        unreadable = Problem(str(path), 1, 1, "", f"cannot be read: {error}")
        return Checked(file=str(path), ok=False, problems=(unreadable,))
    return Checked(
        file=str(path),
        ok=True,
        warnings=_warnings(path, text, file, runbooks),
        policies=tuple(effect(file, policy, runbooks[policy.starts]) for policy in file.policies),
        targets=len(file.targets),
    )


def _warnings(path: Path, text: str, file: PolicyFile, runbooks: Mapping[str, RunbookInfo]) -> tuple[Problem, ...]:
    document = read_yaml(text)
    found = []
    for where, message in doubts(file, runbooks):
        place = document.place(where)
        found.append(Problem(str(path), place.line, place.column, shown(where), message))
    return tuple(sorted(found, key=lambda problem: (problem.line, problem.column)))


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"
