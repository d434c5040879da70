"""What an account earned in each month, year, weekday and hour of the day; UTC, by the open of the bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from bt_run.core.market import FloatArray, IntArray

__all__ = ["Grouped", "MonthTable", "by_hour", "by_weekday", "month_table", "year_returns"]

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


@dataclass(frozen=True, slots=True, eq=False)
class MonthTable:
    """
    Returns of months in percent: `pct` of shape (years, 12), NaN where a month has no bars.

    `years` has shape (years,). `year_pct` compounds a year's months, shape (years,).
    """

    years: IntArray
    pct: FloatArray
    year_pct: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """
    The mean return in percent of the bars of each group, and how many bars each has; shape (groups,).

    `mean_pct` is NaN where a group has no bars.
    """

    mean_pct: FloatArray
    count: IntArray


def month_table(equity: FloatArray, open_time: IntArray, *, start: float) -> MonthTable:
    """
    Give the return of every month.

    A month's value is equity at its last bar's close; the first counts from `start`. A month without bars
    (an outage) has no return, and the next one bridges it. A month that begins at or below zero has none.

    Args:
        equity: At the close of every bar, shape (n,), n >= 1.
        open_time: ms UTC, shape (n,), ascending.
        start: Value before the first bar, > 0.
    """
    months = _months(open_time)
    ends = np.flatnonzero(np.append(months[1:] != months[:-1], True))
    pct = _changes_pct(equity[ends], start)
    year, month = months[ends] // 12 + 1970, months[ends] % 12
    years = np.arange(year[0], year[-1] + 1)
    table = np.full((len(years), 12), np.nan)
    table[year - years[0], month] = pct
    yearly = year_returns(equity, open_time, start=start)
    return MonthTable(years, table, yearly)


def year_returns(equity: FloatArray, open_time: IntArray, *, start: float) -> FloatArray:
    """Give the return of every calendar year from the first to the last, in percent; NaN without bars."""
    years = _months(open_time) // 12
    ends = np.flatnonzero(np.append(years[1:] != years[:-1], True))
    found = np.full(int(years[-1] - years[0]) + 1, np.nan)
    found[years[ends] - years[0]] = _changes_pct(equity[ends], start)
    return found


def by_weekday(equity: FloatArray, open_time: IntArray, *, start: float) -> Grouped:
    """Average the returns of the days Monday to Sunday; shape (7,). A day's return ends at its last bar."""
    days = open_time // _DAY_MS
    ends = np.flatnonzero(np.append(days[1:] != days[:-1], True))
    return _group(_changes_pct(equity[ends], start), (days[ends] + 3) % 7, 7)


def by_hour(equity: FloatArray, open_time: IntArray, *, start: float) -> Grouped:
    """Average the returns of the hours 0 to 23; shape (24,). For bars of at most an hour."""
    hours = open_time // _HOUR_MS
    ends = np.flatnonzero(np.append(hours[1:] != hours[:-1], True))
    return _group(_changes_pct(equity[ends], start), hours[ends] % 24, 24)


def _months(open_time: IntArray) -> npt.NDArray[np.int64]:
    """Count months since January 1970."""
    found: npt.NDArray[np.int64] = open_time.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    return found


def _changes_pct(values: FloatArray, start: float) -> FloatArray:
    before = np.concatenate(([start], values[:-1]))
    found = np.full(len(values), np.nan)
    np.divide((values - before) * 100.0, before, out=found, where=before > 0)
    return found


def _group(pct: FloatArray, group: IntArray, groups: int) -> Grouped:
    known = np.isfinite(pct)
    count = np.bincount(group[known], minlength=groups)
    total = np.bincount(group[known], weights=pct[known], minlength=groups)
    mean = np.divide(total, count, out=np.full(groups, np.nan), where=count > 0)
    return Grouped(mean, count.astype(np.int64))
