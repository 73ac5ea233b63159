"""Models as people see them: flat, short, and with targets by their id instead of all that is declared of them."""

from typing import Any

from pydantic import BaseModel

from models.target import Filesystem, Service


def shown(model: BaseModel) -> dict[str, Any]:
    """A model's fields as JSON data, those of models inside it by dotted names; what is not known is left out."""
    flat: dict[str, Any] = {}
    dumped = model.model_dump(mode="json")
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Service | Filesystem):
            flat[name] = value.id
        elif isinstance(value, BaseModel):
            flat |= {f"{name}.{inner}": found for inner, found in shown(value).items()}
        elif value is not None and value != ():
            flat[name] = dumped[name]
    return flat
