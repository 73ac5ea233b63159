from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from models.policy_schema import policy_schema
from tests.models.test_policy_file import SAMPLE


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema."""
    return policy_schema()


def test_is_a_schema(schema: dict[str, Any]) -> None:
    """It is valid by its own draft."""
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize(
    "text",
    [
        SAMPLE,
        "policies: [{name: a, runbook: X, match: {alert: Down, labels: {team: [a, b], env: prod}}, cooldown: 1h30m}]",
        "hosts: [{name: a, address: x}]\nservices: [{name: s, host: a, unit: u, health: {port: 80, period: 5s}}]",
    ],
)
def test_takes(schema: dict[str, Any], text: str) -> None:
    """What loads is fine in an editor too."""
    assert list(Draft202012Validator(schema).iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "polices: []",
        "policies: [{runbook: X}]",
        "policies: [{name: a, runbook: X, cooldown: 10}]",
        "policies: [{name: a, runbook: X, cooldown: soon}]",
        "policies: [{name: a, actions: [{type: explode}]}]",
        "services: [{name: s, host: {address: x}}]",
        "policies: [{name: a, runbook: X, autonomy: full}]",
    ],
)
def test_refuses(schema: dict[str, Any], text: str) -> None:
    """What does not load is underlined."""
    assert not Draft202012Validator(schema).is_valid(yaml.safe_load(text))


def test_describes(schema: dict[str, Any]) -> None:
    """Fields are described in the words of the docstrings, continuation lines and all."""
    policy = schema["$defs"]["Policy"]

    assert policy["description"] == "One rule of the policy file."
    assert policy["properties"]["autonomy"]["description"].endswith("approve for one that lets a runbook choose.")
    assert schema["properties"]["notify"]["description"].startswith("where people are told")


def test_host_is_a_name(schema: dict[str, Any]) -> None:
    """An editor offers a host's name, not all of its fields."""
    host = schema["$defs"]["Service"]["properties"]["host"]

    assert (host["type"], host["default"]) == ("string", "local")
