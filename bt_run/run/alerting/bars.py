"""The bars that alerts have seen: for indicator rules, and for the charts of messages."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.resample import resample

if TYPE_CHECKING:
    from bt_run.core.interval import Interval

__all__ = ["KEPT", "BarBook"]

KEPT = 5_000
"""Bars kept of each series; as many as a live run warms up with."""


class BarBook:
    """Closed bars by symbol and interval, the last `KEPT` of each; one thread adds, any may read."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str], _Series] = {}
        self._intervals: dict[str, Interval] = {}

    def add(self, symbol: str, interval: Interval, open_time: int, row: tuple[float, ...]) -> bool:
        """
        Take a closed bar; `row` is open to taker_buy_quote_volume, what is missing at its end is unknown.

        Returns:
            Whether it is new: later than the last one.
        """
        shortest = self._intervals.setdefault(symbol, interval)
        if interval.approximate_ms < shortest.approximate_ms:
            self._intervals[symbol] = interval
        series = self._series.setdefault((symbol, str(interval)), _Series())
        return series.add(open_time, row)

    def interval_of(self, symbol: str) -> Interval | None:
        """Give the shortest interval in which the symbol's bars come; None where none has come."""
        return self._intervals.get(symbol)

    def bars(self, symbol: str, interval: Interval | None = None) -> Bars | None:
        """
        Give the bars of a symbol as they came, or joined to a longer interval; None where there are none.

        A first bar that the data cuts is left out where bars are joined.

        Raises:
            ConfigError: the bars that come cannot be joined into such.
        """
        source = self._intervals.get(symbol)
        if source is None:
            return None
        own = self._series.get((symbol, str(interval or source)))
        if own is not None:
            return own.bars()
        if interval is None:
            return None
        bars = self._series[symbol, str(source)].bars()
        joined = resample(bars, source=source, target=interval)
        is_cut = len(joined) and int(bars.open_time[0]) != int(joined.open_time[0])
        return joined[1:] if is_cut else joined


class _Series:
    """One series in an array of twice the size that is kept, so that a bar is seldom moved."""

    def __init__(self) -> None:
        self._values = np.full((len(BAR_COLUMNS) - 1, 2 * KEPT), np.nan)
        self._times = np.zeros(2 * KEPT, dtype=np.int64)
        self._count = 0
        self._lock = threading.Lock()

    def add(self, open_time: int, row: tuple[float, ...]) -> bool:
        with self._lock:
            return self._add(open_time, row)

    def _add(self, open_time: int, row: tuple[float, ...]) -> bool:
        if self._count and open_time <= self._times[self._count - 1]:
            return False
        if self._count == 2 * KEPT:
            self._values[:, :KEPT] = self._values[:, KEPT:]
            self._times[:KEPT] = self._times[KEPT:]
            self._count = KEPT
        self._times[self._count] = open_time
        self._values[: len(row), self._count] = row
        self._values[len(row) :, self._count] = np.nan
        self._count += 1
        return True

    def bars(self) -> Bars:
        with self._lock:
            window = slice(max(0, self._count - KEPT), self._count)
            times, values = self._times[window].copy(), self._values[:, window].copy()
        return Bars.of(times, **dict(zip(BAR_COLUMNS[1:], values, strict=True)))
