"""An execution in Markdown, for *Current details* in the Temporal UI."""

import json
from datetime import UTC, datetime
from typing import Any

from models.alert import Alert
from models.decision import ApprovalRequest, Question
from models.outcome import AppliedChange, Progress

_LONG = 400

_UNTOLD = datetime.fromtimestamp(0, UTC)
"""Where a sender does not say when a condition began."""


def details(progress: Progress, execution: str) -> str:
    """All that a person wants to know of an execution, the most urgent first."""
    parts = [f"### {_plain(progress.stage).capitalize()}"]
    if progress.outcome:
        parts.append(_plain(progress.outcome.text))
    if progress.request:
        parts.append(_question(progress.request, execution))
    parts.append(
        f"Alert **{_plain(progress.alert)}** on `{progress.target}`, policy `{progress.policy}` ({progress.autonomy})"
        + (f", joined by {', '.join(map(_plain, progress.joined))}" if progress.joined else "")
    )
    if progress.facts:
        verdict = f" — {progress.verdict}" if progress.verdict else ""
        parts.append(f"**Facts**{verdict}\n\n" + _table(progress.facts))
    if progress.plan and not progress.changes:
        lines = (
            f"1. {_plain(p.summary)} ({p.risk} risk; {_plain(p.undo.rstrip('.')) or 'not undoable'})"
            for p in progress.plan
        )
        parts.append("**Plan**\n\n" + "\n".join(lines))
    if progress.changes:
        parts.append("**Changes**\n\n" + "\n".join(map(_change, progress.changes)))
    if progress.story:
        parts.append("**Story**\n\n" + "\n".join(f"- `{e.at:%H:%M:%S}` {_plain(e.text)}" for e in progress.story))
    # The UI cuts the end of what it shows; let that be nothing.
    return "\n\n".join([*parts, "\u00a0"])


def alert_details(alert: Alert) -> str:
    """What the alert that started an execution says, for its static details."""
    said = {**alert.annotations, **alert.labels, "source": alert.source}
    if alert.starts_at > _UNTOLD:
        said["since"] = f"{alert.starts_at:%Y-%m-%d %H:%M:%S}Z"
    return f"{_table(said)}\n\n{_plain(alert.link)}"


def _question(request: ApprovalRequest, execution: str) -> str:
    asked = "Apply this?" if request.question is Question.APPLY else "Keep this change?"
    who = ", ".join(map(_plain, request.approvers)) or "anyone who can reach this page"
    answer = {"request": request.id, "approved": True, "by": "YOUR NAME", "reason": "WHY"}
    return (
        f"**{asked}** {_plain(request.proposal.summary)}\n\n"
        f"{_plain(request.reason)} Risk: {request.proposal.risk}. "
        f"Undo: {_plain(request.proposal.undo.rstrip('.')) or 'not possible'}. "
        f"Waits for {who} until {request.expires_at:%Y-%m-%d %H:%M:%S}Z; then people are told "
        "and nothing is applied.\n\n"
        f"Answer with *More Actions → Send an Update* (or *Send a Signal*), name `decide`, this input, "
        f"`false` to reject:\n\n```json\n{json.dumps(answer, indent=2)}\n```\n\n"
        f"or with `selfheal approve {request.id}` / `selfheal reject {request.id} --reason WHY`, or with\n\n"
        f"```sh\ntemporal workflow signal --workflow-id '{execution}' --name decide --input '{json.dumps(answer)}'\n```"
    )


def _change(change: AppliedChange) -> str:
    text = f"1. {_plain(change.proposal.summary.rstrip('.'))}: **{change.fate.value.replace('_', ' ')}**"
    if change.verdict:
        text += f", {change.verdict}"
    return text + (f" — {_plain(change.error)}" if change.error else "")


def _table(facts: dict[str, Any]) -> str:
    rows = (f"| {_plain(name.replace('_', ' '))} | {_plain(_short(value))} |" for name, value in facts.items())
    return "| | |\n|---|---|\n" + "\n".join(rows)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _LONG else text[:_LONG] + "…"


def _plain(text: object) -> str:
    """Text that came from outside, so that it cannot draw links, images, tables or headings of its own."""
    plain = str(text).replace("\n", " ").replace("\\", "\\\\")
    for sign in "`*_[]<>|#!":
        plain = plain.replace(sign, f"\\{sign}")
    return plain
