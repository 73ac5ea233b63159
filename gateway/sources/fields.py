"""The fields that alerts of all sources have, with their limits. A label is data, and small."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

MAX_LABELS = 64
MAX_KEY = 256
MAX_VALUE = 4096
"""Limits of labels, the last two in bytes of UTF-8. Annotations are cut to them, since nothing depends on those."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MAX_LINK = 2048


def _bounded(limit: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if len(text) > limit or len(text.encode()) > limit:
            raise ValueError(f"is longer than {limit} bytes")
        if found := CONTROL.search(text):
            raise ValueError(f"holds the control character U+{ord(found[0]):04X}")
        return text

    return check


def _few(labels: dict[str, str]) -> dict[str, str]:
    if len(labels) > MAX_LABELS:
        raise ValueError(f"has {len(labels)} labels; at most {MAX_LABELS} are taken")
    return labels


def _cut(annotations: dict[str, str]) -> dict[str, str]:
    kept = list(annotations.items())[:MAX_LABELS]
    return {key[:MAX_KEY]: _CONTROL_IN_TEXT.sub("\N{REPLACEMENT CHARACTER}", value[:MAX_VALUE]) for key, value in kept}


def _text_of_time(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a time such as '2026-01-31T12:00:00Z'")  # noqa: TRY004 - pydantic wants ValueError
    return value


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is a time outside the years 1 to 9999") from error


def _web_link(link: str) -> str:
    fine = link.startswith(("http://", "https://")) and len(link) <= _MAX_LINK and not CONTROL.search(link)
    return link if fine else ""


Name = Annotated[str, Field(min_length=1), AfterValidator(_bounded(MAX_KEY))]
Labels = Annotated[
    dict[Annotated[str, AfterValidator(_bounded(MAX_KEY))], Annotated[str, AfterValidator(_bounded(MAX_VALUE))]],
    AfterValidator(_few),
]
Annotations = Annotated[
    dict[str, str], BeforeValidator(lambda value: {} if value is None else value), AfterValidator(_cut)
]
Moment = Annotated[AwareDatetime, BeforeValidator(_text_of_time), AfterValidator(_utc)]
Link = Annotated[str, AfterValidator(_web_link)]
"""Where a person finds the alert; what is no address of a page is dropped, since it may be shown as one."""
