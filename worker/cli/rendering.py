"""One execution as a person reads it, the most urgent first."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.text import Text

from models.decision import ApprovalRequest, Question
from models.outcome import AppliedChange, Entry, Outcome, Progress
from models.proposal import Proposal
from worker.cli.console import grid, moment, plain, state, took
from worker.cli.finding import ExecutionRow
from worker.cli.reading import PendingStep, ShownExecution

_LONG = 400


def page(shown: ShownExecution) -> RenderableType:
    """The whole page."""
    return Group(*_blocks(shown))


def question(request: ApprovalRequest) -> RenderableType:
    """An open approval request, with the commands that answer it."""
    asked = "Apply this?" if request.question is Question.APPLY else "Keep this change?"
    who = ", ".join(request.approvers) or "anyone who can reach Temporal"
    lines = [
        request.reason,
        f"Risk: {request.proposal.risk}. Undo: {request.proposal.undo or 'not possible'}",
        f"Waits for {who} until {moment(request.expires_at)}; then people are told, and nothing is applied.",
        f"  selfheal approve {request.id} --reason WHY",
        f"  selfheal reject {request.id} --reason WHY",
    ]
    headline = Text.assemble((asked, "bold yellow"), " ", plain(request.proposal.summary))
    return Group(headline, *(Text(f"  {plain(line)}") for line in lines))


def ending(outcome: Outcome) -> Text:
    """How it ended."""
    why = f" ({outcome.reason.replace('_', ' ')})" if outcome.reason else ""
    text = outcome.text.removeprefix("Healed. ")
    return Text.assemble(state(outcome.ending), why, ": ", plain(text))


def story_line(entry: Entry) -> str:
    """One line of the story."""
    return f"{entry.at:%H:%M:%S}  {plain(entry.text)}"


def _blocks(shown: ShownExecution) -> Iterator[RenderableType]:
    yield _head(shown)
    if shown.note:
        yield Text(plain(shown.note), style="yellow")
    yield from _end(shown)
    yield from _open_question(shown)
    if told := shown.progress or shown.result:
        yield from _told(told)
    if shown.steps:
        yield from _titled("Steps under way", *map(_step, shown.steps))
    if shown.progress and shown.progress.story:
        yield from _titled("Story", *(Text(f"  {story_line(entry)}") for entry in shown.progress.story))


def _end(shown: ShownExecution) -> Iterator[RenderableType]:
    if outcome := shown.result or (shown.progress.outcome if shown.progress else None):
        yield from _titled("Outcome", Text.assemble("  ", ending(outcome)))
    if shown.failure:
        yield from _titled("Ended without an outcome", Text(f"  {plain(shown.failure)}"))


def _open_question(shown: ShownExecution) -> Iterator[RenderableType]:
    if shown.progress and shown.progress.request:
        yield Text()
        yield question(shown.progress.request)
    elif shown.execution.waits_for and not shown.progress:
        yield from _titled(f"Waits for an answer to request {shown.execution.waits_for}")


def _told(told: Progress | Outcome) -> Iterator[RenderableType]:
    if told.facts:
        yield from _titled("Facts", _pairs({plain(name): plain(_value(value)) for name, value in told.facts.items()}))
    if told.changes:
        yield from _titled("Changes", *(_change(number, one) for number, one in enumerate(told.changes, 1)))
    elif told.plan:
        yield from _titled("Plan", *(Text(f"  {_proposal(number, one)}") for number, one in enumerate(told.plan, 1)))


def _head(shown: ShownExecution) -> RenderableType:
    one, progress = shown.execution, shown.progress
    stage = progress.stage if progress and one.running else one.word
    rows: dict[str, str | Text] = {
        "state": state(one.word, stage),
        "alert": _alert(shown),
        "runbook": plain(one.runbook),
        "target": plain(one.target or "-"),
        "policy": plain(f"{one.policy} ({one.autonomy})" if one.autonomy else one.policy),
        "started": f"{moment(one.started_at)}, {_duration(one)}",
    }
    if verdict := (progress.verdict if progress else None) or one.verdict:
        rows["verdict"] = state(verdict)
    return Group(Text(plain(one.id), style="bold"), _pairs(rows))


def _alert(shown: ShownExecution) -> str:
    if not shown.progress:
        return plain(shown.summary or "-")
    joined = f", joined by {', '.join(shown.progress.joined)}" if shown.progress.joined else ""
    return plain(shown.progress.alert + joined)


def _duration(one: ExecutionRow) -> str:
    time = took(timedelta(seconds=one.took))
    return f"{time} ago" if one.running else f"took {time}"


def _titled(title: str, *lines: RenderableType) -> Iterator[RenderableType]:
    yield Text(f"\n{title}", style="bold")
    yield from lines


def _pairs(rows: Mapping[str, str | Text]) -> RenderableType:
    table = grid()
    for name, value in rows.items():
        table.add_row(Text(f"  {name}", style="dim"), value)
    return table


def _value(value: object) -> str:
    """A fact in one line."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = " ".join(text.split())
    return text if len(text) <= _LONG else text[:_LONG] + "…"


def _proposal(number: int, one: Proposal) -> str:
    return plain(f"{number}. {one.summary} ({one.risk} risk; undo: {one.undo or 'not possible'})")


def _change(number: int, one: AppliedChange) -> Text:
    text = Text.assemble(f"  {number}. {plain(one.proposal.summary)} ", state(one.fate))
    if one.verdict:
        text.append(f", {one.verdict}")
    return text.append(f": {plain(one.error)}") if one.error else text


def _step(step: PendingStep) -> Text:
    tries = f", attempt {step.attempt}" if step.attempt > 1 else ""
    return Text(f"  {plain(step.step)}: {step.state}{tries}" + (f"; last: {plain(step.error)}" if step.error else ""))
