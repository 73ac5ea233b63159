import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from activities.intake import Intake
from gateway.app import build_app
from gateway.serve import serve
from models.outcome import Ending, Outcome
from models.policy_file import parse_policies
from runbooks.catalog import catalog
from tests.services.ports import free_port
from tests.worker.cli.terminal import Selfheal
from tests.workflows.conftest import Bench
from tests.workflows.toy import MachineBroken

POLICIES = """\
services:
  - {{name: {machine}, health: {{port: 1}}}}
policies:
  - {{name: by-alertmanager, runbook: MachineBroken, autonomy: observe, match: {{source: alertmanager}}}}
  - {{name: heal-machines, runbook: MachineBroken, autonomy: {autonomy}}}
"""
TOKENS = {"generic": "open-sesame", "alertmanager": "open-wheat"}


@asynccontextmanager
async def door(bench: Bench, selfheal: Selfheal, machine: str, autonomy: str = "auto") -> AsyncIterator[None]:
    """A real gateway whose policies heal that machine; the command knows where it is, and the token."""
    known = catalog([MachineBroken])
    file = parse_policies(POLICIES.format(machine=machine, autonomy=autonomy), file="policies.yaml", runbooks=known)
    app = build_app(Intake(bench.client, file, known, task_queue=bench.task_queue), TOKENS)
    stop, base = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, stop=stop, listening=base.set_result))
    selfheal.env |= {"SELFHEAL_GATEWAY": await base, "SELFHEAL_TOKEN": TOKENS["generic"]}
    try:
        yield
    finally:
        stop.set()
        await serving


async def test_an_alert_starts_an_execution(bench: Bench, selfheal: Selfheal) -> None:
    """It goes through the gateway like any other, and what it started can be followed."""
    machine = bench.machine(cures="a")
    async with door(bench, selfheal, machine):
        ended = await selfheal("alert", "send", "MachineBroken", "--label", f"service={machine}", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert (ended.json["result"], ended.json["policy"]) == ("started", "heal-machines")
    assert ended.json["target"] == f"service:local/{machine}"
    execution = bench.client.get_workflow_handle(ended.json["execution"], result_type=Outcome)
    assert (await execution.result()).ending is Ending.HEALED


async def test_people_are_told_how_to_follow_it(bench: Bench, selfheal: Selfheal) -> None:
    """The answer in words ends with the command to type next."""
    machine = bench.machine(health="ok")
    async with door(bench, selfheal, machine):
        ended = await selfheal("alert", "send", "MachineBroken", "--label", f"service={machine}")
    assert ended.code == 0
    assert ended.out.startswith("Started\n  policy     heal-machines\n")
    assert f"follow it  selfheal executions watch MachineBroken:service:local/{machine}:" in ended.out


async def test_the_same_alert_resolves_what_it_started(bench: Bench, selfheal: Selfheal) -> None:
    """Name and labels identify it: sent again as resolved, the execution hears that it is over."""
    machine = bench.machine()
    send = ("alert", "send", "MachineBroken", "--label", f"service={machine}", "--json")
    async with door(bench, selfheal, machine, autonomy="approve"):
        started = await selfheal(*send)
        execution = bench.client.get_workflow_handle(started.json["execution"], result_type=Outcome)
        await bench.question(execution)
        resolved = await selfheal(*send, "--status", "resolved")
    assert (resolved.code, resolved.json["result"]) == (0, "resolved")
    assert (await execution.result()).ending is Ending.RECOVERED


async def test_it_may_go_through_alertmanagers_door(bench: Bench, selfheal: Selfheal) -> None:
    """A policy for alerts of Alertmanager can be tried without one."""
    machine = bench.machine()
    options = ["--source", "alertmanager", "--token", TOKENS["alertmanager"], "--json"]
    async with door(bench, selfheal, machine):
        ended = await selfheal("alert", "send", "MachineBroken", "--label", f"service={machine}", *options)
    assert (ended.code, ended.json["policy"]) == (0, "by-alertmanager")


@pytest.mark.parametrize(
    ("name", "labels", "said"),
    [
        ("Unheard", (), "Matched nothing: no policy covers an alert named 'Unheard'"),
        ("MachineBroken", ("--label", "service=other"), "Refused (no such target): no declared service fits"),
    ],
)
async def test_what_starts_nothing_is_told_with_its_reason(
    bench: Bench, selfheal: Selfheal, name: str, labels: tuple[str, ...], said: str
) -> None:
    """The exit code tells scripts that nothing came of it."""
    async with door(bench, selfheal, bench.machine()):
        ended = await selfheal("alert", "send", name, *labels)
    assert ended.code == 3
    assert ended.out.startswith(said)


async def test_a_wrong_token_is_told(bench: Bench, selfheal: Selfheal) -> None:
    """The door's refusal says what to look at, and does not repeat the token."""
    async with door(bench, selfheal, bench.machine()):
        ended = await selfheal("alert", "send", "A", env={"SELFHEAL_TOKEN": "guessed"})
    assert (ended.code, ended.out) == (1, "")
    assert "the token is not the one of 'generic'" in ended.err
    assert "guessed" not in ended.err


async def test_the_token_is_read_from_a_file(bench: Bench, selfheal: Selfheal) -> None:
    """A file that is named, else the one that the gateway keeps in the state folder."""
    kept = selfheal.folder / "state" / "selfheal" / "tokens" / "generic"
    kept.parent.mkdir(parents=True)
    async with door(bench, selfheal, bench.machine()):
        del selfheal.env["SELFHEAL_TOKEN"]
        without = await selfheal("alert", "send", "A")
        kept.write_text(TOKENS["generic"] + "\n")
        from_state = await selfheal("alert", "send", "A")
        kept.write_text("wrong")
        (selfheal.folder / "token").write_text(TOKENS["generic"])
        from_file = await selfheal("alert", "send", "A", "--token-file", "token", env={"SELFHEAL_TOKEN": "guessed"})
    assert [without.code, from_state.code, from_file.code] == [1, 3, 3]
    assert "'selfheal up' makes it; or give --token-file, or SELFHEAL_TOKEN" in without.err


async def test_a_field_that_cannot_be_taken_is_named(bench: Bench, selfheal: Selfheal) -> None:
    """The gateway's words about each bad field are passed on."""
    async with door(bench, selfheal, bench.machine()):
        ended = await selfheal("alert", "send", "A", "--label", f"service={'x' * 5000}")
    assert ended.code == 1
    assert "labels.service: is longer than 4096 bytes" in ended.err


async def test_no_gateway_is_one_clear_line(selfheal: Selfheal) -> None:
    """It says where it looked and what to do."""
    url = f"http://127.0.0.1:{free_port()}"
    ended = await selfheal("alert", "send", "A", "--token", "x", "--gateway", url)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert f"the gateway at {url} does not answer" in ended.err
    assert "start it with 'selfheal up'" in ended.err


async def test_another_server_is_not_taken_for_a_gateway(other_server: str, selfheal: Selfheal) -> None:
    """Whatever else answers there is told from a gateway."""
    ended = await selfheal("alert", "send", "A", "--token", "x", "--gateway", other_server)
    assert ended.code == 1
    assert "answered 501, and not as a selfheal gateway does" in ended.err


async def test_a_label_needs_a_value(selfheal: Selfheal) -> None:
    """A label without '=' is a usage error."""
    ended = await selfheal("alert", "send", "A", "--label", "service")
    assert ended.code == 2
    assert "'service' must be KEY=VALUE" in ended.err
