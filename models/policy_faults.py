"""What pydantic found wrong, as paths into what the person wrote and words that say what to do."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import ErrorDetails

from models.yaml_lines import Path

Fault = tuple[Path, str]

_LIST = "must be a list, not {given}"
_MAPPING = "must be a mapping with fields, not {given}"
_WORDS = {
    "missing": "is missing",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _MAPPING,
    "mapping_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "string_type": "must be text, not {given}: put it in quotes",
}
_SHOWN_INPUT = 60


def explain(error: ValidationError, data: object, model: type[BaseModel]) -> Iterator[Fault]:
    """Each error as the path of a field that stands in the data, or is missing from it, and a message.

    Args:
        error: what validating the data as the model raised.
        data: what was validated.
        model: knows the fields that could have been meant.
    """
    for details in error.errors(include_url=False):
        path = _path(details, data)
        yield path, _message(details, str(path[-1]) if path else "", model)


def shown(path: Path) -> str:
    """A path as people write it: ``policies[0].trigger.threshold``."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")


def nearest(name: str, known: Iterator[str] | list[str]) -> str:
    """``; did you mean …?`` where a known name is like this one, else nothing."""
    found = get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _path(details: ErrorDetails, data: object) -> Path:
    """Pydantic's location without what is not written: the tags of unions and ``[key]``."""
    path: list[str | int] = []
    here: Any = data
    for part in details["loc"]:
        is_item = isinstance(here, list | tuple) and isinstance(part, int) and part < len(here)
        if is_item or (isinstance(here, Mapping) and part in here):
            here = here[part]
            path.append(part)
    if details["type"] == "missing":
        path.append(details["loc"][-1])
    return tuple(path)


def _message(details: ErrorDetails, field: str, model: type[BaseModel]) -> str:
    kind, given, context = details["type"], _written(details["input"]), details.get("ctx", {})
    if kind == "extra_forbidden":
        known = _siblings(model, details["loc"])
        return "unknown field" + (nearest(field, known) or f"; known: {', '.join(known) or 'none'}")
    if kind == "value_error":
        return str(context["error"])
    if kind.startswith("union_tag"):
        return f"needs {context['discriminator']}: {context.get('expected_tags', 'one of those that are known')}"
    if kind in _WORDS:
        return _WORDS[kind].format(given=given)
    message = details["msg"]
    return f"{message[:1].lower()}{message[1:]}, not {given}"


def _written(value: object) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= _SHOWN_INPUT else text[:_SHOWN_INPUT] + "…"


def _siblings(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """The fields that are known where an unknown one stands: its location followed through the JSON Schema."""
    with suppress(PydanticInvalidForJsonSchema):
        schema = model.model_json_schema()
        here: dict[str, Any] = schema
        for part in location[:-1]:
            here = _resolved(_step(here, part), schema)
        return list(here.get("properties", ()))
    return []


def _step(here: dict[str, Any], part: str | int) -> dict[str, Any]:
    """One part of a location down: the items of a list, a field, or the kind that a union's tag names."""
    if isinstance(part, int):
        return here.get("items") or {}
    if "discriminator" in here:
        return {"$ref": here["discriminator"]["mapping"].get(part, "")}
    below = here.get("properties", {}).get(part, here.get("additionalProperties"))
    return below if isinstance(below, dict) else {}


def _resolved(here: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What a reference stands for; of several choices, the first that is a model."""
    choices = [choice for choice in here.get("anyOf", ()) if "$ref" in choice]
    reference = (choices[0] if choices else here).get("$ref", "")
    found: dict[str, Any] = schema.get("$defs", {}).get(reference.removeprefix("#/$defs/"), here)
    return found
