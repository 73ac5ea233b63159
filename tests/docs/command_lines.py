"""Whether the commands in the docs exist, by what their own help says."""

import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tests.docs.pages import ROOT
from tests.services.missing import missing
from worker.embedded import find_temporal


def check_command(words: list[str]) -> None:
    """Fail unless this line's `selfheal`, `temporal`, `make` or `python -m` is there with what is used of it."""
    for number, word in enumerate(words):
        if word in ("selfheal", "temporal") and number + 1 < len(words):
            _check_options(word, words[number + 1 :])
    match words:
        case ["make", *rest]:
            targets = [word for word in rest if "=" not in word and word != "X"]
            assert targets
            for target in targets:
                assert f"\n{target}:" in (ROOT / "Makefile").read_text(), target
        case ["python", "-m", module, *_]:
            assert find_spec(module), module


def _check_options(name: str, words: list[str]) -> None:
    """Go down the subcommands, then look for each option in the last one's help."""
    path: list[str] = []
    while words and words[0] in _listed(name, *path):
        path.append(words.pop(0))
    assert path, f"{name} has no command {words[0]!r}"
    assert not _listed(name, *path) or not words, f"{name} {' '.join(path)} has no command {words[:1]}"
    for word in words:
        if word.startswith("-"):
            option = word.partition("=")[0]
            assert option in _help(name, *path).replace(",", " ").split(), f"{name} {' '.join(path)} has no {option}"


def _listed(name: str, *path: str) -> list[str]:
    """The subcommands in the help of a command."""
    _, found, rest = _help(name, *path).partition("Commands:\n")
    listed = rest.partition("\n\n")[0].splitlines() if found else []
    return [line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "]


@cache
def _help(name: str, *path: str) -> str:
    found = Path(sys.executable).with_name("selfheal") if name == "selfheal" else find_temporal()
    if found is None:
        missing(name)
    ran = subprocess.run(
        [found, *path, "--help"],
        env={**os.environ, "COLUMNS": "200", "TERMINAL_WIDTH": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout
