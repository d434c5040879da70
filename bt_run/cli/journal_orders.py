"""``bt-run journal orders``: what was wanted, and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bt_run.cli.journal_options import format_options, journal_options, open_journal, window_of, window_options

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from bt_run.journal.records import OrderRecord

__all__ = ["order_row", "orders"]

_TITLES = {
    "Created (UTC)": "time",
    "Run": "right",
    "Symbol": "left",
    "Side": "left",
    "Type": "left",
    "Quantity": "right",
    "Price": "right",
    "State": "left",
}


@click.command()
@journal_options
@window_options()
@click.option("--open", "only_open", is_flag=True, help="Only those that are not known to be done.")
@format_options("table", "csv", "json")
def orders(
    *,
    journal: str,
    run: int | str | None,
    symbol: str | None,
    since: int | None,
    until: int | None,
    only_open: bool,
    format_: str | None,
    output: Path | None,
) -> None:
    """List orders by the time they were made. bt-run journal show tells the story of each."""
    from bt_run.cli.journal_output import choose_format, csv_text, json_rows, names_of, put, row_of, table_text
    from bt_run.journal.records import OrderRecord

    with open_journal(journal, output=output) as reader:
        window = window_of(reader, run=run, symbol=symbol, since=since, until=until)
        found = [order for order in reader.find(OrderRecord, window) if order.is_open or not only_open]
    form = choose_format(format_, output)
    if form == "csv":
        put(csv_text(names_of(OrderRecord), map(row_of, found)), output)
    elif form == "json":
        put([*json_rows(map(row_of, found)), "\n"], output)
    else:
        count = f"{len(found):,} {'order' if len(found) == 1 else 'orders'}"
        put(table_text([_table(found), count] if found else [count], output), output)


def _table(found: list[OrderRecord]) -> RenderableType:
    from bt_run.cli.journal_output import table_of

    rows = ([cell.replace("_", " ") for cell in order_row(order)] for order in found)  # to break between words
    return table_of(_TITLES, rows)


def order_row(order: OrderRecord) -> tuple[str, ...]:
    """Give the cells of an order; an amount in quote asset and a stop price say so."""
    from bt_run.cli.journal_output import amount_cell, time_cell

    quantity = amount_cell(order.quantity)
    if order.quantity is None and order.quote_quantity is not None:
        quantity = f"{amount_cell(order.quote_quantity)} quote"
    prices = [amount_cell(order.price)] if order.price is not None else []
    if order.stop_price is not None:
        prices.append(f"stop {amount_cell(order.stop_price)}")
    if order.trailing_delta is not None:
        prices.append(f"trail {order.trailing_delta / 100:g}%")
    return (
        time_cell(order.created_ms),
        str(order.run),
        order.symbol,
        order.side,
        order.type,
        quantity,
        " ".join(prices) or amount_cell(None),
        order.state,
    )
