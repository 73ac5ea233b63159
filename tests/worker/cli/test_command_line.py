import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.cli.conftest import execution_on, listed
from tests.worker.cli.terminal import Selfheal
from tests.workflows.conftest import Bench

GROUPS = ("executions", "runbooks", "policies", "alert")
COMMANDS = (
    ("up",),
    ("demo",),
    ("worker",),
    ("gateway",),
    ("approve",),
    ("reject",),
    ("executions", "list"),
    ("executions", "show"),
    ("executions", "watch"),
    ("runbooks", "list"),
    ("runbooks", "show"),
    ("runbooks", "new"),
    ("policies", "check"),
    ("policies", "schema"),
    ("alert", "send"),
)
LOADED = """\
import sys
sys.argv = ["selfheal", *sys.argv[1:]]
from worker.cli.app import app
try:
    app()
except SystemExit as end:
    assert not end.code
third_party = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - {"__main__", "__mp_main__"}
print("LOADED", *sorted(name for name in third_party if not name.startswith("_")))
"""


TYPERS = {"typer", "shellingham", "annotated_doc"}
TYPERS_TO_PARSE = {"pydantic", "pydantic_core", "annotated_types", "typing_inspection", "typing_extensions"}
"""What typer itself loads, the second to read the name of a command."""


@pytest.mark.parametrize("command", [(), *((group,) for group in GROUPS), *COMMANDS], ids=" ".join)
def test_help_loads_next_to_nothing(command: tuple[str, ...], tmp_path: Path) -> None:
    """What --help imports decides how soon it is there: of ours nothing but the command line, and no client."""
    run = [sys.executable, "-c", LOADED, *command, "--help"]
    shown = subprocess.run(run, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    loaded = set(shown.split("LOADED")[1].split())
    assert loaded - TYPERS - (TYPERS_TO_PARSE if command else set()) == {"worker"}


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if len(command) > 1 or "ct" in command[0]], ids=" ".join
)
async def test_help_tells_the_exit_codes(selfheal: Selfheal, command: tuple[str, ...]) -> None:
    """Scripts need no source to know what an exit code means."""
    ended = await selfheal(*command, "--help")
    assert ended.code == 0
    assert "Exit codes: 0 " in " ".join(ended.out.split())


async def test_commands_end_with_their_code_every_time(bench: Bench, selfheal: Selfheal) -> None:
    """The client of Temporal may abort a process while the interpreter shuts down: 50 times out of 50 it does not."""
    execution = await execution_on(bench, bench.machine(health="ok"), name="often")
    await execution.result()
    await listed(bench, "Policy = 'often' AND ExecutionStatus = 'Completed'")
    at_once = asyncio.Semaphore(4)

    async def once(number: int) -> tuple[int, str]:
        command = (
            ("executions", "list", "--policy", "often", "--json") if number % 5 else ("executions", "show", "nope")
        )
        async with at_once:
            ended = await selfheal(*command)
        return ended.code, ended.json["executions"][0]["id"] if number % 5 else ended.err

    ended = await asyncio.gather(*map(once, range(50)))

    missing = "error: no execution has 'nope' in its id: 'selfheal executions list' shows them\n"
    assert ended == [(0, execution.id) if number % 5 else (1, missing) for number in range(50)]


async def test_a_reader_that_leaves_early_is_no_error(selfheal: Selfheal) -> None:
    """As in `selfheal policies schema | head -1`."""
    shell = Selfheal(selfheal.folder, selfheal.env, Path("/bin/bash"))
    ended = await shell("-o", "pipefail", "-c", f"{selfheal.program} policies schema | head -1")
    assert (ended.code, ended.out, ended.err) == (0, "{\n", "")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("selfheal exe", {"executions"}),
        ("selfheal executions ", {"list", "show", "watch"}),
        ("selfheal executions list --outcome re", {"recovered", "rejected"}),
    ],
)
async def test_the_shell_completes(selfheal: Selfheal, typed: str, offered: set[str]) -> None:
    """Commands and the values of options are offered as bash asks for them."""
    words = typed.split(" ")
    env = {"_SELFHEAL_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)}
    ended = await selfheal(env=env)
    assert set(ended.out.split()) == offered


async def test_completion_can_be_installed(selfheal: Selfheal) -> None:
    """--install-completion finds out the shell it is called from and writes to its start-up file."""
    shell = Selfheal(selfheal.folder, {**selfheal.env, "HOME": str(selfheal.folder)}, Path("/bin/bash"))
    ended = await shell("-c", f"{selfheal.program} --install-completion; exit $?")
    assert ended.code == 0, ended.err
    assert "bash completion installed" in ended.out
    completed = await shell("--rcfile", selfheal.folder / ".bashrc", "-ic", "complete -p selfheal")
    assert completed.out == "complete -o default -F _selfheal_completion selfheal\n"


async def test_an_error_is_red_on_a_terminal_alone(selfheal: Selfheal) -> None:
    """Not in a pipe, and not with NO_COLOR; see no-color.org."""
    command = ("runbooks", "show", "Nope")
    async with selfheal.terminal(*command) as coloured, selfheal.terminal(*command, env={"NO_COLOR": "1"}) as bare:
        assert (await coloured.ended(), await bare.ended()) == (1, 1)
        await coloured.sees("\x1b[31merror: no runbook is named 'Nope'")
        await bare.sees("error: no runbook is named 'Nope'")
    assert "\x1b" not in bare.screen
    assert "\x1b" not in (await selfheal(*command)).err


async def test_an_unknown_command_is_a_usage_error(selfheal: Selfheal) -> None:
    """What was not understood ends with 2, on stderr."""
    ended = await selfheal("executions", "lst")
    assert (ended.code, ended.out) == (2, "")
    assert "No such command 'lst'" in ended.err


async def test_a_wrong_variable_is_named(selfheal: Selfheal) -> None:
    """A setting that cannot be read is told by its option and its variable."""
    ended = await selfheal("executions", "list", env={"SELFHEAL_TEMPORAL_PORT": "http"})
    assert (ended.code, ended.out) == (2, "")
    assert "--temporal-port (SELFHEAL_TEMPORAL_PORT)" in ended.err
