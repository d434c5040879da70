"""Make longer bars out of shorter ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.errors import ConfigError
from bt_run.core.market import Bars, Interval
from bt_run.core.order_flow import FLOW_COLUMNS, OrderFlow

if TYPE_CHECKING:
    import numpy.typing as npt

    from bt_run.core.market import FloatArray, IntArray

__all__ = ["bar_bounds", "resample"]

_DAY_MS = 86_400_000
_MONDAY_MS = 4 * _DAY_MS  # 1970-01-05, the first Monday after the epoch, a Thursday
_THREE_DAYS_MS = _DAY_MS  # Binance's 3d bars open on 1970-01-02 and every third day after it


def resample(bars: Bars, *, source: Interval, target: Interval) -> Bars:
    """
    Join bars of the interval `source` into bars of the longer interval `target`.

    The bars start as Binance's do: seconds to days from midnight UTC, 3d on the days that Binance uses
    (2017-08-17 is one), other counts of days from 1970-01-01, weeks on Monday, months on the first, several
    weeks or months counted from the first of 1970. Each is labelled by the open time of its bucket, also
    where the first bars in it are missing. Open is the first, close the last, high and low the extremes,
    volumes the sums; a sum with an unknown (NaN) in it is unknown. Order flow is joined alike.

    The first bar may begin before the data does, as at a listing. A last bar whose end the source does not
    reach is left out: it is not closed yet. Equal intervals give back the same bars.

    Raises:
        ConfigError: `target` is not a whole multiple of `source`, or its bars would cut source bars in two.
    """
    if (source.milliseconds, source.unit == "M" and source.count) == (
        target.milliseconds,
        target.unit == "M" and target.count,
    ):
        return bars
    _check_upward(source, target)
    if not len(bars):
        return bars
    opens, ends = bar_bounds(bars.open_time, target)
    first = np.flatnonzero(np.append(True, opens[1:] != opens[:-1]))
    joined = _join(bars, opens, first)
    last_end = _end_of(int(bars.open_time[-1]), source)
    return joined if last_end >= int(ends[-1]) else joined[:-1]


def _check_upward(source: Interval, target: Interval) -> None:
    if target.milliseconds is None:
        whole = (
            target.count % source.count == 0
            if source.milliseconds is None
            else _DAY_MS % source.milliseconds == 0
        )
    elif source.milliseconds is None:
        whole = False
    else:
        whole = target.milliseconds > source.milliseconds and target.milliseconds % source.milliseconds == 0
        # Bars of several days do not start where weeks or other counts of days start.
        whole &= source.milliseconds <= _DAY_MS or source.unit == target.unit == "w"
    if not whole:
        raise ConfigError(
            f"Bars of {source} cannot be joined into bars of {target}. "
            f"Choose a longer interval that {source} divides, or load data of a shorter one."
        )


def bar_bounds(times: IntArray, target: Interval) -> tuple[IntArray, IntArray]:
    """
    Give the open of the bar that each time falls into, and its end, which is the open of the next.

    Times are ms since 1970 UTC, shape (n,), as are both results. Bars start as Binance's do (see `resample`).
    """
    if target.milliseconds is None:
        months = times.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
        months -= months % target.count
        return _month_start(months), _month_start(months + target.count)
    length = target.milliseconds
    if target.unit == "w" or length % (7 * _DAY_MS) == 0:
        origin = _MONDAY_MS
    else:
        origin = _THREE_DAYS_MS if length == 3 * _DAY_MS else 0
    opens = times - (times - origin) % length
    return opens, opens + length


def _month_start(months: IntArray) -> IntArray:
    start: npt.NDArray[np.datetime64] = months.astype("datetime64[M]").astype("datetime64[ms]")
    return start.astype(np.int64)


def _end_of(open_time: int, source: Interval) -> int:
    if source.milliseconds is not None:
        return open_time + source.milliseconds
    _, ends = bar_bounds(np.array([open_time], dtype=np.int64), source)
    return int(ends[0])


def _join(bars: Bars, opens: IntArray, first: IntArray) -> Bars:
    last = np.append(first[1:], len(bars)) - 1

    def total(values: FloatArray) -> FloatArray:
        return np.asarray(np.add.reduceat(values, first), dtype=np.float64)

    return Bars(
        open_time=opens[first],
        open=bars.open[first],
        high=np.maximum.reduceat(bars.high, first),
        low=np.minimum.reduceat(bars.low, first),
        close=bars.close[last],
        volume=total(bars.volume),
        quote_volume=total(bars.quote_volume),
        trades=total(bars.trades),
        taker_buy_volume=total(bars.taker_buy_volume),
        taker_buy_quote_volume=total(bars.taker_buy_quote_volume),
        flow=None if bars.flow is None else _join_flow(bars.flow, first),
    )


def _join_flow(flow: OrderFlow, first: IntArray) -> OrderFlow:
    """Sum up the flow; of the largest liquidations the largest counts. NaN stays NaN."""
    joined = {
        name: (np.maximum if name == "largest_liquidation" else np.add).reduceat(getattr(flow, name), first)
        for name in FLOW_COLUMNS
    }
    return OrderFlow(**joined)
