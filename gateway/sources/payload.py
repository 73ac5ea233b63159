"""What every source needs to read its requests: JSON, and errors that name the field."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from gateway.sources.fields import CONTROL
from models.alert import Alert
from models.errors import GiveUpError

_SHOWN = 80


@dataclass(frozen=True)
class Malformed:
    """An alert that cannot be taken.

    Attributes:
        name: as far as it can be told, like fingerprint.
        fields: what is wrong, each as ``alerts[3].labels.severity: …``.
    """

    name: str
    fingerprint: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Payload:
    """The alerts of one request, in its order.

    Attributes:
        truncated: how many more the sender had but did not send.
    """

    alerts: tuple[Alert | Malformed, ...]
    truncated: int = 0


class MalformedBodyError(GiveUpError):
    """A request of which nothing can be taken.

    Attributes:
        fields: what is wrong, each with its field.
    """

    def __init__(self, *fields: str) -> None:
        super().__init__("; ".join(fields))
        self.fields = fields


@dataclass(frozen=True)
class Source:
    """A system that may send alerts.

    Attributes:
        parse: reads a request body; raises `MalformedBodyError`.
        schema: the JSON Schema of a body, for the OpenAPI document.
        example: a body.
    """

    name: str
    parse: Callable[[bytes], Payload]
    schema: dict[str, Any]
    example: dict[str, Any]


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object; NaN, infinities and values nested deeper than 200 are no JSON here.

    Raises:
        MalformedBodyError: it is none.
    """
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedBodyError(f"the body is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise MalformedBodyError("the body must be a JSON object")
    return value


def read_list(
    value: object, field: str, read: Callable[[object, str], Alert | Malformed]
) -> tuple[Alert | Malformed, ...]:
    """Read each item with its path, such as ``alerts[3]``.

    Raises:
        MalformedBodyError: it is no list, or an empty one.
    """
    if not isinstance(value, list):
        raise MalformedBodyError(f"{field}: must be a list of alerts" if value is not None else f"{field}: is missing")
    if not value:
        raise MalformedBodyError(f"{field}: has no alert in it")
    return tuple(read(item, f"{field}[{index}]") for index, item in enumerate(value))


def named_faults(error: ValidationError, prefix: str) -> list[str]:
    """Each error as ``field: what is wrong``. Of what was sent, the keys of labels are repeated, made harmless."""
    return [f"{field_path(details['loc'], prefix)}: {_words(details)}" for details in error.errors(include_url=False)]


def field_path(location: Sequence[str | int], prefix: str) -> str:
    """A location as people write it."""
    path = prefix
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part != "[key]":  # pydantic's way to say that the key itself is wrong
            path += f".{harmless(part)}"
    return path.removeprefix(".")


def harmless(text: object) -> str:
    """Text from outside, to be shown: short and without control characters."""
    if not isinstance(text, str):
        return ""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def _words(details: ErrorDetails) -> str:
    match details["type"]:
        case "missing":
            return "is missing"
        case "value_error":
            return str(details["ctx"]["error"])
        case "string_type":
            return "must be text"
        case "dict_type" | "model_type":
            return "must be an object"
        case _:
            return details["msg"][:1].lower() + details["msg"][1:]
