"""What ``selfheal executions list`` prints."""

from datetime import timedelta

from rich.console import Console
from rich.table import Table

from worker.cli.console import console, grid, moment, plain, print_json, say, state, took
from worker.cli.finding import ExecutionRow, Where, newest
from worker.connecting import connect
from worker.settings import Settings

_HEADERS = ("EXECUTION", "RUNBOOK", "TARGET", "POLICY", "STATE", "STARTED", "TOOK", "WAITS FOR")
_WHOLE = ("EXECUTION", "STATE", "STARTED", "TOOK", "WAITS FOR")
_NO_LIMIT = 10_000  # columns


async def show_list(settings: Settings, where: Where, limit: int, *, json: bool) -> None:
    """Print the newest executions."""
    rows, more = await newest(await connect(settings), where, limit)
    if json:
        print_json({"executions": [one.model_dump(mode="json") for one in rows], "more": more})
    elif not rows:
        say("No executions.")
    else:
        out = console()
        out.print(_fitting(rows, out))
    if more:
        say(f"There are more than these {len(rows)}: raise --limit to see them.")


def _fitting(rows: list[ExecutionRow], out: Console) -> Table:
    """The table with whole ids; where they do not fit with their last part, the start, if that tells them apart."""
    table = _table(rows)
    tails = {one.id.rpartition(":")[2] for one in rows}
    if len(tails) < len(rows) or out.measure(table, options=out.options.update(width=_NO_LIMIT)).maximum <= out.width:
        return table
    return _table(rows, tails=True)


def _table(rows: list[ExecutionRow], *, tails: bool = False) -> Table:
    table = grid(*(header for header in _HEADERS if not (tails and header == "STARTED")), whole=_WHOLE)
    for one in rows:
        table.add_row(
            plain(one.id.rpartition(":")[2] if tails else one.id),
            plain(one.runbook),
            plain(one.target or "-"),
            plain(one.policy),
            state(one.word),
            *([] if tails else [moment(one.started_at)]),
            took(timedelta(seconds=one.took)),
            f"approval {one.waits_for}" if one.waits_for else "-",
        )
    return table
