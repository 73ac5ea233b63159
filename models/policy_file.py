"""The policy file: what there is to heal and the rules for it, read with every mistake named by line and field."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError, model_validator

from models.errors import GiveUpError
from models.host import LOCAL, Host
from models.model import Declared
from models.policy import Policy, Webhook
from models.policy_checks import Parts, check
from models.policy_faults import explain, shown
from models.runbook_info import RunbookInfo
from models.target import Filesystem, Service, Target
from models.yaml_lines import Document, read_yaml


class PolicyFile(Declared):
    """What selfheal may heal, and which alerts start which runbook.

    Attributes:
        hosts: the machines that services and file systems are on; ``local`` is the worker's own and needs no entry.
        services: services that may be healed.
        filesystems: file systems in which room may be made.
        policies: the rules; the first that covers an alert holds.
        notify: where people are told, for policies that do not say so themselves.
    """

    hosts: tuple[Host, ...] = ()
    services: tuple[Service, ...] = ()
    filesystems: tuple[Filesystem, ...] = ()
    policies: tuple[Policy, ...] = ()
    notify: tuple[Webhook, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _hosts_by_name(cls, value: object) -> object:
        return with_hosts(value) if isinstance(value, Mapping) else value

    @property
    def targets(self) -> tuple[Target, ...]:
        """Everything declared that can be healed."""
        return (*self.services, *self.filesystems)


@dataclass(frozen=True)
class Problem:
    """One mistake in a policy file.

    Attributes:
        line: counted from 1, as column is.
        field: path of the field, such as ``policies[0].trigger.threshold``; empty for the file as a whole.
    """

    file: str
    line: int
    column: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: "
        return f"{where}{self.field}: {self.message}" if self.field else where + self.message


class PolicyFileError(GiveUpError):
    """A policy file has mistakes; the text has one of them on each line.

    Attributes:
        problems: all of them, in the order of their lines.
    """

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def parse_policies(text: str, *, file: str, runbooks: Mapping[str, RunbookInfo]) -> PolicyFile:
    """Read a policy file.

    Args:
        text: the file's content.
        file: its name, for messages.
        runbooks: the known runbooks by name.

    Raises:
        PolicyFileError: it has mistakes; all that can be told at once are in it.
    """
    document = read_yaml(text)
    found = [(fault.place, fault.path, fault.message) for fault in document.faults]
    parsed: PolicyFile | None = None
    if not isinstance(document.data, dict):
        found += [] if found else [(document.place(()), (), _no_mapping(document))]
    else:
        try:
            parsed = PolicyFile.model_validate(document.data)
        except ValidationError as error:
            faults = explain(error, document.data, PolicyFile)
            unread = {fault.path for fault in document.faults}
            found += [(document.place(path), path, message) for path, message in faults if path not in unread]
        faults = check(_parts(document.data), runbooks)
        found += [(document.place(path), path, message) for path, message in faults]
    if parsed is None or found:
        problems = {Problem(file, place.line, place.column, shown(path), text) for place, path, text in found}
        raise PolicyFileError(sorted(problems, key=lambda problem: (problem.line, problem.column, problem.field)))
    return parsed


def with_hosts(value: Mapping[str, object]) -> dict[str, object]:
    """The content of a policy file with the names of hosts replaced by what they stand for.

    A name that no host bears is left as it stands, for the target's own validation to refuse. A host that is
    not valid counts by its name alone: it is reported once, where it stands.
    """
    filled = {name: section for name, section in value.items() if section is not None}
    hosts = {LOCAL.name: LOCAL} | {host.name: host for host in map(_host, _items(filled.get("hosts"))) if host}
    for section in ("services", "filesystems"):
        if isinstance(filled.get(section), list | tuple):
            filled[section] = [_placed(item, hosts) for item in _items(filled[section])]
    return filled


def _items(section: object) -> list[object]:
    return list(section) if isinstance(section, list | tuple) else []


def _host(raw: object) -> Host | None:
    try:
        return Host.model_validate(raw)
    except ValidationError:
        name = raw.get("name") if isinstance(raw, Mapping) else None
        return Host.model_construct(name=name) if isinstance(name, str) else None


def _placed(raw: object, hosts: Mapping[str, Host]) -> object:
    if not isinstance(raw, Mapping):
        return raw
    name = raw.get("host") or LOCAL.name
    return {**raw, "host": hosts[name]} if isinstance(name, str) and name in hosts else raw


def _no_mapping(document: Document) -> str:
    if document.data is None:
        return "the file is empty: it needs at least 'policies:' with a list of policies"
    return f"the file must be a mapping with {', '.join(PolicyFile.model_fields)}, not {type(document.data).__name__}"


def _parts(data: Mapping[str, object]) -> Parts:
    filled = with_hosts(data)
    return Parts(**{name: _items(filled.get(name)) for name in Parts.__dataclass_fields__})
