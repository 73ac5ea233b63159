from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.worker.cli.terminal import Selfheal

SCALE_ON_CPU = """\
policies:
  - name: scale-on-cpu
    trigger: {metric: cpu_utilization, threshold: 80, duration: 5m}
    actions: [{type: scale, parameters: {increment: 2, max: 10}}]
    cooldown: 10m
"""

FINE = """\
notify: [{webhook: "env:PAGER"}]
services:
  - name: shop
    unit: shop.service
    health: {port: 8080}
policies:
  - name: heal-shop
    runbook: ServiceUnhealthy
    approvers: [ann, bob]
"""


def written(selfheal: Selfheal, text: str) -> Path:
    """A policy file with this text."""
    file = selfheal.folder / "policies.yaml"
    file.write_text(text)
    return file


async def test_a_good_file_is_told_policy_by_policy(selfheal: Selfheal) -> None:
    """One line says that it can be used; then each policy is put into words."""
    written(selfheal, FINE)
    ended = await selfheal("policies", "check", "policies.yaml")
    assert (ended.code, ended.err) == (0, "")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert lines == [
        "policies.yaml can be used: 1 policy, 1 target",
        "",
        "heal-shop",
        "on alert ServiceUnhealthy, ServiceDown, ProbeFailed, SystemdUnitFailed or heal-shop",
        "does ServiceUnhealthy on service:local/shop",
        "asks ann or bob, before each change; unanswered for 30m, people are told and nothing is changed",
        "limits not within 10m of the last one, at most 3 in an hour, each ends within 1d",
        "tells env:PAGER",
    ]


async def test_each_mistake_is_a_line_with_its_place(selfheal: Selfheal) -> None:
    """Mistakes are told as compilers do, all at once, and fail the command."""
    written(selfheal, FINE.replace("approvers: [ann, bob]", "autonomy: full\n    cooldown: fast"))
    ended = await selfheal("policies", "check", "policies.yaml")
    assert ended.code == 1
    first, second = ended.out.splitlines()
    assert first.startswith("policies.yaml:9: policies[0].autonomy: ")
    assert second.startswith("policies.yaml:10: policies[0].cooldown: 'fast' is not a duration")


async def test_mistakes_as_json(selfheal: Selfheal) -> None:
    """Editors and pipelines get line, column and field."""
    written(selfheal, FINE.replace("runbook:", "runbok:"))
    ended = await selfheal("policies", "check", "policies.yaml", "--json")
    assert ended.code == 1
    assert ended.json["ok"] is False
    [unknown, *_] = [one for one in ended.json["problems"] if one["field"].endswith("runbok")]
    assert (unknown["file"], unknown["line"], unknown["column"]) == ("policies.yaml", 8, 5)
    assert "did you mean 'runbook'?" in unknown["message"]


async def test_a_good_file_as_json(selfheal: Selfheal) -> None:
    """The keys are stable."""
    written(selfheal, FINE)
    checked = (await selfheal("policies", "check", "policies.yaml", "--json")).json
    assert set(checked) == {"file", "ok", "problems", "warnings", "policies", "targets"}
    assert (checked["ok"], checked["problems"], checked["warnings"], checked["targets"]) == (True, [], [], 1)
    assert set(checked["policies"][0]) == {"name", "on", "does", "asks", "limits", "tells"}


async def test_a_file_that_is_not_there(selfheal: Selfheal) -> None:
    """A missing file is a mistake too, in either form."""
    ended = await selfheal("policies", "check", "nowhere.yaml", "--json")
    assert ended.code == 1
    assert "No such file" in ended.json["problems"][0]["message"]


async def test_own_runbooks_may_be_named(selfheal: Selfheal) -> None:
    """A policy may start a runbook from outside this project."""
    await selfheal("runbooks", "new", "QueueStuck")
    written(selfheal, FINE.replace("ServiceUnhealthy", "QueueStuck"))
    without = await selfheal("policies", "check", "policies.yaml")
    given = await selfheal("policies", "check", "policies.yaml", "--runbooks", "queue_stuck.py")
    assert (without.code, given.code) == (1, 0)


async def test_the_schema_accepts_what_the_check_accepts(selfheal: Selfheal) -> None:
    """Editors are told the truth."""
    schema = (await selfheal("policies", "schema")).json
    jsonschema.validate(yaml.safe_load(FINE), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(FINE.replace("runbook:", "runbok:")), schema)


DOUBTS = {
    "no approvers": ("approvers: [ann, bob]", "{}", "autonomy: no approvers are named"),
    "observe with approvers": ("approvers: [ann", "autonomy: observe\n    approvers: [ann", "nobody is ever asked"),
    "any risk": ("approvers: [ann, bob]", "autonomy: auto\n    max_risk: high", "max_risk: every change is made"),
    "no notify": ('notify: [{webhook: "env:PAGER"}]', "notify: []", "without notify nobody is called"),
    "no cooldown": ("approvers", "cooldown: 0s\n    approvers", "cooldown: with 0s"),
    "late approval": ("approvers", "deadline: 10m\n    approvers", "the deadline is over before it"),
    "no target": ("ServiceUnhealthy", "DiskFilling", "no declared filesystem fits it"),
    "unheard watch": ("ServiceUnhealthy", "BadRelease", "no policy is for the alert 'ServiceUnhealthy'"),
    "no policies": (FINE[FINE.index("policies:") :], "policies: []\n", "there are none"),
    "nothing to scale": ("runbook: ServiceUnhealthy", "actions: [{type: scale}]", "supports scale: declare scaling"),
}


@pytest.mark.parametrize("doubt", DOUBTS)
async def test_what_is_doubtful_is_warned_of(selfheal: Selfheal, doubt: str) -> None:
    """What is allowed but dangerous or useless is said, with its place, and does not fail the command."""
    old, new, warning = DOUBTS[doubt]
    text = FINE.replace(f"    {old}\n", "") if new == "{}" else FINE.replace(old, new)
    written(selfheal, text)
    ended = await selfheal("policies", "check", "policies.yaml")
    assert ended.code == 0, ended.out
    assert any(": warning: " in line and warning.partition(": ")[2] in line for line in ended.out.splitlines())


async def test_a_policy_behind_a_wider_one_is_warned_of(selfheal: Selfheal) -> None:
    """The first policy that covers an alert holds: one that can never come first is useless."""
    match = "{alert: ServiceDown, labels: {team: web}}"
    narrow = f"  - {{name: narrow, runbook: ServiceUnhealthy, match: {match}, approvers: [ann]}}\n"
    shadowed, free = FINE + narrow, FINE.replace("policies:\n", f"policies:\n{narrow}")
    for text, warnings in ((shadowed, 1), (free, 0)):
        written(selfheal, text)
        checked = (await selfheal("policies", "check", "policies.yaml", "--json")).json
        assert ["never holds" in one["message"] for one in checked["warnings"]] == [True] * warnings


async def test_the_example_of_the_issue_can_be_used(selfheal: Selfheal) -> None:
    """It loads as it stands, with a word about what it lacks."""
    written(selfheal, SCALE_ON_CPU)
    ended = await selfheal("policies", "check", "policies.yaml")
    assert ended.code == 0
    assert "on      alert scale-on-cpu or cpu_utilization" in ended.out
    assert "no declared service fits it" in ended.out
