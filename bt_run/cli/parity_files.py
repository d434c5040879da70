"""A parity report as JSON and CSV."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from bt_run.core.atomic import replacing
from bt_run.core.clock import iso_utc

if TYPE_CHECKING:
    from pathlib import Path

    from bt_run.run.parity.check import ParityReport
    from bt_run.run.parity.sides import Difference, Trip

__all__ = ["COLUMNS", "SCHEMA", "report_to_dict", "write_differences"]

SCHEMA = "bt-run/parity/1"

COLUMNS = ("time", "bar", "trade", "cause", "subject", "live", "backtest", "note", "amount")
"""The keys of a difference, in JSON and as CSV columns."""


def report_to_dict(report: ParityReport) -> dict[str, Any]:
    """Turn a report into plain JSON values; NaN becomes None, times ISO 8601 UTC."""
    found, story = report.comparison, report.story
    bars, signals = story.joined.bars, found.signals
    return {
        "schema": SCHEMA,
        "verdict": "equal" if found.is_equal else "explained" if found.is_explained else "unexplained",
        "runs": [run.run for run in story.runs],
        "venue": story.run.venue,
        "strategy": {"name": story.run.strategy, "params": dict(story.run.params)},
        "symbol": story.symbol,
        "interval": str(story.joined.interval),
        "quote_asset": story.quote_asset,
        "bars": {
            "first": iso_utc(int(bars.open_time[0])),
            "last": iso_utc(int(bars.open_time[-1])),
            "count": len(bars),
            "tradable": int(story.tradable.sum()),
            "missed": report.outage.bars,
        },
        "settings": {
            "cash": story.opening.cash,
            "commission": report.settings.commission,
            "stake": str(report.settings.stake),
            "lot_step": report.settings.lot_step,
        },
        "signals": {
            "equal": signals.equal,
            "differ": len(signals.bars),
            "values_equal": signals.values_equal,
            "values_differ": signals.values_differ,
        },
        "orders": {
            "live": found.orders_live, "backtest": found.orders_backtest, "matched": found.orders_matched
        },
        "trades": [_trip(trip) for trip in found.trips],
        "equity": {
            "live": found.live_equity,
            "backtest": found.backtest_equity,
            "difference": found.difference,
            "not_explained": found.residual,
            "widest_gap": found.widest_gap,
            "widest_gap_time": None if found.widest_bar < 0 else iso_utc(int(bars.open_time[found.widest_bar])),
        },
        "causes": [
            {"cause": each.cause.value, "count": each.count, "amount": each.amount} for each in found.totals
        ],
        "differences": [_difference(each) for each in found.differences],
        "missed_bars": {
            "count": report.outage.bars, "decisions": report.outage.decisions, "amount": report.outage.amount
        },
        "notes": list(report.notes),
    }  # fmt: skip


def write_differences(path: Path, report: ParityReport) -> None:
    """Write the differences as CSV, whole or not at all."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for each in report.comparison.differences:
        row = _difference(each)
        table.writerow(
            {**row, "trade": "" if row["trade"] is None else row["trade"], "amount": repr(each.amount)}
        )
    with replacing(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8", newline="")


def _difference(each: Difference) -> dict[str, Any]:
    return {
        "time": iso_utc(each.open_time),
        "bar": each.bar,
        "trade": each.trip if each.trip > 0 else None,
        "cause": each.cause.value,
        "subject": each.subject,
        "live": each.live,
        "backtest": each.backtest,
        "note": each.note,
        "amount": each.amount,
    }


def _trip(trip: Trip) -> dict[str, Any]:
    row: dict[str, Any] = {"entry_time": iso_utc(trip.open_time), "matched": trip.is_matched}
    for field in fields(trip):
        value = getattr(trip, field.name)
        if field.name in ("open_time", "causes"):
            continue
        row[field.name] = None if isinstance(value, float) and not math.isfinite(value) else value
    return {**row, "causes": [cause.value for cause in trip.causes]}
