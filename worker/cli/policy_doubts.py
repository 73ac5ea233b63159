"""What a policy file may say, but hardly means: dangerous or useless."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from models.policy import Action, Match, Policy, RestartAction, RollbackAction, ScaleAction
from models.policy_faults import Fault
from models.policy_file import PolicyFile
from models.runbook_info import RunbookInfo
from models.target import Service, Target
from models.verdict import Autonomy, Risk
from worker.cli.policy_effects import alert_names, fitting
from workflows.watch import ALERT


def doubts(file: PolicyFile, runbooks: Mapping[str, RunbookInfo]) -> Iterator[Fault]:
    """Each as the path of the field and a message.

    Args:
        file: a policy file without mistakes.
        runbooks: the known runbooks by name.
    """
    if not file.policies:
        yield ("policies",), "there are none: every alert will match nothing"
    for index, policy in enumerate(file.policies):
        path = ("policies", index)
        runbook = runbooks[policy.starts]
        for field, message in (*_people(policy), *_limits(policy), *_targets(file, policy, runbook)):
            yield (*path, *field), message
        earlier = _shadow(file.policies[:index], policy, runbooks)
        if earlier is not None:
            name = file.policies[earlier].name
            yield path, f"it never holds: {name!r} (policies[{earlier}]) stands before it and covers all its alerts"
    silent = [policy.name for policy in file.policies if not (policy.notify or file.notify)]
    if silent:
        yield (), f"without notify nobody is called when a person is needed: {', '.join(silent)}"
    yield from _unheard(file, runbooks)


def _people(policy: Policy) -> Iterator[Fault]:
    if policy.autonomy is Autonomy.APPROVE and not policy.approvers:
        yield ("autonomy",), "no approvers are named: anyone who can reach Temporal may approve"
    if policy.autonomy is Autonomy.OBSERVE and policy.approvers:
        yield ("approvers",), "nobody is ever asked: with autonomy observe nothing is changed"
    if policy.autonomy is Autonomy.AUTO and policy.max_risk is Risk.HIGH:
        yield ("max_risk",), "every change is made without asking, the riskiest too"


def _limits(policy: Policy) -> Iterator[Fault]:
    if not policy.cooldown and policy.autonomy is not Autonomy.OBSERVE:
        yield ("cooldown",), "with 0s a target that fails again and again is changed again and again"
    if policy.autonomy is not Autonomy.OBSERVE and policy.approve_within >= policy.deadline:
        yield ("approve_within",), "the deadline is over before it: a request expires with that"
    if policy.autonomy is not Autonomy.OBSERVE and policy.approve_within == timedelta(0):
        yield ("approve_within",), "with 0s no request can be answered in time"
    if policy.verify and policy.verify.within > policy.deadline:
        yield ("verify", "within"), "the deadline is over before it: no change could ever be told to have helped"


def _targets(file: PolicyFile, policy: Policy, runbook: RunbookInfo) -> Iterator[Fault]:
    targets = fitting(file, policy, runbook)
    if not targets:
        kinds = " or ".join(runbook.targets)
        yield (), f"no declared {kinds} fits it: every alert of it will be refused"
        return
    for number, action in enumerate(policy.actions):
        if not any(_supports(target, action) for target in targets):
            yield ("actions", number), f"no target of this policy supports {action.type}: {_remedy(action)}"


def _supports(target: Target, action: Action) -> bool:
    if not isinstance(target, Service):
        return False
    match action:
        case RestartAction():
            return target.command("restart") is not None
        case ScaleAction():
            return target.scaling is not None
        case RollbackAction():
            return target.releases is not None and target.command("restart") is not None


def _remedy(action: Action) -> str:
    match action:
        case RestartAction():
            return "declare commands.restart or a unit"
        case ScaleAction():
            return "declare scaling"
        case RollbackAction():
            return "declare releases, and commands.restart or a unit"


def _shadow(before: tuple[Policy, ...], policy: Policy, runbooks: Mapping[str, RunbookInfo]) -> int | None:
    """The first of the policies before this one that covers every alert that it covers."""
    names = set(alert_names(policy, runbooks[policy.starts]))
    for index, earlier in enumerate(before):
        if names <= set(alert_names(earlier, runbooks[earlier.starts])) and _wider(earlier.match, policy.match):
            return index
    return None


def _wider(one: Match, other: Match) -> bool:
    """Whether every source and label that the other takes is taken by this one too."""
    return (one.source is None or (other.source is not None and set(other.source) <= set(one.source))) and all(
        label in other.labels and set(other.labels[label]) <= set(values) for label, values in one.labels.items()
    )


def _unheard(file: PolicyFile, runbooks: Mapping[str, RunbookInfo]) -> Iterator[Fault]:
    """Services whose own watch raises an alert that no policy is for."""
    if not file.policies or any(ALERT in alert_names(policy, runbooks[policy.starts]) for policy in file.policies):
        return
    for index, service in enumerate(file.services):
        if service.watch and service.health:
            yield ("services", index), f"it is watched, but no policy is for the alert {ALERT!r} that this raises"
