"""``bt-run journal show``: one run with the story of its orders."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.journal_options import RUN, format_options, journal_options, open_journal, window_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bt_run.journal.queries import JournalQueries, Window
    from bt_run.journal.records import OrderEvent, OrderRecord, RunRecord

__all__ = ["show"]


@click.command()
@click.argument("run", type=RUN)
@journal_options
@format_options("table", "json")
def show(*, run: int | str, journal: str, format_: str | None, output: Path | None) -> None:
    """Show one run, by its number or last: settings, counts, profit, orders with their story."""
    from bt_run.cli.journal_output import choose_format, put, table_text

    with open_journal(journal, output=output) as reader:
        window = window_of(reader, run=run, symbol=None, since=None, until=None)
        if choose_format(format_, output) == "json":
            document = json.dumps(_document(reader, window), indent=2, ensure_ascii=False)
            put([document, "\n"], output)
        else:
            put(table_text(_lines(reader, window), output), output)


def _lines(reader: JournalQueries, window: Window) -> Iterator[str]:
    from bt_run.cli.journal_trades import find_trips, trips_line

    run = reader.run(window.run or 0)
    yield from _head(run)
    counts = _counts(reader, window)
    yield ""
    for name, value in counts.items():
        yield f"  {name:<13}{value}"
    yield f"  {'trades':<13}{trips_line(find_trips(reader, window))}"
    equity = reader.equity(run.run)
    if equity:
        yield f"  {'equity':<13}{equity[0].value:,.2f} to {equity[-1].value:,.2f}"
    for order, story in _stories(reader, window):
        yield ""
        yield from _order_lines(order, story)


def _head(run: RunRecord) -> Iterator[str]:
    from bt_run.cli.journal_output import time_cell

    mode = "" if run.mode == "live" else f" ({run.mode})"
    yield f"Run {run.run}: {run.strategy} on {run.symbol} {run.interval}, {run.venue}{mode}"
    if run.ended_ms is None:
        yield f"{time_cell(run.started_ms)} UTC, not ended: it is running, or it was killed"
    else:
        ending = f", {run.outcome}" if run.outcome else ""
        yield f"{time_cell(run.started_ms)} to {time_cell(run.ended_ms)} UTC{ending}"
    if run.resumes is not None:
        yield f"It goes on from run {run.resumes}."
    for title, values in (("Parameters", run.params), ("Settings", run.settings)):
        if values:
            yield f"\n{title}"
        for key, value in values.items():
            for place, text in enumerate(_told(value)):
                yield f"  {'' if place else key:<20} {text}"


def _told(value: Any) -> list[str]:
    """Write a setting for people; one that holds others has a line for each that is set."""
    if isinstance(value, dict):
        return [f"{key} {inner}" for key, inner in value.items() if inner is not None] or ["-"]
    if value is None:
        return ["-"]
    return [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)]


def _counts(reader: JournalQueries, window: Window) -> dict[str, str]:
    """Count what the run left; by state, by source and by kind where that says more."""
    from bt_run.journal.records import BarRecord, ConnectionRecord, FillRecord, OrderRecord, SignalRecord

    states: Counter[str] = Counter(order.state for order in reader.find(OrderRecord, window))
    sources: Counter[str] = Counter(bar.source for bar in reader.find(BarRecord, window))
    kinds: Counter[str] = Counter(event.kind for event in reader.find(ConnectionRecord, window))
    signals = sum(1 for signal in reader.find(SignalRecord, window) if signal.decisions)
    return {
        "orders": _counted(states),
        "fills": f"{sum(1 for _ in reader.find(FillRecord, window)):,}",
        "signals": f"{signals:,}",
        "bars": _counted(sources),
        "connection": _counted(kinds),
    }


def _counted(counts: Counter[str]) -> str:
    parts = ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items()))
    return f"{counts.total():,} ({parts})" if parts else "0"


def _stories(reader: JournalQueries, window: Window) -> Iterator[tuple[OrderRecord, list[OrderEvent]]]:
    """Read all events of the run at once: an order at a time would ask the database a thousand times."""
    from bt_run.journal.records import OrderEvent, OrderRecord

    stories: dict[str, list[OrderEvent]] = {}
    for line in reader.find(OrderEvent, window):
        stories.setdefault(line.client_id, []).append(line)
    for order in reader.find(OrderRecord, window):
        yield order, stories.get(order.client_id, [])


def _order_lines(order: OrderRecord, story: list[OrderEvent]) -> Iterator[str]:
    from bt_run.cli.journal_orders import order_row

    created, _, symbol, side, kind, quantity, price, state = order_row(order)
    at = "" if order.price is None and order.stop_price is None else f" at {price}"
    purpose = f" {order.purpose}," if order.purpose else ""
    reason = f" ({order.reason})" if order.reason else ""
    yield f"{created} {side} {quantity} {symbol} {kind}{at},{purpose} {state}{reason}"
    yield f"  id {order.client_id}" + ("" if order.exchange_id is None else f", exchange {order.exchange_id}")
    for line in story:
        yield f"  {_clock(line.time_ms)} {line.kind}{_details(line)}"


def _clock(time_ms: int) -> str:
    """Write the time of day to the millisecond: in a story they matter."""
    from bt_run.core.clock import iso_utc

    return f"{iso_utc(time_ms // 1000 * 1000)[11:19]}.{time_ms % 1000:03d}"


def _details(line: OrderEvent) -> str:
    return "".join(f" {key}={value}" for key, value in line.details.items())


def _document(reader: JournalQueries, window: Window) -> dict[str, Any]:
    from bt_run.cli.journal_output import row_of
    from bt_run.cli.journal_trades import find_trips

    run = reader.run(window.run or 0)
    return {
        "run": row_of(run),
        "counts": _counts(reader, window),
        "state": reader.state(run.run),
        "trades": [row_of(trip) for trip in find_trips(reader, window)],
        "orders": [
            row_of(order) | {"story": [row_of(line) for line in story]}
            for order, story in _stories(reader, window)
        ],
    }
