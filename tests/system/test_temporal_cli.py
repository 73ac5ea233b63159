import base64
import json
import re
import shlex
import subprocess
from collections.abc import Sequence

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata

from models.outcome import Ending
from tests.system.conftest import OpenShop
from tests.system.house import Execution, House
from worker.embedded import EmbeddedTemporal, find_temporal

pytestmark = pytest.mark.xdist_group("cli")


def temporal_cli(server: EmbeddedTemporal, arguments: Sequence[str]) -> str:
    """What the `temporal` program prints."""
    program = find_temporal()
    assert program is not None
    command = [str(program), *arguments, "--address", server.address, "--namespace", server.namespace]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def attributes(server: EmbeddedTemporal, execution: Execution) -> dict[str, object]:
    """Our search attributes, as `temporal workflow describe` shows them."""
    shown = temporal_cli(server, ["workflow", "describe", "--workflow-id", execution.id, "--output", "json"])
    fields = json.loads(shown)["workflowExecutionInfo"]["searchAttributes"]["indexedFields"]
    values = {name: json.loads(base64.b64decode(field["data"])) for name, field in fields.items()}
    return {name: value for name, value in values.items() if name != "BuildIds"}


async def printed_command(execution: Execution) -> list[str]:
    """The command that an execution's current details tell a person to type."""
    metadata = await execution.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    (block,) = re.findall(r"```sh\n(.*?)\n```", metadata.current_details, re.DOTALL)
    program, *arguments = shlex.split(block)
    assert program == "temporal"
    return arguments


async def test_an_approval_by_temporals_own_command_line(
    house: House, shop: OpenShop, temporal: EmbeddedTemporal
) -> None:
    """The command that an execution prints approves it, and `describe` shows what it is about and how it ended."""
    copy = shop("cli-shop")
    target = f"service:local/{copy.name}"
    house.declare(
        services=[{**copy.declared(reloads=False), "watch": False}],
        policies=[
            {
                "name": "ask-first",
                "runbook": "ServiceUnhealthy",
                "autonomy": "approve",
                "approvers": ["ann"],
                "verify": {"within": "60s", "settle": "0s", "every": "200ms"},
            }
        ],
    )
    await house.start("up")
    copy.freeze()
    await house.alert("ServiceDown", service=copy.name)
    execution = await house.execution(target)
    request = await house.question(execution)

    waiting = attributes(temporal, execution)
    command = await printed_command(execution)
    temporal_cli(temporal, [word.replace("YOUR NAME", "ann") for word in command])
    outcome = await house.end(execution)

    assert command[:2] == ["workflow", "signal"]
    assert outcome.ending is Ending.HEALED
    assert copy.effects() == ["started 1.4.0", "restart", "started 1.4.0"]
    about = {"Runbook": "ServiceUnhealthy", "Target": target, "Policy": "ask-first", "Autonomy": "approve"}
    assert waiting == {**about, "Approval": request.id}
    assert attributes(temporal, execution) == {**about, "Verdict": "healthy", "Outcome": "healed"}
