"""What must hold between the parts of a policy file: names that are unique, and names that lead somewhere."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from models.declared_targets import fits
from models.host import LOCAL, Host
from models.policy import Policy
from models.policy_faults import Fault, explain, nearest
from models.runbook_info import RunbookInfo
from models.target import Filesystem, Service, Target

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Parts:
    """The sections of a policy file as they were written, but with the names of hosts resolved."""

    hosts: list[object]
    services: list[object]
    filesystems: list[object]
    policies: list[object]


def check(parts: Parts, runbooks: Mapping[str, RunbookInfo]) -> Iterator[Fault]:
    """What is wrong between the parts. An item that is not valid by itself is left out: that is told elsewhere.

    Args:
        parts: the file's sections.
        runbooks: the known runbooks by name.
    """
    hosts, services = _good(Host, parts.hosts), _good(Service, parts.services)
    filesystems, policies = _good(Filesystem, parts.filesystems), _good(Policy, parts.policies)
    yield from _twice("hosts", "name", hosts, lambda host: host.name)
    yield from _twice("services", "name", services, lambda service: service.id)
    yield from _twice("filesystems", "mount", filesystems, lambda filesystem: filesystem.id)
    yield from _twice("policies", "name", policies, lambda policy: policy.name)
    for index, host in hosts.items():
        if host.name == LOCAL.name and host.address:
            yield ("hosts", index), f"{LOCAL.name!r} is the worker's own machine: give this host a name of its own"
    yield from _written_out("services", parts.services)
    yield from _written_out("filesystems", parts.filesystems)
    every = (len(parts.hosts), len(parts.services), len(parts.filesystems))
    targets: list[Target] = [*services.values(), *filesystems.values()]
    known = {LOCAL.name, *(host.name for host in hosts.values())}
    for index, policy in policies.items():
        path = ("policies", index)
        runbook = runbooks.get(policy.starts)
        if runbook is None:
            yield _unknown_runbook(policy, path, list(runbooks))
            continue
        try:
            runbook.parameters.model_validate(policy.parameters)
        except ValidationError as error:
            for inner, message in explain(error, policy.parameters, runbook.parameters):
                yield (*path, "parameters", *inner), message
        if every == (len(hosts), len(services), len(filesystems)):
            yield from _choice(policy, runbook, targets, known, (*path, "target"))


def _good(model: type[M], items: list[object]) -> dict[int, M]:
    good: dict[int, M] = {}
    for index, item in enumerate(items):
        try:
            good[index] = model.model_validate(item)
        except ValidationError:
            continue
    return good


def _twice(section: str, field: str, items: Mapping[int, M], name: Callable[[M], str]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, item in items.items():
        earlier = first.setdefault(name(item), index)
        if earlier != index:
            yield (section, index, field), f"{name(item)!r} is {section}[{earlier}] already: keep one of the two"


def _written_out(section: str, items: list[object]) -> Iterator[Fault]:
    for index, item in enumerate(items):
        if isinstance(item, Mapping) and isinstance(item.get("host"), Mapping):
            yield (section, index, "host"), "must be the name of a host: declare it under hosts"


def _unknown_runbook(policy: Policy, path: tuple[str | int, ...], known: list[str]) -> Fault:
    if policy.runbook is None:
        return (*path, "actions"), f"actions need the runbook {policy.starts!r}, which is not loaded"
    return (*path, "runbook"), f"no runbook is named {policy.runbook!r}{_instead(policy.runbook, known)}"


def _choice(
    policy: Policy, runbook: RunbookInfo, targets: Iterable[Target], hosts: set[str], path: tuple[str | int, ...]
) -> Iterator[Fault]:
    choice = policy.target
    if choice.service is not None and choice.mount is not None:
        yield path, "give service or mount: nothing is both"
        return
    known = {
        "service": (choice.service, {target.name for target in targets if isinstance(target, Service)}),
        "mount": (choice.mount, {target.name for target in targets if isinstance(target, Filesystem)}),
        "host": (choice.host, hosts),
    }
    lost = False
    for field, (name, names) in known.items():
        if name is not None and name not in names and name.rstrip("/") not in names:
            lost = True
            yield (*path, field), f"no {field} named {name!r} is declared{_instead(name, sorted(names))}"
    fitting = [target for target in targets if fits(choice, target)]
    if lost or (choice.service is None and choice.mount is None):
        return
    if not fitting:
        yield path, f"{choice.service or choice.mount!r} is not declared on host {choice.host!r}"
    elif not any(target.kind in runbook.targets for target in fitting):
        yield path, f"{runbook.name} heals a {' or a '.join(runbook.targets)}, not a {fitting[0].kind}"


def _instead(name: str, known: list[str]) -> str:
    return nearest(name, known) or f"; known: {', '.join(known) or 'none'}"
