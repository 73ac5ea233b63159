"""Records as people see them: flat, short, and with targets by their id instead of all that is declared of them."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from models.record import Record
from models.target import Filesystem, Service


def shown(thing: Record | BaseModel) -> dict[str, Any]:
    """The fields as JSON data, those of models inside by dotted names; what is not known is left out."""
    flat: dict[str, Any] = {}
    for name, value in _fields(thing):
        if isinstance(value, Service | Filesystem):
            flat[name] = value.id
        elif isinstance(value, Record | BaseModel):
            flat |= {f"{name}.{inner}": found for inner, found in shown(value).items()}
        elif value is not None and value != ():
            flat[name] = to_jsonable_python(value)
    return flat


def _fields(thing: Record | BaseModel) -> Iterator[tuple[str, Any]]:
    names = (field.name for field in dataclasses.fields(thing)) if dataclasses.is_dataclass(thing) else None
    yield from ((name, getattr(thing, name)) for name in names or type(thing).model_fields)  # type: ignore[union-attr]
