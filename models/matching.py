"""Which policy an alert falls under, and which target it is about. Pure: labels are compared, never used."""

from collections.abc import Iterable, Mapping

from models.admission import Admission, Admitted, Refused
from models.alert import Alert
from models.case import AnyCase
from models.declared_targets import HOST_LABELS, MOUNT_LABEL, SERVICE_LABELS, fits, named, on_host
from models.policy import Policy
from models.policy_file import PolicyFile
from models.runbook_info import RunbookInfo
from models.target import Target

_SHOWN_VALUE = 64
_SHOWN_TARGETS = 5


def match(file: PolicyFile, runbooks: Mapping[str, RunbookInfo], alert: Alert) -> AnyCase | Admission:
    """The case that an alert makes, or why it makes none.

    The first policy of the file that covers the alert holds, and no later one is tried: a policy whose target
    cannot be told refuses the alert.

    Args:
        file: policies and declared targets.
        runbooks: the known runbooks by name.
        alert: firing or resolved, which makes no difference here.
    """
    for policy in file.policies:
        runbook = runbooks.get(policy.starts)
        if runbook is not None and policy.covers(alert, runbook.handles):
            return _case(file, runbook, policy, alert)
    detail = f"no policy covers an alert named {_short(alert.name)} from {_short(alert.source)} with these labels"
    return Admission(result=Admitted.MATCHED_NOTHING, detail=detail)


def _case(file: PolicyFile, runbook: RunbookInfo, policy: Policy, alert: Alert) -> AnyCase | Admission:
    able = [target for target in file.targets if target.kind in runbook.targets]
    meant = _meant(file, policy, alert, able)
    if len(meant) == 1:
        effective = policy.model_copy(update={"notify": policy.notify or file.notify})
        return AnyCase(target=meant[0], alert=alert, policy=effective)
    if meant:
        refused = Refused.AMBIGUOUS_TARGET
        detail = f"{_listed(meant)} all fit {_said(alert)}: add a host label, or target: to the policy {policy.name!r}"
    else:
        refused = Refused.NO_SUCH_TARGET
        kinds = " or ".join(runbook.targets)
        detail = (
            f"no declared {kinds} fits {_said(alert)}; declared: {_listed(able)}. "
            f"Declare it, or add target: to the policy {policy.name!r}"
        )
    return Admission(result=Admitted.REFUSED, refused=refused, policy=policy.name, detail=detail)


def _meant(file: PolicyFile, policy: Policy, alert: Alert, able: list[Target]) -> list[Target]:
    """What the policy's own choice leaves open, the labels decide; a choice of one needs no labels."""
    choice = policy.target
    meant = [target for target in able if fits(choice, target)]
    if choice.service is None and choice.mount is None:
        meant = named(meant, alert.labels)
    elif len(meant) == 1:
        return meant
    return meant if choice.host else on_host(meant, alert.labels, (*file.hosts, *(t.host for t in file.targets)))


def _said(alert: Alert) -> str:
    labels = (*SERVICE_LABELS, MOUNT_LABEL, *HOST_LABELS)
    said = [f"{label}={_short(alert.labels[label])}" for label in labels if label in alert.labels]
    return ", ".join(said) or f"the alert, which has none of the labels {', '.join(labels)}"


def _listed(targets: Iterable[Target]) -> str:
    ids = [target.id for target in targets]
    more = f" and {len(ids) - _SHOWN_TARGETS} more" if len(ids) > _SHOWN_TARGETS else ""
    return ", ".join(ids[:_SHOWN_TARGETS]) + more if ids else "none"


def _short(value: str) -> str:
    return repr(value if len(value) <= _SHOWN_VALUE else value[:_SHOWN_VALUE] + "…")
