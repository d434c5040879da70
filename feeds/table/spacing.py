"""The time between bars: what interval a series has, and where it misses bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.market import Interval

if TYPE_CHECKING:
    from bt_run.core.market import IntArray

__all__ = ["find_interval", "fits", "missing_bars", "open_from_close"]

_DAY_MS = 86_400_000
_UNITS = (("w", 604_800_000), ("d", _DAY_MS), ("h", 3_600_000), ("m", 60_000), ("s", 1_000))
_WEEKEND_SAMPLE = 10


def find_interval(times: IntArray) -> Interval | None:
    """
    Find the interval of bars from their times (ms, strictly increasing): the most common distance.

    Distances of 28 to 31 days that vary are months, of 59 to 62 two months, and so on up to a year. None for
    fewer than two bars, or a distance that is no whole number of seconds.
    """
    if len(times) < 2:
        return None
    steps, counts = _distances(times)
    usual = int(steps[np.argmax(counts)])
    if usual >= 28 * _DAY_MS:
        months = round(usual / _DAY_MS / 30.4)
        shortest, longest = months * 28 * _DAY_MS, months * 31 * _DAY_MS
        within = int(counts[(steps >= shortest) & (steps <= longest)].sum())
        varied = len(steps) > 1 or int(counts.sum()) < 3
        if varied and 2 * within > counts.sum():
            return Interval(months, "M")
    for unit, length in _UNITS:
        if usual % length == 0:
            return Interval(usual // length, unit)
    return None


def _distances(times: IntArray) -> tuple[IntArray, IntArray]:
    """
    Count the distances between bars, ascending, as np.unique does.

    Nearly all of a series are alike, and counting those first leaves little to sort.
    """
    steps = np.diff(times)
    others, counts = np.unique(steps[steps != steps[0]], return_counts=True)
    place = int(np.searchsorted(others, steps[0]))
    return np.insert(others, place, steps[0]), np.insert(counts, place, len(steps) - counts.sum())


def fits(times: IntArray, interval: Interval) -> bool:
    """
    Tell whether bars at these times can have this interval.

    True for the interval that `find_interval` gives, under any name (7d, 1w), for the shortest distance (a
    thin market, where most bars are missing), and for fewer than two bars.
    """
    found = find_interval(times)
    if found is None:
        return len(times) < 2
    if found.milliseconds is None or interval.milliseconds is None:
        return (found.count, found.unit) == (interval.count, interval.unit)
    return interval.milliseconds in (found.milliseconds, int(np.diff(times).min()))


def missing_bars(times: IntArray, interval: Interval) -> IntArray:
    """
    Count the bars missing after each bar but the last, shape (n - 1,).

    Times off the grid (an outage can shift it) are rounded to whole bars. Daily bars that never fall on a
    weekend do not miss weekends.
    """
    if len(times) < 2:
        return np.zeros(0, dtype=np.int64)
    if interval.milliseconds is None:
        months = times.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
        return np.asarray(np.maximum(np.diff(months) // interval.count - 1, 0), dtype=np.int64)
    if interval.milliseconds == _DAY_MS and len(times) >= _WEEKEND_SAMPLE:
        days = times.astype("datetime64[ms]").astype("datetime64[D]")
        if np.is_busday(days).all():
            weekdays = np.busday_count(days[:-1], days[1:])
            return np.asarray(np.maximum(weekdays - 1, 0), dtype=np.int64)
    steps = np.diff(times)
    if (steps == interval.milliseconds).all():
        return np.zeros(len(steps), dtype=np.int64)
    ratio = np.rint(steps / interval.milliseconds).astype(np.int64)
    return np.asarray(np.maximum(ratio - 1, 0), dtype=np.int64)


def open_from_close(times: IntArray, interval: Interval) -> IntArray:
    """
    Turn close times into open times (both ms, shape (n,)).

    Binance closes a bar one millisecond before the next opens (``...59.999``); a close on the full second is
    the next open itself.
    """
    ends = np.where(times % 1000 == 999, times + 1, times)
    if interval.milliseconds is not None:
        return np.asarray(ends - interval.milliseconds, dtype=np.int64)
    months = ends.astype("datetime64[ms]").astype("datetime64[M]") - interval.count
    return np.asarray(months.astype("datetime64[ms]").astype(np.int64))
