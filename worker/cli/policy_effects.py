"""What a policy will do, in words."""

from models.declared_targets import fits
from models.durations import show_duration
from models.model import Model
from models.policy import Match, Policy
from models.policy_file import PolicyFile
from models.runbook_info import RunbookInfo
from models.target import Target
from models.verdict import Autonomy, Risk

_TARGETS_SHOWN = 3


class Effect(Model):
    """One policy.

    Attributes:
        on: the alerts that it is for.
        does: what they start, on what.
        asks: whether people are asked before a change.
        limits: how often and how long.
        tells: where people are told.
    """

    name: str
    on: str
    does: str
    asks: str
    limits: str
    tells: str


def effect(file: PolicyFile, policy: Policy, runbook: RunbookInfo) -> Effect:
    """What a policy of this file will do."""
    told = [channel.webhook.partition("?")[0] for channel in policy.notify or file.notify]
    return Effect(
        name=policy.name,
        on=f"alert {_or(alert_names(policy, runbook))}{_narrowed(policy.match)}",
        does=f"{_doing(policy)} on {_on(fitting(file, policy, runbook), runbook)}",
        asks=_asks(policy),
        limits=(
            f"not within {show_duration(policy.cooldown)} of the last one, at most {policy.attempts} in an hour, "
            f"each ends within {show_duration(policy.deadline)}"
        ),
        tells=", ".join(told) or "nobody",
    )


def alert_names(policy: Policy, runbook: RunbookInfo) -> tuple[str, ...]:
    """The names of the alerts that a policy is for, as `Policy.covers` has it."""
    if policy.match.alert:
        return policy.match.alert
    return (policy.name, policy.trigger.metric) if policy.trigger else (*runbook.handles, policy.name)


def fitting(file: PolicyFile, policy: Policy, runbook: RunbookInfo) -> list[Target]:
    """The declared targets that an alert of this policy can be about."""
    return [target for target in file.targets if target.kind in runbook.targets and fits(policy.target, target)]


def _narrowed(match: Match) -> str:
    source = f" from {_or(match.source)}" if match.source else ""
    labels = " and ".join(f"{label} {_or(values)}" for label, values in match.labels.items())
    return source + (f", where {labels}" if labels else "")


def _doing(policy: Policy) -> str:
    if not policy.actions:
        return policy.starts
    return f"{', then '.join(action.type for action in policy.actions)} (runbook {policy.starts})"


def _on(targets: list[Target], runbook: RunbookInfo) -> str:
    ids = [target.id for target in targets]
    if len(ids) == 1:
        return ids[0]
    which = f"the {_or(runbook.targets)} that the alert's labels name"
    if not ids:
        return f"{which}; none is declared"
    more = f" and {len(ids) - _TARGETS_SHOWN} more" if len(ids) > _TARGETS_SHOWN else ""
    return f"{which}, of {', '.join(ids[:_TARGETS_SHOWN])}{more}"


def _asks(policy: Policy) -> str:
    who = _or(policy.approvers) or "anyone who can reach Temporal"
    unanswered = f"unanswered for {show_duration(policy.approve_within)}, people are told and nothing is changed"
    match policy.autonomy:
        case Autonomy.OBSERVE:
            return "no: it finds out, tells what it would do, and changes nothing"
        case Autonomy.APPROVE:
            return f"{who}, before each change; {unanswered}"
        case Autonomy.AUTO:
            if policy.max_risk is Risk.HIGH:
                return "no: it makes every change by itself"
            return f"no, up to {policy.max_risk} risk; beyond that {who}; {unanswered}"


def _or(words: tuple[str, ...]) -> str:
    *others, last = words or ("",)
    return f"{', '.join(others)} or {last}" if others else last
