"""The two ways a model treats what it does not know."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Data that travels between processes: frozen, and tolerant of fields a newer version added."""

    model_config = ConfigDict(frozen=True)


class Declared(BaseModel):
    """Data a person wrote: frozen, and strict, so that a misspelt field is an error and not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")
