"""The JSON Schema of the policy file, for editors."""

import re
from typing import Any

from models.host import LOCAL
from models.policy_file import PolicyFile

_ENTRY = re.compile(r"^ {4}(\w+): (.+(?:\n {5,}.+)*)", re.MULTILINE)
"""One attribute in a Google-style docstring, with its continuation lines."""


def policy_schema() -> dict[str, Any]:
    """The schema, draft 2020-12: what a person writes, described in the words of the models' docstrings."""
    schema = PolicyFile.model_json_schema()
    definitions = schema["$defs"]
    for definition in (schema, *definitions.values()):
        _describe(definition)
        properties = definition.get("properties", {})
        if "host" in properties and "default" in properties["host"]:
            properties["host"]["default"] = LOCAL.name if properties["host"]["default"] else None
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "selfheal policy file"}


def _describe(definition: dict[str, Any]) -> None:
    """Hand the Attributes section of a docstring on to the properties that it describes."""
    text, _, attributes = definition.get("description", "").partition("\n\nAttributes:\n")
    if text:
        definition["description"] = _plain(text)
    for name, words in _ENTRY.findall(attributes):
        if name in definition.get("properties", {}):
            definition["properties"][name]["description"] = _plain(words)


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())
