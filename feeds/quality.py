"""Check values that a market cannot have, put bars in order, and count what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from feeds.table.columns import PRICES
from feeds.table.spacing import missing_bars

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from bt_run.core.market import IntArray, Interval
    from feeds.table.raw import RawBars

    BoolArray = npt.NDArray[np.bool_]
    Problem = Callable[[RawBars, int, str], str]

__all__ = ["Ordering", "check_values", "describe_gaps", "find_order", "show_time"]

_ROUNDING = 1e-9
_BACKWARD_SHARE = 0.01
_CONFLICT_SHARE = 0.2
_BLOCK = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class Ordering:
    """
    Which rows of a file make the series, oldest first.

    `rows` are positions in the file's order, shape (n,), or None where the file is already in order.
    `warnings` say what was dropped or moved.
    """

    rows: IntArray | None
    warnings: tuple[str, ...] = ()


def check_values(raw: RawBars) -> None:
    """
    Check every row: prices are there and > 0, high is the highest and low the lowest, volumes are >= 0.

    A high below the open or close by less than 1e-9 of it is rounding (Yahoo's adjusted prices) and passes.
    Volumes may be NaN, which means that the source does not tell.

    Raises:
        DataError: the first bad row, by line and column.
    """
    if all(_is_sound(raw, slice(first, first + _BLOCK)) for first in range(0, len(raw.times), _BLOCK)):
        return
    for name in PRICES:
        prices = raw.columns[name]
        _refuse(raw, ~(prices > 0) | np.isinf(prices), name, _price_problem)
    opens, highs, lows, closes = (raw.columns[name] for name in PRICES)
    for name, other in (("open", opens), ("close", closes)):
        _refuse(raw, highs < other * (1 - _ROUNDING), "high", _order_problem("below", name))
        _refuse(raw, lows > other * (1 + _ROUNDING), "low", _order_problem("above", name))
    for name in (name for name in raw.columns if name not in PRICES):
        _refuse(raw, (raw.columns[name] < 0) | np.isinf(raw.columns[name]), name, _volume_problem)


def _is_sound(raw: RawBars, rows: slice) -> bool:
    """Tell whether some rows pass `check_values`; a block at a time stays in the processor's cache."""
    opens, highs, lows, closes = (raw.columns[name][rows] for name in PRICES)
    top, bottom = np.maximum(opens, closes), np.minimum(opens, closes)
    sound = bool(bottom.min() > 0 and lows.min() > 0 and top.max() < np.inf and highs.max() < np.inf)  # no NaN
    sound = sound and bool((highs >= top * (1 - _ROUNDING)).all() and (lows <= bottom * (1 + _ROUNDING)).all())
    others = (values[rows] for name, values in raw.columns.items() if name not in PRICES)
    return sound and not any(((values < 0) | np.isinf(values)).any() for values in others)


def find_order(raw: RawBars) -> Ordering:
    """
    Put the rows in order of time and keep one row a time.

    A file that runs newest first is turned around. Rows that are alike in every column are one bar. Of
    rows with the same time and different values the one written last counts: the lower one in a file that
    runs forward (a candle stored unfinished, then again when it was closed), the upper one in a file that
    runs backward (new data put on top of old). Few rows out of place are sorted.

    Raises:
        DataError: times go back in more than one row of 100, or more than one row of 5 repeats a time with
            other values; then the times themselves are damaged.
    """
    steps = np.diff(raw.times)
    if (steps > 0).all():
        return Ordering(None)
    rows = np.arange(len(raw.times), dtype=np.int64)
    if (steps < 0).sum() > (steps > 0).sum():
        rows = rows[::-1]
    backward = np.flatnonzero(np.diff(raw.times[rows]) < 0)
    if len(backward) > _BACKWARD_SHARE * len(rows) + 1:
        raise raw.fault(int(rows[backward[0] + 1]), "the time goes back, here and in many other rows.", "")
    warnings = []
    if len(backward):
        breaks = _first(raw.times[rows[backward]])
        warnings.append(
            f"the rows ran back in {_count(len(backward), 'place')} and were sorted: after {breaks}"
        )
        rows = rows[np.argsort(raw.times[rows], kind="stable")]
    repeated = raw.times[rows[1:]] == raw.times[rows[:-1]]
    dropped = np.flatnonzero(repeated)
    if len(dropped):
        alike = _alike(raw, rows[dropped], rows[dropped + 1])
        _refuse_lost_times(raw, rows, dropped[~alike])
        warnings += _duplicate_warnings(raw.times[rows[dropped]], alike)
        rows = rows[np.append(~repeated, True)]
    return Ordering(np.ascontiguousarray(rows), tuple(warnings))


def describe_gaps(times: IntArray, interval: Interval) -> str | None:
    """
    Count the bars that are missing and name the first three places; None where nothing is missing.

    Daily bars of a market that never trades on Saturday and Sunday do not miss them.
    """
    missing = missing_bars(times, interval)
    gaps = np.flatnonzero(missing > 0)
    if not len(gaps):
        return None
    places = [f"after {show_time(int(times[gap]))} ({_count(int(missing[gap]), 'bar')})" for gap in gaps[:3]]
    more = ", ..." if len(gaps) > len(places) else ""
    total = int(missing[gaps].sum())
    return f"{_count(len(gaps), 'gap')}, {_count(total, 'bar')} missing: {', '.join(places)}{more}"


def show_time(time_ms: int) -> str:
    """Write a time for reading, in UTC: ``2018-02-08 04:00``, seconds only where there are any."""
    moment = datetime.fromtimestamp(time_ms / 1000, tz=UTC)
    if time_ms % 60_000 == 0:
        return moment.strftime("%Y-%m-%d %H:%M")
    return moment.strftime("%Y-%m-%d %H:%M:%S") + (f".{time_ms % 1000:03d}" if time_ms % 1000 else "")


def _refuse(raw: RawBars, wrong: BoolArray, name: str, problem: Problem) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise raw.fault(row, problem(raw, row, name), name)


def _price_problem(raw: RawBars, row: int, name: str) -> str:
    value = raw.columns[name][row]
    return "the price is missing." if np.isnan(value) else f"{value:.12g} is not a price above zero."


def _volume_problem(raw: RawBars, row: int, name: str) -> str:
    return f"the {name.replace('_', ' ')} {raw.columns[name][row]:.12g} is below zero."


def _order_problem(side: str, other: str) -> Problem:
    def problem(raw: RawBars, row: int, name: str) -> str:
        return f"the {name} {raw.columns[name][row]:.12g} is {side} the {other} {raw.columns[other][row]:.12g}."

    return problem


def _alike(raw: RawBars, first: IntArray, second: IntArray) -> BoolArray:
    alike = np.ones(len(first), dtype=np.bool_)
    for values in raw.columns.values():
        one, other = values[first], values[second]
        alike &= (one == other) | (np.isnan(one) & np.isnan(other))
    return alike


def _refuse_lost_times(raw: RawBars, rows: IntArray, conflicts: IntArray) -> None:
    if len(conflicts) <= _CONFLICT_SHARE * len(rows):
        return
    row = int(max(rows[conflicts[0]], rows[conflicts[0] + 1]))
    error = raw.fault(row, f"{len(conflicts)} of {len(rows)} rows repeat the time of another row.", "")
    error.hint = "The times are lost; a spreadsheet shortens long numbers. Download the file again."
    raise error


def _duplicate_warnings(times: IntArray, alike: BoolArray) -> list[str]:
    warnings = []
    same, other = int(alike.sum()), int((~alike).sum())
    if same:
        warnings.append(f"{_count(same, 'row')} stood twice, alike, and counted once: {_first(times[alike])}")
    if other:
        warnings.append(
            f"{_count(other, 'time')} stood twice with different values; the one written last counts: "
            f"{_first(times[~alike])}"
        )
    return warnings


def _first(times: IntArray) -> str:
    return ", ".join(show_time(int(time)) for time in times[:3]) + (", ..." if len(times) > 3 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
