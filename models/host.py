"""A host, and how its shell is reached."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from models.durations import Duration
from models.model import Declared

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$")]
"""A name that is safe in an id, a search attribute and a file name: letters, digits, dots, dashes, underscores."""


def _plain_path(value: str) -> str:
    if ".." in value.split("/"):
        raise ValueError(f"{value!r} climbs with '..': write the path it leads to")
    return value.rstrip("/") or "/"


AbsolutePath = Annotated[str, Field(pattern=r"^/[^\x00-\x1f]*$", max_length=4096), AfterValidator(_plain_path)]
"""An absolute path on the host without ``..`` in it."""

Command = Annotated[tuple[str, ...], Field(min_length=1)]
"""An argument list. It is never joined into a shell string by anyone but the quoting of the SSH connection."""


class Host(Declared):
    """A machine that commands run on: over SSH where it has an address, else the machine of the worker.

    Attributes:
        address: host name or IP address of its sshd; none means the worker's own machine.
        key: path of the private key on the worker's machine; none means the SSH agent.
        known_hosts: path of the file that its host key must stand in; an unknown key is refused.
        become: run commands through ``sudo -n``.
        marks: folder on the host that remembers which changes were made there; relative to the home folder.
    """

    name: Name = "local"
    address: str | None = Field(default=None, min_length=1)
    port: int = Field(default=22, ge=1, le=65535)
    user: str | None = Field(default=None, min_length=1)
    key: str | None = None
    known_hosts: str | None = None
    become: bool = False
    connect_timeout: Duration = Field(default="10s", validate_default=True)
    marks: str = Field(default=".local/state/selfheal/marks", min_length=1)

    @model_validator(mode="after")
    def _local_has_no_login(self) -> "Host":
        if self.address is None and (self.user or self.key or self.known_hosts):
            raise ValueError(
                f"host {self.name!r} has a login but no address: add address, or drop user, key and known_hosts"
            )
        return self


LOCAL = Host()
