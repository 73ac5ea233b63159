"""A runbook as `selfheal runbooks new` writes it, served and healing something real, all by the command line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from tests.services.ports import free_port
from tests.services.process import ServerProcess, answers
from tests.worker.cli.terminal import Ended, Selfheal

POLICIES = """\
hosts:
  - {{name: box, marks: {folder}/marks}}
services:
  - name: {service}
    host: box
    commands:
      status: [sh, -c, 'test "$(cat {folder}/instances)" -ge {enough}']
    scaling:
      read: [cat, {folder}/instances]
      set: [sh, -c, 'echo "$1" >> {folder}/log; echo "$1" > {folder}/instances', set, "{{count}}"]
      max: 3
policies:
  - name: unstick
    runbook: QueueStuck
    autonomy: auto
    target: {{service: {service}}}
    verify: {{within: 1s, settle: 0s, every: 200ms}}
"""


@contextmanager
def up(selfheal: Selfheal, *, enough: int) -> Iterator[None]:
    """`selfheal up` with the new runbook, and a service on this machine that needs `enough` instances to run."""
    folder, port = selfheal.folder, free_port()
    (folder / "instances").write_text("1\n")
    service = f"queue-{uuid4().hex[:8]}"
    (folder / "policies.yaml").write_text(POLICIES.format(folder=folder, enough=enough, service=service))
    url = f"http://127.0.0.1:{port}"
    selfheal.env |= {
        "SELFHEAL_GATEWAY": url,
        "SELFHEAL_GATEWAY_PORT": str(port),
        "SELFHEAL_TASK_QUEUE": f"cli-{uuid4().hex[:8]}",
        "SELFHEAL_POLICIES": str(folder / "policies.yaml"),
        "SELFHEAL_RUNBOOKS": json.dumps([str(folder / "queue_stuck.py")]),
    }
    with ServerProcess(
        [selfheal.program, "up"], log=folder / "up.log", ready=lambda: answers(f"{url}/readyz"), env=selfheal.env
    ):
        yield


async def healing(selfheal: Selfheal, *, enough: int) -> Ended:
    """Scaffold, serve, send an alert, and follow what it starts to its end."""
    assert (await selfheal("runbooks", "new", "QueueStuck")).code == 0
    with up(selfheal, enough=enough):
        sent = await selfheal("alert", "send", "QueueStuck", "--json")
        assert sent.code == 0, sent.err
        return await selfheal("executions", "watch", str(sent.json["execution"]), "--json")


async def test_a_new_runbook_heals(selfheal: Selfheal) -> None:
    """One instance more is started, the service runs, and the execution ends as healed."""
    watched = await healing(selfheal, enough=2)

    assert watched.code == 0, watched.err
    end = json.loads(watched.out.splitlines()[-1])
    assert (end["result"]["ending"], end["execution"]["runbook"]) == ("healed", "QueueStuck")
    assert end["result"]["text"] == "Healed. Start one more instance of a service."
    assert done(selfheal) == ["2"]


async def test_a_new_runbook_takes_back_what_does_not_help(selfheal: Selfheal) -> None:
    """Where one instance more is not enough it is taken back, and people are called."""
    watched = await healing(selfheal, enough=9)

    assert watched.code == 3
    end = json.loads(watched.out.splitlines()[-1])
    assert (end["result"]["ending"], end["result"]["reason"]) == ("escalated", "nothing_left")
    assert [change["fate"] for change in end["result"]["changes"]] == ["undone"]
    assert done(selfheal) == ["2", "1"]


def done(selfheal: Selfheal) -> list[str]:
    """The numbers of instances that were set, as the service's own log has them."""
    return Path(selfheal.folder / "log").read_text().split()
