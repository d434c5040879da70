"""``bt-run journal trades``: round trips, counted from the fills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.journal_options import format_options, journal_options, open_journal, window_of, window_options

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal
    from pathlib import Path

    from rich.console import RenderableType

    from bt_run.journal.queries import JournalQueries, Window
    from bt_run.journal.round_trips import RoundTrip

__all__ = ["find_trips", "trades", "trips_line"]

_TITLES = {
    "Entry (UTC)": "time",
    "Held": "right",
    "Symbol": "left",
    "Quantity": "right",
    "In": "right",
    "Out": "right",
    "Fees": "right",
    "Profit": "right",
}

_EPILOG = """\b
A trade goes from flat to flat, across runs. Profit is in quote asset and net of fees, but for fees in a
third asset (BNB), which stand by themselves. --run keeps the trades that the run began or ended,
--since and --until those that began then.
"""


@click.command(epilog=_EPILOG)
@journal_options
@window_options()
@format_options("table", "csv", "json")
def trades(
    *,
    journal: str,
    run: int | str | None,
    symbol: str | None,
    since: int | None,
    until: int | None,
    format_: str | None,
    output: Path | None,
) -> None:
    """List round trips: entry, exit, quantity, average prices, fees, profit."""
    from bt_run.cli.journal_output import choose_format, csv_text, json_rows, names_of, put, row_of, table_text
    from bt_run.journal.round_trips import RoundTrip

    with open_journal(journal, output=output) as reader:
        found = find_trips(reader, window_of(reader, run=run, symbol=symbol, since=since, until=until))
    form = choose_format(format_, output)
    if form == "csv":
        put(csv_text(names_of(RoundTrip), map(row_of, found)), output)
    elif form == "json":
        put([*json_rows(map(row_of, found)), "\n"], output)
    else:
        line = trips_line(found)
        if found and (symbol := _only_symbol(found)):
            line = f"{symbol}: {line}"
        put(table_text([_table(found), line] if found else [line], output), output)


def find_trips(reader: JournalQueries, window: Window) -> list[RoundTrip]:
    """Count the trips over all fills, because a position goes on from run to run, and then choose."""
    from bt_run.journal.round_trips import trips_of_journal
    from bt_run.run.live.books import OPENING

    runs = reader.runs()
    openings = {
        run.run: _holdings(told, window.symbol)
        for run in runs
        if (told := reader.state(run.run).get(OPENING)) is not None
    }
    fills = reader.fills(symbol=window.symbol)
    found = trips_of_journal(fills, runs, reader.symbols(), openings=openings)
    return [
        trip
        for trip in found
        if (window.run is None or window.run in (trip.entry_run, trip.exit_run))
        and (window.since is None or trip.entry_ms >= window.since)
        and (window.until is None or trip.entry_ms <= window.until)
    ]


def _holdings(books: Mapping[str, Any], symbol: str | None) -> dict[str, tuple[Decimal, Decimal]]:
    """Give quantity and cost of what new books begin with, of one symbol or of each."""
    from decimal import Decimal

    return {
        name: (Decimal(held["quantity"]), Decimal(held["cost"]))
        for name, held in books["holdings"].items()
        if symbol in (None, name)
    }


def trips_line(found: list[RoundTrip]) -> str:
    """Say how many, what they earned, and what is not in it."""
    from bt_run.cli.journal_output import money_total

    closed = [(trip.quote_asset, trip.profit) for trip in found if trip.profit is not None]
    count = f"{len(closed):,} {'trade' if len(closed) == 1 else 'trades'}"
    text = f"{count}, profit {money_total(closed)}" if closed else count
    if len(found) > len(closed):
        text += f"; {len(found) - len(closed):,} open"
    other = [item for trip in found for item in trip.other_fees.items()]
    return f"{text}; fees not in the profit: {money_total(other)}" if other else text


def _only_symbol(found: list[RoundTrip]) -> str:
    """Give the symbol where all trips are purchases of one; it needs no column then, and 80 are few."""
    names = {trip.symbol if trip.side == "long" else "" for trip in found}
    return names.pop() if len(names) == 1 else ""


def _table(found: list[RoundTrip]) -> RenderableType:
    from bt_run.cli.journal_output import amount_cell, table_of, time_cell
    from bt_run.reports.cells import duration_cell

    def row(trip: RoundTrip) -> dict[str, str]:
        places = _places(trip.entry_price, 8)
        return {
            "Entry (UTC)": time_cell(trip.entry_ms).rpartition(":")[0],
            "Held": "open" if trip.exit_ms is None else duration_cell((trip.exit_ms - trip.entry_ms) / 1000),
            "Symbol": trip.symbol if trip.side == "long" else f"{trip.symbol} short",
            "Quantity": amount_cell(trip.quantity),
            "In": amount_cell(trip.entry_price, places=places),
            "Out": amount_cell(trip.exit_price, places=places),
            "Fees": amount_cell(trip.fees, places=_places(trip.fees, 4)),
            "Profit": amount_cell(trip.profit, places=_places(trip.profit, 4)),
        }

    titles = {name: side for name, side in _TITLES.items() if name != "Symbol" or not _only_symbol(found)}
    return table_of(titles, ([row(trip)[name] for name in titles] for trip in found))


def _places(amount: Decimal | None, most: int) -> int:
    """Give the decimals that are shown: from 100 on two are enough to be read."""
    return 2 if amount is not None and abs(amount) >= 100 else most
