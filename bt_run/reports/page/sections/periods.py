"""4 Periods: months as a heat map, years, weekdays and hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.reports.by_period import by_hour, by_weekday, month_table
from bt_run.reports.cells import percent_cell
from bt_run.reports.page.figure_json import packed
from bt_run.reports.page.look import bar_trace, figure
from bt_run.reports.page.section import Number, Section, number

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray
    from bt_run.core.results import RunResult

__all__ = ["periods_section"]

_HOUR_MS = 3_600_000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_STRONGEST = 10.0
"""A month of this many percent has the full colour."""


def periods_section(result: RunResult) -> Section:
    """Make the month table and the bars; weekdays need bars of at most a day, hours of at most an hour."""
    bars, equity, cash = result.data.bars, result.curve.equity, result.settings.cash
    table = month_table(equity, bars.open_time, start=cash)
    rows = [
        (int(year), [_cell(value, f"months.{row}.{month}") for month, value in enumerate(table.pct[row])],
         _cell(table.year_pct[row], f"years.{row}"))
        for row, year in enumerate(table.years)
    ]  # fmt: skip
    figures = {"years-chart": _bars([str(year) for year in table.years], table.year_pct, "return of the year")}
    length = result.data.interval.approximate_ms
    if length <= 24 * _HOUR_MS:
        found = by_weekday(equity, bars.open_time, start=cash)
        figures["weekday-chart"] = _bars(list(_DAYS), found.mean_pct, "mean return of the day")
    if length <= _HOUR_MS:
        found = by_hour(equity, bars.open_time, start=cash)
        figures["hour-chart"] = _bars(
            [f"{hour:02d}" for hour in range(24)], found.mean_pct, "mean return of the hour"
        )
    data = {
        "months": [[_plain(value) for value in row] for row in table.pct],
        "years": [_plain(value) for value in table.year_pct],
    }
    return Section(
        "periods", "Months, years, days", "periods.html", {"months": _MONTHS, "rows": rows}, figures, data
    )


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _cell(value: float, path: str) -> tuple[Number, int]:
    """Give a month's number and the strength of its colour, -100 to 100."""
    known = _plain(value)
    if known is None:
        return number("", None), 0
    strength = round(max(-1.0, min(1.0, known / _STRONGEST)) * 100)
    return number(percent_cell(known, digits=1), known, path=path), strength


def _bars(labels: list[str], pct: FloatArray, name: str) -> dict[str, Any]:
    colors = ["--gain" if value > 0 else "--loss" for value in np.nan_to_num(pct)]
    trace = bar_trace(labels, packed(pct), name, colors)
    return figure(
        [trace], height=220, xaxis={"type": "category"}, yaxis={"ticksuffix": "%", "title": {"text": name}}
    )
