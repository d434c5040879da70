"""``bt-run journal export``: everything, for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.journal_options import format_options, journal_options, open_journal, window_of, window_options
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bt_run.journal.queries import JournalQueries, Window

__all__ = ["KINDS", "export"]

KINDS = (
    "runs", "symbols", "orders", "events", "fills", "signals", "equity", "balances", "bars", "connections",
)  # fmt: skip
"""What can be exported, in the order of the JSON document."""

SCHEMA = "bt-run/journal/1"

_EPILOG = """\b
Examples:
  bt-run journal export --output journal.json
  bt-run journal export fills --since 2026-01-01 --until 2026-12-31 --output fills_2026.csv
  bt-run journal export bars --run last --format csv

\b
Amounts are text with every digit, times ISO 8601 UTC. CSV holds one kind; JSON one or all.
"""


@click.command(epilog=_EPILOG)
@click.argument("kind", required=False, type=click.Choice(KINDS), metavar=f"[{'|'.join(KINDS)}]")
@journal_options
@window_options()
@format_options("json", "csv")
def export(
    *,
    kind: str | None,
    journal: str,
    run: int | str | None,
    symbol: str | None,
    since: int | None,
    until: int | None,
    format_: str | None,
    output: Path | None,
) -> None:
    """Write all that the journal holds, or one kind of it."""
    from bt_run.cli.journal_output import choose_format, csv_text, json_rows, names_of, put

    form = choose_format(format_, output, default="json")
    if form == "csv" and kind is None:
        raise ConfigError(f"CSV holds one kind of rows. Name it: {', '.join(KINDS)}.")
    with open_journal(journal, output=output) as reader:
        window = window_of(reader, run=run, symbol=symbol, since=since, until=until)
        if kind is None:
            put(_document(reader, window), output)
        elif form == "csv":
            put(csv_text(names_of(_record(kind)), _rows(reader, kind, window)), output)
        else:
            put((*json_rows(_rows(reader, kind, window)), "\n"), output)


def _document(reader: JournalQueries, window: Window) -> Iterator[str]:
    from bt_run.cli.journal_output import json_rows

    yield f'{{\n  "schema": "{SCHEMA}"'
    for kind in KINDS:
        yield f',\n  "{kind}": '
        yield from json_rows(_rows(reader, kind, window), indent="  ")
    yield "\n}\n"


def _rows(reader: JournalQueries, kind: str, window: Window) -> Iterator[dict[str, Any]]:
    from bt_run.cli.journal_output import row_of

    return map(row_of, reader.find(_record(kind), window))


def _record(kind: str) -> type[Any]:
    from bt_run.journal import records

    return {
        "runs": records.RunRecord,
        "symbols": records.SymbolRecord,
        "orders": records.OrderRecord,
        "events": records.OrderEvent,
        "fills": records.FillRecord,
        "signals": records.SignalRecord,
        "equity": records.EquityRecord,
        "balances": records.BalanceRecord,
        "bars": records.BarRecord,
        "connections": records.ConnectionRecord,
    }[kind]
