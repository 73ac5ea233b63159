import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from runbooks import RUNBOOKS
from tests.worker.cli.terminal import Ended, Selfheal

OWN = '''\
from typing import ClassVar

from selfheal import Case, Facts, Outcome, Parameters, Remediation, Risk, Runbook, Service, Verdict, workflow


class Limits(Parameters):
    """What is too much.

    Attributes:
        letters: how many may wait.
    """

    path: str
    letters: int = 100


class Letters(Facts):
    count: int


class Post(Remediation):
    """Post the letters."""

    risk: ClassVar[Risk] = Risk.HIGH


@workflow.defn
class MailStuck(Runbook[Service, Letters]):
    """Letters are not sent.

    They wait for somebody to post them.
    """

    parameters = Limits

    @workflow.run
    async def run(self, case: Case[Service]) -> Outcome:
        return await self.heal(case)

    async def diagnose(self, case: Case[Service]) -> Letters:
        return Letters(count=1)

    def propose(self, facts: Letters) -> list[Remediation]:
        return self._posted()

    def _posted(self) -> list[Remediation]:
        return [Post() for _ in range(1)]

    def verify(self, facts: Letters) -> Verdict:
        return Verdict.HEALTHY
'''


@pytest.fixture
def own(selfheal: Selfheal) -> Path:
    """A runbook of a user's own."""
    file = selfheal.folder / "mail_stuck.py"
    file.write_text(OWN)
    return file


async def test_list_has_every_runbook(selfheal: Selfheal) -> None:
    """Those that come with the project, with alerts and targets."""
    ended = await selfheal("runbooks", "list", "--json")
    assert (ended.code, ended.err) == (0, "")
    found = {one["name"]: one for one in ended.json["runbooks"]}
    assert list(found) == [runbook.__name__ for runbook in RUNBOOKS]
    assert set(found["ServiceUnhealthy"]) == {"name", "summary", "handles", "targets"}
    assert "ServiceDown" in found["ServiceUnhealthy"]["handles"]
    assert found["ServiceUnhealthy"]["targets"] == ["service"]


async def test_list_has_ones_own(selfheal: Selfheal, own: Path) -> None:
    """A user's own runbooks stand beside ours, each on one line."""
    ended = await selfheal("runbooks", "list", "--runbooks", own)
    [line] = [line for line in ended.out.splitlines() if line.startswith("MailStuck")]
    assert line.split() == ["MailStuck", "-", "service", "Letters", "are", "not", "sent."]


async def test_show_tells_what_can_be_told(selfheal: Selfheal, own: Path) -> None:
    """Docstring, parameters with defaults, what it may propose, and where it is written."""
    ended = await selfheal("runbooks", "show", "MailStuck", "--runbooks", own)
    assert ended.code == 0
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    for line in (
        "They wait for somebody to post them.",
        "path string required",
        "letters integer 100 by default",
        "letters: how many may wait.",
        "Post high risk Post the letters. not undoable",
        f"source {own}",
    ):
        assert line in lines


async def test_show_as_json(selfheal: Selfheal) -> None:
    """The same for programs, defaults as a policy would write them."""
    shown = (await selfheal("runbooks", "show", "BadRelease", "--json")).json
    assert set(shown) == {
        "name",
        "summary",
        "handles",
        "targets",
        "description",
        "parameters",
        "remediations",
        "source",
    }
    defaults = {one["name"]: one["default"] for one in shown["parameters"]}
    assert (defaults["latency_p95"], defaults["recent"]) == ("2s", "1d")
    assert "ReturnToRelease" in {one["name"] for one in shown["remediations"]}


async def test_show_knows_what_its_helpers_propose(selfheal: Selfheal) -> None:
    """Remediations that a function beside the runbook builds are found as well."""
    shown = (await selfheal("runbooks", "show", "ThresholdCrossed", "--json")).json
    assert {one["name"] for one in shown["remediations"]} == {"Restart", "ReturnToRelease", "Scale"}


async def test_a_misspelt_runbook_is_guessed_at(selfheal: Selfheal) -> None:
    """An unknown name is an error that names a near one."""
    ended = await selfheal("runbooks", "show", "ServiceUnhealth")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "error: no runbook is named 'ServiceUnhealth'; did you mean 'ServiceUnhealthy'?\n"


async def test_a_runbook_that_cannot_be_imported_is_told(selfheal: Selfheal, own: Path) -> None:
    """A mistake in a user's file is one line, not a traceback."""
    (selfheal.folder / own.name).write_text("import nowhere\n")
    ended = await selfheal("runbooks", "list", "--runbooks", own)
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "No module named 'nowhere'" in ended.err


async def passes(folder: Path, *arguments: str) -> Ended:
    """Run pytest, as its author would, in a folder."""
    return await Selfheal(folder, {}, Path(sys.executable))("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)


async def test_a_new_runbook_passes_its_test(selfheal: Selfheal) -> None:
    """What is written works as it stands, and says what to do next."""
    ended = await selfheal("runbooks", "new", "QueueStuck")
    assert (ended.code, ended.err) == (0, "")
    assert "python -m pytest test_queue_stuck.py" in ended.out
    assert "selfheal up --runbooks queue_stuck.py" in ended.out
    assert sorted(file.name for file in selfheal.folder.glob("*.py")) == ["queue_stuck.py", "test_queue_stuck.py"]

    tested = await passes(selfheal.folder)

    assert tested.code == 0, tested.out
    assert "9 passed" in tested.out


async def test_a_new_runbooks_test_can_fail(selfheal: Selfheal) -> None:
    """A wrong judgement, a missing undo and code that is not deterministic are each found."""
    await selfheal("runbooks", "new", "QueueStuck")
    file = selfheal.folder / "queue_stuck.py"
    text = file.read_text()
    for right, wrong in (
        ("if facts.running is None", "if facts.running is False"),
        ("count=self.count_now)", "count=self.count)"),
        ('"""A service is down, and more', 'import random\nrandom.random()\n"""A service is down, and more'),
    ):
        assert right in text
        file.write_text(text.replace(right, wrong, 1))
        assert (await passes(selfheal.folder)).code == 1, wrong


async def test_a_new_runbook_in_a_package(selfheal: Selfheal) -> None:
    """Beside an __init__.py it becomes a module of that package, which must name it."""
    package = selfheal.folder / "ours"
    package.mkdir()
    (package / "__init__.py").write_text("")
    ended = await selfheal("runbooks", "new", "QueueStuck", "--dir", package)
    assert "from ours.queue_stuck import QueueStuck" in ended.out

    (package / "__init__.py").write_text("from ours.queue_stuck import QueueStuck\n")
    listed = await selfheal("runbooks", "list", "--runbooks", package)
    tested = await passes(selfheal.folder)

    assert "QueueStuck" in listed.out
    assert tested.code == 0, tested.out


async def test_a_new_runbook_of_this_project(selfheal: Selfheal) -> None:
    """In the project's own folder both files go where they belong, and the line to register is told."""
    (selfheal.folder / "runbooks").mkdir()
    registry = selfheal.folder / "runbooks" / "__init__.py"
    registry.write_text((Path(__file__).parents[3] / "runbooks" / "__init__.py").read_text())

    ended = await selfheal("runbooks", "new", "QueueStuck")

    assert ended.code == 0
    assert "in runbooks/__init__.py: from runbooks.queue_stuck import QueueStuck" in ended.out
    assert (selfheal.folder / "runbooks" / "queue_stuck.py").exists()
    test = selfheal.folder / "tests" / "runbooks" / "test_queue_stuck.py"
    assert "from runbooks.queue_stuck import (" in test.read_text()


async def test_a_new_runbook_is_in_this_projects_style(selfheal: Selfheal) -> None:
    """What is scaffolded here passes the project's own format and lint."""
    root = Path(__file__).parents[3]
    name = "NodeFilesystemAlmostOutOfSpaceAgainToday"
    await selfheal("runbooks", "new", name, "--dir", selfheal.folder / "tests")
    ruff = Selfheal(selfheal.folder, {}, Path(sys.executable).with_name("ruff"))
    config = ["--config", str(root / "pyproject.toml"), "--no-cache"]
    formatted = await ruff("format", "--check", *config, "tests")
    # Which of its imports are its own it cannot tell from outside.
    linted = await ruff("check", *config, "--ignore", "I001", "tests")
    assert (formatted.code, linted.code) == (0, 0), formatted.out + linted.out


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("queue_stuck", "is no name for a runbook"),
        ("Queue-Stuck", "is no name for a runbook"),
        ("DNS", "is no name for a runbook"),
        ("Q" + "u" * 40, "is no name for a runbook"),
        ("../Evil", "is no name for a runbook"),
        ("ServiceUnhealthy", "there is a runbook 'ServiceUnhealthy' already"),
        ("ServiceDown", "handles the alert 'ServiceDown'"),
        ("Remediation", "is a word that runbooks are written with"),
        ("Json", "the module 'json' would hide one that is needed"),
        ("Models", "the module 'models' would hide one that is needed"),
    ],
)
async def test_a_name_that_would_not_work_is_refused(selfheal: Selfheal, name: str, why: str) -> None:
    """Nothing is written under a name that could not be loaded later."""
    ended = await selfheal("runbooks", "new", name)
    assert (ended.code, ended.out) == (1, "")
    assert why in ended.err
    assert not list(selfheal.folder.rglob("*.py"))


async def test_nothing_is_overwritten(selfheal: Selfheal) -> None:
    """Where one of the two files is, neither is written."""
    (selfheal.folder / "test_queue_stuck.py").write_text("mine")
    ended = await selfheal("runbooks", "new", "QueueStuck")
    assert ended.code == 1
    assert "test_queue_stuck.py' is there already: it is not overwritten" in ended.err
    assert [file.name for file in selfheal.folder.glob("*.py")] == ["test_queue_stuck.py"]


def test_the_templates_are_in_the_wheel(tmp_path: Path) -> None:
    """What is installed can scaffold too."""
    build = [str(Path(sys.executable).with_name("hatchling")), "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=Path(__file__).parents[3], check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    templates = {Path(name).name for name in ZipFile(wheel).namelist() if name.startswith("worker/cli/templates/")}
    assert templates == {"runbook.py.txt", "test_runbook.py.txt"}
