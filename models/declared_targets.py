"""Which of the declared targets is meant: by a policy's own choice, or by an alert's labels, compared as plain data."""

from collections.abc import Collection, Iterable, Mapping

from models.host import Host
from models.policy import TargetChoice
from models.target import Filesystem, Service, Target

MOUNT_LABEL = "mountpoint"
SERVICE_LABELS = ("service", "job", "app")
HOST_LABELS = ("host", "instance", "node", "nodename")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def fits(choice: TargetChoice, target: Target) -> bool:
    """Whether all that a policy's ``target`` says is true of this target."""
    if choice.service is not None and not (isinstance(target, Service) and target.name == choice.service):
        return False
    if choice.mount is not None and not (isinstance(target, Filesystem) and target.mount == _mount(choice.mount)):
        return False
    return choice.host is None or target.host.name == choice.host


def named(targets: Iterable[Target], labels: Mapping[str, str]) -> list[Target]:
    """The targets whose name the labels give.

    The label ``service`` decides where it stands. Without it ``job`` or ``app`` counts when it is the name of a
    target, since both often hold something else. A file system is named by ``mountpoint``.
    """
    targets = list(targets)
    services = {target.name for target in targets if isinstance(target, Service)}
    service = _first(labels, SERVICE_LABELS, services)
    mount = _mount(labels[MOUNT_LABEL]) if MOUNT_LABEL in labels else None
    return [t for t in targets if t.name == (service if isinstance(t, Service) else mount)]


def on_host(targets: Iterable[Target], labels: Mapping[str, str], hosts: Iterable[Host]) -> list[Target]:
    """The targets on the host that the labels give; all of them where no label speaks of a host.

    The label ``host`` decides where it stands. Without it the first of ``instance`` (its port cut), ``node`` and
    ``nodename`` counts that is the name or address of a declared host; if there is such a label and it is
    neither, no target is meant.

    Args:
        targets: the targets to choose from.
        labels: the alert's.
        hosts: all declared hosts.
    """
    targets = list(targets)
    given = {label: labels[label] for label in HOST_LABELS if label in labels}
    if not given:
        return targets
    if "instance" in given:
        given["instance"] = without_port(given["instance"])
    known = {name for host in hosts for name in _names_of(host)} | {name for t in targets for name in _whereabouts(t)}
    where = _first(given, HOST_LABELS, known)
    return [target for target in targets if where in _whereabouts(target)]


def without_port(instance: str) -> str:
    """The host in an ``instance`` label: ``web1:9100``, ``[::1]:9100``, or the address that a prober asked."""
    host = (instance.partition("://")[2] or instance).partition("/")[0]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, colon, port = host.rpartition(":")
    return name if colon and ":" not in name and port.isdigit() else host


def _first(labels: Mapping[str, str], names: tuple[str, ...], known: Collection[str]) -> str | None:
    if names[0] in labels:
        return labels[names[0]]
    return next((labels[name] for name in names[1:] if labels.get(name) in known), None)


def _mount(path: str) -> str:
    return path.rstrip("/") or "/"


def _names_of(host: Host) -> set[str]:
    return {host.name, host.address} if host.address else {host.name, *_LOOPBACK}


def _whereabouts(target: Target) -> set[str]:
    asked = target.health.address if isinstance(target, Service) and target.health else None
    return _names_of(target.host) | ({asked} if asked else set())
