from datetime import timedelta

import pytest
from pydantic import ValidationError

from models.host import LOCAL
from models.policy import ScaleAction
from models.policy_file import PolicyFile, PolicyFileError, Problem, parse_policies
from models.verdict import Autonomy
from tests.models.known import RUNBOOKS

SAMPLE = """\
policies:
  - name: scale-on-cpu
    trigger: {metric: cpu_utilization, threshold: 80, duration: 5m}
    actions: [{type: scale, parameters: {increment: 2, max: 10}}]
    cooldown: 10m
"""


def problems(text: str) -> list[str]:
    """What is wrong with a file, as people read it."""
    with pytest.raises(PolicyFileError) as raised:
        parse_policies(text, file="policies.yaml", runbooks=RUNBOOKS)
    return [str(problem) for problem in raised.value.problems]


def test_sample() -> None:
    """The policy that README promises loads as it stands."""
    (policy,) = parse_policies(SAMPLE, file="policies.yaml", runbooks=RUNBOOKS).policies

    assert policy.trigger
    assert (policy.trigger.threshold, policy.trigger.duration) == (80, timedelta(minutes=5))
    (scale,) = policy.actions
    assert isinstance(scale, ScaleAction)
    assert (scale.parameters.increment, scale.parameters.max) == (2, 10)
    assert (policy.cooldown, policy.autonomy) == (timedelta(minutes=10), Autonomy.AUTO)


def test_hosts_by_name() -> None:
    """A service's host is what its name stands for; without one it is the worker's own machine."""
    text = """
    hosts: [{name: web1, address: 10.0.0.1}]
    services: [{name: a, host: web1, unit: a}, {name: b, unit: b}, {name: c, host: local, unit: c}]
    filesystems: [{mount: /var, host: web1}]
    """
    file = parse_policies(text, file="p", runbooks=RUNBOOKS)

    assert [target.host for target in file.targets] == [file.hosts[0], LOCAL, LOCAL, file.hosts[0]]
    assert [target.id for target in file.targets] == [
        "service:web1/a",
        "service:local/b",
        "service:local/c",
        "filesystem:web1/var",
    ]


def test_local_host_with_settings() -> None:
    """Settings of the worker's own machine hold for what names no host."""
    text = "hosts: [{name: local, become: true}]\nservices: [{name: a, unit: a}]"

    assert parse_policies(text, file="p", runbooks=RUNBOOKS).services[0].host.become


def test_same_name_on_two_hosts() -> None:
    """A service may run on several hosts."""
    text = """
    hosts: [{name: web1, address: 10.0.0.1}, {name: web2, address: 10.0.0.2}]
    services: [{name: a, host: web1, unit: a}, {name: a, host: web2, unit: a}]
    """
    assert len(parse_policies(text, file="p", runbooks=RUNBOOKS).services) == 2


def test_empty_sections() -> None:
    """A section whose entries are all commented out is an empty one."""
    assert parse_policies("hosts:\npolicies:\n", file="p", runbooks=RUNBOOKS) == PolicyFile()


def test_survives_a_journey() -> None:
    """A file that went through JSON is the same file."""
    text = SAMPLE + "hosts: [{name: web1, address: 10.0.0.1}]\nservices: [{name: a, host: web1, unit: a}]\n"
    file = parse_policies(text, file="p", runbooks=RUNBOOKS)

    assert PolicyFile.model_validate_json(file.model_dump_json()) == file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "policies.yaml:1: the file is empty: it needs at least 'policies:' with a list of policies"),
        ("# later\n", "policies.yaml:1: the file is empty: it needs at least 'policies:' with a list of policies"),
        ("- a", "policies.yaml:1: the file must be a mapping with hosts, services"),
        ("policies:\n\t- name: a", "policies.yaml:2: a tab stands here: indent with spaces"),
        ("polices: []", "policies.yaml:1: polices: unknown field; did you mean 'policies'?"),
        ("policies: 3", "policies.yaml:1: policies: must be a list, not 3"),
        ("policies: [x]", "policies.yaml:1: policies[0]: must be a mapping with fields, not 'x'"),
        ("hosts:\n- address: x", "policies.yaml:2: hosts[0]: 'local' is the worker's own machine"),
        ("hosts:\n- name: a b", "policies.yaml:2: hosts[0].name: string should match pattern"),
        ("services:\n- unit: a", "policies.yaml:2: services[0].name: is missing"),
        ("services:\n- name: a\n  host: web9\n  unit: a", "policies.yaml:3: services[0].host: no host named 'web9'"),
        (
            "services:\n- {name: a, unit: a}\n- {name: a, unit: b}",
            "policies.yaml:3: services[1].name: 'service:local/a' is services[0] already: keep one of the two",
        ),
        (
            "services:\n- name: a\n  host: {name: x, address: y}\n  unit: a",
            "policies.yaml:3: services[0].host: must be the name of a host: declare it under hosts",
        ),
        (
            "services:\n- name: a\n  health: {port: 80, period: 10}",
            "policies.yaml:3: services[0].health.period: 10 is not a duration: write it with its unit",
        ),
    ],
)
def test_file_and_targets(text: str, expected: str) -> None:
    """Mistakes outside policies name line and field."""
    (problem,) = problems(text)

    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("runbook: DiskFiling", "policies.yaml:4: policies[0].runbook: no runbook is named 'DiskFiling'; did you mean"),
        ("runbook: Xyz", "policies.yaml:4: policies[0].runbook: no runbook is named 'Xyz'; known: ServiceUnhealthy"),
        ("autonomy: auto", "policies.yaml:3: policies[0]: policy 'a' needs either runbook or actions"),
        (
            "runbook: DiskFilling\n    triger: {metric: x}",
            "policies.yaml:5: policies[0].triger: unknown field; did you mean 'trigger'?",
        ),
        (
            "runbook: DiskFilling\n    parameters: {kep: 3}",
            "policies.yaml:5: policies[0].parameters.kep: unknown field; did you mean 'keep'?",
        ),
        (
            "runbook: DiskFilling\n    parameters:\n      keep: many",
            "policies.yaml:6: policies[0].parameters.keep: input should be a valid integer",
        ),
        (
            "runbook: ServiceUnhealthy\n    parameters: {keep: 3}",
            "policies.yaml:5: policies[0].parameters.keep: unknown field; known: none",
        ),
        (
            "actions: [{type: restart}]\n    trigger: {metric: x, threshold: high}",
            "policies.yaml:5: policies[0].trigger.threshold: input should be a valid number",
        ),
        (
            "actions:\n      - {type: scale, parameters: {incremnt: 2}}",
            "policies.yaml:5: policies[0].actions[0].parameters.incremnt: unknown field; did you mean 'increment'?",
        ),
        ("actions: [{type: scal}]", "policies.yaml:4: policies[0].actions[0]: needs 'type': 'restart', 'scale', 'ro"),
        ("actions: [{}]", "policies.yaml:4: policies[0].actions[0]: needs 'type'"),
        (
            "runbook: DiskFilling\n    match: {labels: {code: 500}}",
            "policies.yaml:5: policies[0].match.labels.code: must be text, not 500: put it in quotes",
        ),
        (
            "runbook: DiskFilling\n    verify: {sttle: 3s}",
            "policies.yaml:5: policies[0].verify.sttle: unknown field; did you mean 'settle'?",
        ),
        (
            "runbook: DiskFilling\n    runbook: DiskFilling",
            "policies.yaml:5: policies[0].runbook: this key stood already on line 4: keep one of the two",
        ),
        (
            "runbook: DiskFilling\n    target: {mount: /vra}",
            "policies.yaml:5: policies[0].target.mount: no mount named '/vra' is declared; did you mean '/var'?",
        ),
        (
            "runbook: ServiceUnhealthy\n    target: {service: api, host: db7}",
            "policies.yaml:5: policies[0].target.host: no host named 'db7' is declared; known: local, web1",
        ),
        (
            "runbook: ServiceUnhealthy\n    target: {service: api, host: web1}",
            "policies.yaml:5: policies[0].target: 'api' is not declared on host 'web1'",
        ),
        (
            "runbook: DiskFilling\n    target: {service: api}",
            "policies.yaml:5: policies[0].target: DiskFilling heals a filesystem, not a service",
        ),
        (
            "runbook: DiskFilling\n    target: {service: api, mount: /var}",
            "policies.yaml:5: policies[0].target: give service or mount: nothing is both",
        ),
    ],
)
def test_policies(fields: str, expected: str) -> None:
    """Mistakes in a policy name line and field, and what was probably meant."""
    head = "policies:\n  -\n    name: a\n    "
    tail = "\nhosts: [{name: web1, address: x}]\nservices: [{name: api, unit: a}]\nfilesystems: [{mount: /var}]\n"

    (problem,) = problems(head + fields + tail)

    assert problem.startswith(expected)


def test_actions_without_their_runbook() -> None:
    """Where the runbook that plays actions is not loaded, the policy says so."""
    with pytest.raises(PolicyFileError) as raised:
        parse_policies(SAMPLE, file="p", runbooks={})

    assert raised.value.problems == [
        Problem("p", 4, 5, "policies[0].actions", "actions need the runbook 'ThresholdCrossed', which is not loaded")
    ]


def test_all_at_once() -> None:
    """Mistakes of every kind are told together in the order of their lines, and none twice in what depends on it."""
    text = """\
hosts:
  - {name: web1, adress: 10.0.0.1}
services:
  - {name: api, host: web1, unit: a}
  - {name: api, host: web9, unit: a}
  - {name: cart, unt: a}
policies:
  - {name: a, runbook: DiskFiling}
  - {name: a, runbook: DiskFilling, parameters: {keep: x}}
  - {name: b, runbook: DiskFilling, deadline: soon, cooldown: -5m}
  - {name: c, runbook: DiskFilling, threshold: .nan}
  - {name: d, runbook: ServiceUnhealthy, target: {service: cart}}
notify: [{webhook: "ftp://x"}]
"""
    assert [problem.partition(" ")[2].partition(":")[0] for problem in problems(text)] == [
        "hosts[0].adress",
        "services[1].host",
        "services[2].unt",
        "policies[0].runbook",
        "policies[1].name",
        "policies[1].parameters.keep",
        "policies[2].deadline",
        "policies[2].cooldown",
        "policies[3].threshold",
        "notify[0].webhook",
    ]


def test_error_is_readable() -> None:
    """The error's text is the list of problems, and never retried."""
    with pytest.raises(PolicyFileError) as raised:
        parse_policies("polices: []\nhots: []", file="p", runbooks=RUNBOOKS)

    assert raised.value.message.splitlines() == [
        "p:1: polices: unknown field; did you mean 'policies'?",
        "p:2: hots: unknown field; did you mean 'hosts'?",
    ]
    assert raised.value.non_retryable


def test_unknown_host_without_a_file() -> None:
    """The model itself refuses a name that leads nowhere."""
    with pytest.raises(ValidationError, match="no host named 'web9' is declared"):
        PolicyFile.model_validate({"services": [{"name": "a", "unit": "a", "host": "web9"}]})
