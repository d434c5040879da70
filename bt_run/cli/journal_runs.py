"""``bt-run journal runs``: the list of live runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bt_run.cli.journal_options import format_options, journal_options, open_journal, window_options

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from bt_run.journal.records import RunRecord

__all__ = ["runs"]

_TITLES = {
    "Run": "right",
    "Started (UTC)": "time",
    "Lasted": "right",
    "Venue": "left",
    "Symbol": "left",
    "Strategy": "left",
    "Outcome": "left",
}


@click.command()
@journal_options
@window_options(run=False)
@format_options("table", "csv", "json")
def runs(
    *,
    journal: str,
    symbol: str | None,
    since: int | None,
    until: int | None,
    format_: str | None,
    output: Path | None,
) -> None:
    """List live runs, oldest first; --since and --until look at their start."""
    from bt_run.cli.journal_output import choose_format, csv_text, json_rows, names_of, put, row_of, table_text
    from bt_run.journal.records import RunRecord

    with open_journal(journal, output=output) as reader:
        found = reader.runs(symbol=symbol, since=since, until=until)
        place = str(reader.place)
    form = choose_format(format_, output)
    if form == "csv":
        put(csv_text(names_of(RunRecord), map(row_of, found)), output)
    elif form == "json":
        put([*json_rows(map(row_of, found)), "\n"], output)
    else:
        count = f"{len(found):,} {'run' if len(found) == 1 else 'runs'} in {place}"
        put(table_text([_table(found), count] if found else [count], output), output)


def _table(found: list[RunRecord]) -> RenderableType:
    from bt_run.cli.journal_output import table_of, time_cell
    from bt_run.reports.cells import duration_cell

    return table_of(
        _TITLES,
        (
            (
                str(run.run),
                time_cell(run.started_ms),
                duration_cell(None if run.ended_ms is None else (run.ended_ms - run.started_ms) / 1000),
                run.venue if run.mode == "live" else f"{run.venue} ({run.mode})",
                f"{run.symbol} {run.interval}",
                run.strategy,
                run.outcome or ("not ended" if run.ended_ms is None else ""),
            )
            for run in found
        ),
    )
