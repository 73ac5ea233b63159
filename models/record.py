"""Records: what a runbook's author writes for facts and remediations. Frozen, compared by value, made by keywords.

They are dataclasses and not pydantic models because they are made anew for each execution: Temporal's sandbox imports
a runbook's module every time, and to build the validators of models that hold whole targets takes longer than all the
rest together. They never cross a process boundary as themselves, so there is nothing to validate.
"""

import dataclasses
from typing import Any, dataclass_transform


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Record:
    """Subclass it with annotated fields."""

    def __init_subclass__(cls, **options: Any) -> None:  # noqa: ANN401 - handed on
        super().__init_subclass__(**options)
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)
