"""Bars as the replay needs them: cleaned, without unknowns, with ends, and with the ids of their prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.clock import iso_utc
from bt_run.core.errors import DataError
from bt_run.core.market import Bars
from bt_run.practice.market.units import cleaned
from feeds.resample import bar_bounds

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from bt_run.core.interval import Interval
    from bt_run.core.market import FloatArray, IntArray

    BoolArray = npt.NDArray[np.bool_]

__all__ = ["BarTable"]

_UNKNOWN_TURNOVER = 1e6
"""What a bar of unknown volume turns over, in quote asset: enough that no order of a test is too large."""


class BarTable:
    """
    The bars of a market, n >= 1, and where they end.

    `bars` has no NaN: what the source does not tell is estimated. `ends` are ms, shape (n,), the first ms
    after a bar: its length later, or earlier where the next bar opens before that. `first_ids` has shape
    (n + 1,): the prints of bar i have the ids `first_ids[i]` to `first_ids[i + 1] - 1`. `low_first` tells
    which extreme the path of a bar reaches first.
    """

    def __init__(self, bars: Bars, interval: Interval, *, first_ids: IntArray, low_first: BoolArray) -> None:
        self.bars = bars
        self.interval = interval
        self.opens = bars.open_time
        self.ends = _ends(bars.open_time, interval)
        self.first_ids = first_ids
        self.low_first = low_first

    @classmethod
    def of_bars(cls, bars: Bars, interval: Interval, *, prints_per_bar: int) -> BarTable:
        """
        Prepare bars whose prints will be drawn.

        A bar without volume has no print. Any other has `prints_per_bar`, fewer where the source counts fewer
        trades or the volume has fewer hundred-millionths, and at least one for each corner of its path.

        Raises:
            DataError: no bar, or an impossible one.
        """
        prices = {name: cleaned(getattr(bars, name)) for name in ("open", "high", "low", "close")}
        _check(bars.open_time, **prices)
        low_first = _low_first(**prices)
        volume = _known(bars.volume, lambda: _UNKNOWN_TURNOVER / prices["open"])
        counts = _counts(low_first, volume, bars.trades, prints_per_bar, **prices)
        middle = (prices["open"] + prices["high"] + prices["low"] + prices["close"]) / 4
        bought = _known(bars.taker_buy_volume, lambda: volume * _bought_share(**prices))
        whole = Bars(
            bars.open_time,
            open=prices["open"],
            high=prices["high"],
            low=prices["low"],
            close=prices["close"],
            volume=volume,
            quote_volume=_known(bars.quote_volume, lambda: volume * middle),
            trades=_known(bars.trades, lambda: counts.astype(np.float64)),
            taker_buy_volume=bought,
            taker_buy_quote_volume=_known(bars.taker_buy_quote_volume, lambda: bought * middle),
        )
        return cls(whole, interval, first_ids=np.append(1, 1 + np.cumsum(counts)), low_first=low_first)

    @classmethod
    def of_recorded(cls, bars: Bars, interval: Interval, *, first_ids: IntArray) -> BarTable:
        """Prepare bars that recorded trades made; all their columns are known. Raises DataError: no bar."""
        _check(bars.open_time, open=bars.open, high=bars.high, low=bars.low, close=bars.close)
        return cls(bars, interval, first_ids=first_ids, low_first=np.zeros(len(bars), dtype=np.bool_))

    def __len__(self) -> int:
        return len(self.bars)

    def open_time(self, place: int) -> int:
        """Give the first ms of a bar."""
        return int(self.opens[place])

    def end(self, place: int) -> int:
        """Give the first ms after a bar."""
        return int(self.ends[place])

    def first_id(self, place: int) -> int:
        """Give the id of a bar's first print; where it has none, of the first print after it."""
        return int(self.first_ids[place])

    def count(self, place: int) -> int:
        """Give how many prints a bar has."""
        return int(self.first_ids[place + 1] - self.first_ids[place])

    def opened_before(self, time: int) -> int:
        """Give how many bars open before a time."""
        return int(self.opens.searchsorted(time, side="left"))

    def ended_by(self, time: int) -> int:
        """Give how many bars have ended at a time, its ms included."""
        return int(self.ends.searchsorted(time, side="right"))


def _ends(opens: IntArray, interval: Interval) -> IntArray:
    if interval.milliseconds is None:
        _, ends = bar_bounds(opens, interval)
    else:
        ends = opens + interval.milliseconds
    # Bars cut short, as Binance's of February 2018, end where the next one opens.
    return np.append(np.minimum(ends[:-1], opens[1:]), ends[-1:])


def _check(times: IntArray, open: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> None:  # noqa: A002
    if not len(times):
        raise DataError("A market cannot be replayed from no bars.")
    sound = (low > 0) & (low <= np.minimum(open, close)) & (high >= np.maximum(open, close)) & (high < np.inf)
    if not sound.all():
        place = int(np.argmin(sound))
        raise DataError(
            f"The bar of {iso_utc(int(times[place]))} cannot have been traded: open {open[place]}, "
            f"high {high[place]}, low {low[place]}, close {close[place]}.",
            hint="Low must be above 0 (to eight decimals) and below the others, high above them.",
        )


def _low_first(open: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> BoolArray:  # noqa: A002
    """Tell whether the low is nearer to the open; where both are equally near, a rising bar dips first."""
    down, up = open - low, high - open
    first: BoolArray = (down < up) | ((down == up) & (close >= open))
    return first


def _counts(
    low_first: BoolArray,
    volume: FloatArray,
    trades: FloatArray,
    most: int,
    *,
    open: FloatArray,  # noqa: A002
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
) -> IntArray:
    near, far = np.where(low_first, low, high), np.where(low_first, high, low)
    turns = 1 + (near != open).astype(np.int64) + (far != near) + (close != far)
    wanted = np.where(trades >= 1, np.minimum(trades, most), float(most))
    wanted = np.minimum(wanted, volume * 1e8)
    return np.where(volume > 0, np.maximum(wanted.astype(np.int64), turns), 0)


def _bought_share(open: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:  # noqa: A002
    """Guess what part of the volume takers bought: half where the bar did not move, 90 % where it only rose."""
    way = high - low
    return 0.5 + 0.4 * np.divide(close - open, way, out=np.zeros_like(way), where=way > 0)


def _known(values: FloatArray, estimate: Callable[[], FloatArray]) -> FloatArray:
    unknown = np.isnan(values)
    if not unknown.any():
        return cleaned(values)
    return cleaned(np.where(unknown, estimate(), values))
