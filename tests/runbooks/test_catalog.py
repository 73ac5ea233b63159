import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import indent

import pytest

from models.errors import GiveUpError
from runbooks import RUNBOOKS
from runbooks.catalog import catalog, describe, load
from runbooks.service_unhealthy import ServiceUnhealthy
from tests.runbooks.sandbox import load_in_sandbox

Write = Callable[..., Path]

HEAD = "from selfheal import Case, Facts, Outcome, Runbook, Service, Verdict, workflow\n"
METHODS = {
    "diagnose": "async def diagnose(self, case):\n    return Facts()\n",
    "propose": "def propose(self, facts):\n    return []\n",
    "verify": "def verify(self, facts):\n    return Verdict.INCONCLUSIVE\n",
}


def source(name: str, *, without: str = "", handles: str = "()", parent: str = "Runbook[Service, Facts]") -> str:
    """A runbook as a user writes it, perhaps without a part."""
    run = "@workflow.run\nasync def run(self, case: Case[Service]) -> Outcome:\n    return await self.heal(case)\n"
    body = f"handles = {handles}\n{run}" + "".join(text for part, text in METHODS.items() if part != without)
    decorator = "" if without == "@workflow.defn" else "@workflow.defn\n"
    return f"{HEAD}\n{decorator}class {name}({parent}):\n{indent(body, '    ')}"


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Writes a user's file; afterwards nothing of it is left in this process."""
    path, modules = list(sys.path), set(sys.modules)

    def file(name: str, text: str) -> Path:
        written = tmp_path / name
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(text)
        return written

    yield file
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def names(path: Path) -> list[str]:
    """The runbooks that a path holds."""
    return [runbook.__name__ for runbook in load(path)]


def test_a_file_is_a_runbook_of_its_own(write: Write) -> None:
    """A user's file is loaded and described like one of ours."""
    path = write("user_one.py", source("QueueStuck", handles="('QueueStuck',)"))
    (found,) = load(path)
    info = describe(found)
    assert (info.name, info.handles, info.targets) == ("QueueStuck", ("QueueStuck",), ("service",))
    assert "QueueStuck" in catalog([*RUNBOOKS, found])


def test_a_folder_is_all_its_files_but_the_tests(write: Write, tmp_path: Path) -> None:
    """Each file of a folder is loaded, the tests beside them are not."""
    write("mine/user_b.py", source("Second"))
    write("mine/user_a.py", source("First"))
    write("mine/test_user_a.py", "raise RuntimeError('a test was imported')\n")
    assert names(tmp_path / "mine") == ["First", "Second"]


def test_a_package_is_what_it_exports(write: Write, tmp_path: Path) -> None:
    """Of a package that counts which its __init__ imports from its own modules, and not what it took from ours."""
    lines = "from runbooks.service_unhealthy import ServiceUnhealthy\nfrom user_package.inner import Exported\n"
    write("user_package/__init__.py", lines)
    write("user_package/inner.py", source("Exported"))
    write("user_package/other.py", source("NotExported"))
    assert names(tmp_path / "user_package") == ["Exported"]


def test_what_a_file_only_uses_is_not_its_own(write: Write) -> None:
    """A file that imports one of our runbooks does not serve it a second time."""
    path = write("user_borrows.py", "from runbooks.service_unhealthy import ServiceUnhealthy\n" + source("Own"))
    assert names(path) == ["Own"]


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("user_broken.py", "def (:\n", r"user_broken.py' cannot be imported: SyntaxError"),
        ("user_missing.py", "import no_such_module\n", r"cannot be imported: ModuleNotFoundError: .*no_such_module"),
        ("user_raises.py", "raise KeyError('x')\n", r"cannot be imported: KeyError: 'x'"),
        ("json.py", source("Shadowed"), r"the name 'json' of '.*json.py' is taken by '.*': rename your file"),
        ("models.py", source("Shadowed"), r"the name 'models' .* is taken"),
        ("user_empty.py", "X = 1\n", r"holds no runbook: write one with 'selfheal runbooks new NAME'"),
    ],
)
def test_what_cannot_be_loaded_says_why(write: Write, name: str, text: str, error: str) -> None:
    """The error names the file, the reason and what to do."""
    with pytest.raises(GiveUpError, match=error):
        load(write(name, text))


def test_an_empty_folder_and_none_at_all(tmp_path: Path) -> None:
    """A folder without runbooks, and a path to nothing, are mistakes."""
    with pytest.raises(GiveUpError, match="holds no runbook"):
        load(tmp_path)
    with pytest.raises(GiveUpError, match=r"no runbooks at '.*gone.py': give a .py file"):
        load(tmp_path / "gone.py")


@pytest.mark.parametrize(
    ("without", "error"),
    [
        ("diagnose", "'Partly' has no diagnose: write it"),
        ("propose", "'Partly' has no propose: write it"),
        ("verify", "'Partly' has no verify: write it"),
        ("@workflow.defn", "'Partly' is no workflow: put @workflow.defn above the class"),
    ],
)
def test_a_runbook_with_a_part_missing_says_which(write: Write, without: str, error: str) -> None:
    """What its author forgot is named when the process starts, not when the first alert comes."""
    path = write(f"user_{without.strip('@').replace('.', '_')}.py", source("Partly", without=without))
    with pytest.raises(GiveUpError, match=error):
        catalog(load(path))


async def test_a_runbook_may_extend_another(write: Write) -> None:
    """An extension heals what its parent heals, as a runbook of its own name; it needs a definition of its own."""
    ours = "from runbooks.service_unhealthy import ServiceUnhealthy\n"
    (extended,) = load(write("user_extends.py", ours + source("Extended", parent="ServiceUnhealthy")))
    assert (describe(extended).name, describe(extended).targets) == ("Extended", ("service",))
    await load_in_sandbox([extended])
    bare = source("Bare", parent="ServiceUnhealthy", without="@workflow.defn")
    with pytest.raises(GiveUpError, match="'Bare' is no workflow"):
        catalog(load(write("user_bare.py", ours + bare)))


def test_a_runbook_says_what_it_heals(write: Write) -> None:
    """Without the kind of target nobody could check a policy against it."""
    path = write("user_untyped.py", source("Untyped", parent="Runbook"))
    with pytest.raises(GiveUpError, match=r"'Untyped' does not say what it heals: extend Runbook\[Target, Facts\]"):
        catalog(load(path))


def test_two_of_one_name_or_one_alert_are_refused(write: Write) -> None:
    """Which of two runbooks is meant must never be a matter of order."""
    same = write("user_same.py", source("ServiceUnhealthy"))
    with pytest.raises(GiveUpError, match="two runbooks are named 'ServiceUnhealthy': rename one"):
        catalog([*RUNBOOKS, *load(same)])
    claims = write("user_claims.py", source("Mine", handles="('ServiceDown',)"))
    with pytest.raises(GiveUpError, match="'ServiceUnhealthy' and 'Mine' both handle 'ServiceDown'"):
        catalog([*RUNBOOKS, *load(claims)])
    assert "ServiceDown" in ServiceUnhealthy.handles
