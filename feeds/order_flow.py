"""
Order flow by bar: trades, klines and liquidations of USD-M futures joined into the columns of `OrderFlow`.

Pure. A `FlowBook` is filled with messages as they come from a stream or from a capture, and gives the flow of
any bars of its interval. Binance sends at most one liquidation a second and symbol, so what it tells of them is
a lower bound (USD-M liquidation order streams, read 2026-07).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.order_flow import OrderFlow
from feeds.resample import bar_bounds
from feeds.wire.messages import AggTrade, Liquidation

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars, IntArray
    from feeds.wire.messages import Message

    BoolArray = npt.NDArray[np.bool_]

__all__ = ["FLOW_KINDS", "FlowBook"]

FLOW_KINDS = ("aggTrade", "forceOrder")
"""The kinds of futures streams that make order flow, beside the klines."""

_SLACK = 1e-6
"""Trades count as complete where they add up to the bar's volume but for this part of it."""


@dataclass(slots=True)
class _Sums:
    """What was heard in one bar."""

    true_volume: float = 0.0
    false_volume: float = 0.0
    long_volume: float = 0.0
    short_volume: float = 0.0
    longs: int = 0
    shorts: int = 0
    largest: float = 0.0


class FlowBook:
    """
    The order flow of one symbol, by bar.

    Args:
        symbol: As the exchange writes it; what is of others is passed over, as is what settles in coin.
        interval: Of the bars.
    """

    def __init__(self, symbol: str, interval: Interval) -> None:
        self.symbol = symbol
        self.interval = interval
        self._bars: dict[int, _Sums] = {}
        self._seen: set[tuple[int, str, float, float]] = set()
        self._heard: list[tuple[int, int]] = []
        self._hears_since: int | None = None

    # What comes.

    def connected(self, time_ms: int) -> None:
        """Take that liquidations are listened to from now on."""
        if self._hears_since is None:
            self._hears_since = time_ms

    def disconnected(self, time_ms: int) -> None:
        """Take that nobody listens to liquidations any more."""
        if self._hears_since is not None:
            self._heard.append((self._hears_since, time_ms))
            self._hears_since = None

    def take(self, message: Message) -> None:
        """Take a message of the symbol's streams; others change nothing."""
        if isinstance(message, AggTrade):
            if message.symbol == self.symbol and not message.coin_m:
                sold = message.buyer_is_maker
                self.add_trades(
                    message.time_ms,
                    true_volume=message.quantity * sold,
                    false_volume=message.quantity * (not sold),
                )
        elif isinstance(message, Liquidation) and message.symbol == self.symbol and not message.coin_m:
            self._liquidate(message)

    def add_trades(self, time_ms: int, *, true_volume: float, false_volume: float) -> None:
        """Add volume to the bar that holds this time."""
        sums = self._sums_at(time_ms)
        sums.true_volume += true_volume
        sums.false_volume += false_volume

    def _liquidate(self, order: Liquidation) -> None:
        key = (order.time_ms, order.side, order.quantity, order.price)
        if key in self._seen:  # captures of two connections repeat it
            return
        self._seen.add(key)
        sums = self._sums_at(order.time_ms)
        if order.side == "SELL":
            sums.long_volume += order.filled
            sums.longs += 1
        else:
            sums.short_volume += order.filled
            sums.shorts += 1
        sums.largest = max(sums.largest, order.filled)

    def _sums_at(self, time_ms: int) -> _Sums:
        length = self.interval.milliseconds
        if length is not None and self.interval.unit in "smh":  # these start at whole multiples of their length
            opened = time_ms - time_ms % length
        else:
            opened = int(bar_bounds(np.array([time_ms], dtype=np.int64), self.interval)[0][0])
        return self._bars.setdefault(opened, _Sums())

    # What is known.

    def flow_of(self, bars: Bars, *, until_ms: int | None = None) -> OrderFlow:
        """
        Give the order flow of bars of the book's interval.

        True and false volume are those of the trades where they add up to the bar's volume, else those of the
        bar's taker buy volume, NaN without it. Liquidations are zeros in bars in all of which somebody listened
        and NaN in others.

        Args:
            bars: Closed ones.
            until_ms: Up to when a connection that is open has been heard; the end of the last bar by default.
        """
        flow = OrderFlow.of(
            len(bars),
            true_volume=bars.volume - bars.taker_buy_volume,
            false_volume=bars.taker_buy_volume,
        )
        if not len(bars):
            return flow
        _, ends = bar_bounds(bars.open_time, self.interval)
        known = self._knows(bars.open_time, ends, int(ends[-1]) if until_ms is None else until_ms)
        for column in (
            flow.long_liquidation_volume,
            flow.short_liquidation_volume,
            flow.long_liquidations,
            flow.short_liquidations,
            flow.largest_liquidation,
        ):
            column[known] = 0.0
        for place in self._places(bars.open_time):
            sums = self._bars[int(bars.open_time[place])]
            if _adds_up(sums, float(bars.volume[place])):
                flow.true_volume[place] = sums.true_volume
                flow.false_volume[place] = sums.false_volume
            if known[place]:
                flow.long_liquidation_volume[place] = sums.long_volume
                flow.short_liquidation_volume[place] = sums.short_volume
                flow.long_liquidations[place] = sums.longs
                flow.short_liquidations[place] = sums.shorts
                flow.largest_liquidation[place] = sums.largest
        return flow

    def is_whole(self, bars: Bars) -> bool:
        """Tell whether the trades of the last bar add up to its volume; true where not all was heard."""
        if not len(bars) or self._hears_since is None or self._hears_since > int(bars.open_time[-1]):
            return True
        volume, sums = float(bars.volume[-1]), self._bars.get(int(bars.open_time[-1]))
        return volume == 0.0 or (sums is not None and _adds_up(sums, volume))

    def torn(self, bars: Bars) -> list[int]:
        """Give the open times of bars whose trades were heard in part: they do not add up to the volume."""
        times = bars.open_time
        return [
            int(times[place])
            for place in self._places(times)
            if _has_trades(sums := self._bars[int(times[place])])
            and not _adds_up(sums, float(bars.volume[place]))
        ]

    def _places(self, times: IntArray) -> Sequence[int]:
        """Give where among the times the bars are of which something was heard."""
        heard = np.fromiter(self._bars, dtype=np.int64, count=len(self._bars))
        found: list[int] = np.flatnonzero(np.isin(times, heard)).tolist()
        return found

    def _knows(self, opens: IntArray, ends: IntArray, until_ms: int) -> BoolArray:
        """Tell for each bar whether one span of listening holds all of it."""
        spans = list(self._heard)
        if self._hears_since is not None:
            spans.append((self._hears_since, until_ms))
        known: BoolArray = np.zeros(len(opens), dtype=np.bool_)
        for start, end in spans:
            known |= (opens >= start) & (ends <= end)
        return known


def _has_trades(sums: _Sums) -> bool:
    return sums.true_volume + sums.false_volume > 0.0


def _adds_up(sums: _Sums, volume: float) -> bool:
    return _has_trades(sums) and abs(sums.true_volume + sums.false_volume - volume) <= _SLACK * volume
