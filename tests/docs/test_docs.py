import json
import os
import runpy
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from activities.notifications import Notice
from activities.step import steps
from gateway.answers import AlertAnswer, Answer
from gateway.sources import alertmanager, generic
from models.alert import Alert
from models.decision import Decision
from models.policy_file import parse_policies
from models.runbook_info import RunbookInfo
from runbooks import RUNBOOKS
from runbooks.catalog import catalog, load
from tests.docs.command_lines import check_command
from tests.docs.pages import PAGES, PICTURES, ROOT, Block, all_blocks, anchors, commands, links, spans
from tests.services.missing import program

_KILOBYTES = 200
_WIDTH = 1400


def each(found: list[Block]) -> pytest.MarkDecorator:
    """A test for each of these blocks, named by where it stands."""
    return pytest.mark.parametrize("block", found, ids=map(str, found))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[Block, Path]]:
    """Every Python block as a file, those of one page beside each other; nothing of them stays loaded."""
    path, modules, files = list(sys.path), set(sys.modules), {}
    for number, block in enumerate(all_blocks("python")):
        folder = tmp_path_factory.getbasetemp() / f"docs-{block.page.stem}"
        folder.mkdir(exist_ok=True)
        files[block] = folder / (block.file or f"block_{number}.py")
        files[block].write_text(block.text)
    yield files
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture(scope="module")
def known(written: Mapping[Block, Path]) -> Mapping[str, RunbookInfo]:
    """Our runbooks, and those of the docs."""
    own = [runbook for block, file in written.items() if _holds_runbook(block) for runbook in load(file)]
    return catalog([*RUNBOOKS, *own])


@each([block for block in all_blocks("yaml") if "receivers:" not in block.text])
def test_every_policy_file_can_be_used(block: Block, known: Mapping[str, RunbookInfo]) -> None:
    """With our runbooks and those of the docs, a policy file in the docs has no mistake."""
    assert parse_policies(block.text, file=str(block), runbooks=known).policies


@each([block for block in all_blocks("yaml") if "receivers:" in block.text])
def test_alertmanager_takes_its_configuration(block: Block, tmp_path: Path) -> None:
    """Alertmanager's own tool finds nothing wrong with it."""
    file = tmp_path / "alertmanager.yml"
    file.write_text(block.text)
    checked = subprocess.run([program("amtool"), "check-config", file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@each([block for block in all_blocks("python") if "def test_" not in block.text])
def test_every_python_block_loads(
    block: Block, written: Mapping[Block, Path], known: Mapping[str, RunbookInfo]
) -> None:
    """A runbook is one that policies can name; a class of activities has steps."""
    if _holds_runbook(block):
        assert {runbook.__name__ for runbook in load(written[block])} <= known.keys()
    else:
        made = runpy.run_path(str(written[block]))
        assert [thing for name, thing in made.items() if name.endswith("Activities") and steps(thing)]


@each([block for block in all_blocks("python") if "def test_" in block.text])
def test_every_test_in_the_docs_passes(block: Block, written: Mapping[Block, Path]) -> None:
    """The tests of a runbook pass beside it, as their author would run them."""
    file = written[block]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file.name]
    ran = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_the_examples_are_typed(written: Mapping[Block, Path], tmp_path: Path) -> None:
    """What a runbook's author imports is typed, and used in the docs as its types say."""
    files = [file for file in written.values() if not file.name.startswith("test_")]
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), *map(str, files)]
    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "MYPYPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout


@each(all_blocks("json"))
def test_every_json_block_is_taken(block: Block) -> None:
    """What is sent is taken by who reads it, and what is answered is what would be answered."""
    _take(json.loads(block.text))


@each([block for block in all_blocks("sh") if "'{" in block.text])
def test_json_in_commands_is_taken(block: Block) -> None:
    """The JSON that commands send is taken as well."""
    for words in commands(block):
        for word in words:
            if word.startswith("{") and "$(" not in word:
                _take(json.loads(word))


@each(all_blocks("sh"))
def test_every_command_exists(block: Block) -> None:
    """Each command has the subcommands, options, targets and modules that the docs use."""
    for words in commands(block):
        check_command(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_text_exists(page: Path) -> None:
    """So have the commands in the running text."""
    for words in (*spans(page, "selfheal "), *spans(page, "make ")):
        check_command(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Pages, their headings, and pictures are there."""
    for link in links(page):
        target, _, fragment = link.partition("#")
        if "://" in link:
            continue
        file = page.parent / target if target else page
        assert file.exists(), link
        assert not fragment or fragment in anchors(file), link


def test_every_picture_is_shown_and_small() -> None:
    """No picture is forgotten, too large to load, or too wide to read."""
    shown = {(page.parent / link).resolve() for page in PAGES for link in links(page) if link.endswith(".png")}
    pictures = set(PICTURES.glob("*.png"))
    assert pictures == shown
    for picture in pictures:
        content = picture.read_bytes()
        assert len(content) < _KILOBYTES * 1000, picture.name
        assert struct.unpack(">I", content[16:20])[0] <= _WIDTH, picture.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_tells_of_the_machine_that_it_was_written_on(page: Path) -> None:
    """Paths are those of a reader's machine."""
    text = page.read_text()
    assert [word for word in (str(ROOT), str(Path.home()), "/root/", "/work/") if f"{word}" in text] == []


def _holds_runbook(block: Block) -> bool:
    return "(Runbook[" in block.text


def _take(sent: dict[str, Any]) -> None:
    """Give it to who reads such a thing."""
    text = json.dumps(sent)
    if "version" in sent:
        assert all(isinstance(alert, Alert) for alert in alertmanager.parse(text.encode()).alerts)
    elif "truncated" in sent:
        answer = Answer.model_validate_json(text, extra="forbid")
        assert [alert.keys() for alert in sent["alerts"]] == [AlertAnswer.model_fields.keys()] * len(answer.alerts)
    elif "approved" in sent:
        Decision.model_validate(sent)
    elif "kind" in sent:
        assert sent.keys() == Notice.model_fields.keys() - {"to", "key"}
    else:
        assert all(isinstance(alert, Alert) for alert in generic.parse(text.encode()).alerts)
