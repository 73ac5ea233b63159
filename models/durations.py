"""Durations as people write them: ``90s``, ``5m``, ``1h30m``, ``7d``."""

from datetime import timedelta
from typing import Annotated

import durationpy
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema


def parse_duration(value: object) -> timedelta:
    """Read a duration written with its unit.

    Raises:
        ValueError: the text is no duration, or has no unit, or is negative.
    """
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a duration: write it with its unit, like '30s', '5m' or '1h30m'")  # noqa: TRY004 - pydantic wants ValueError
    try:
        parsed = durationpy.from_str(value)
    except durationpy.DurationError as error:
        raise ValueError(f"{value!r} is not a duration: write it like '30s', '5m' or '1h30m'") from error
    if not isinstance(parsed, timedelta) or parsed < timedelta(0):
        raise ValueError(f"{value!r} is negative: a duration is zero or more")
    return parsed


def show_duration(value: timedelta) -> str:
    """Write a duration the way `parse_duration` reads it."""
    if not value:
        return "0s"
    if value >= timedelta(days=1) and value % timedelta(days=1) == timedelta(0):
        return f"{value.days}d"
    return str(durationpy.to_str(value))


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(show_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^([0-9.]+(ns|us|ms|s|m|h|d|w))+$", "examples": ["30s", "5m"]}),
]
