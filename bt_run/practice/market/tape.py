"""What the market will print, bar by bar, made when it is asked for."""

from __future__ import annotations

from dataclasses import fields
from random import Random
from typing import TYPE_CHECKING, Protocol

import numpy as np

from bt_run.core.market import BAR_COLUMNS, Bars
from bt_run.practice.events import Print
from bt_run.practice.market.bar_table import BarTable
from bt_run.practice.market.path import BarShape, draw_path
from bt_run.practice.market.units import in_decimal, in_units, to_decimal
from feeds.recording.trade_bars import TradeTape, bars_from_trades

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.interval import Interval
    from bt_run.practice.rules import SymbolRules

__all__ = ["BarTape", "PrintStore", "RecordedTape", "Tape"]

Prints = tuple[Print, ...]

_KEPT_PRINTS = 20_000


class Tape(Protocol):
    """Bars and the prints that make them; `prints` gives those of the bar at a place of the table."""

    table: BarTable

    def prints(self, place: int) -> Prints:
        """Give the prints of a bar, oldest first; none where it has no volume."""

    def without(self, first: int, last: int) -> Tape:
        """Give the same tape without the bars from place `first` (>= 1) to before `last`."""


class PrintStore:
    """Keep the prints of the bars asked for last; what is forgotten is made again by `make`."""

    def __init__(self, make: Callable[[int], Prints]) -> None:
        self._make = make
        self._kept: dict[int, Prints] = {}
        self._size = 0

    def get(self, place: int) -> Prints:
        """Give the prints of one bar."""
        found = self._kept.get(place)
        if found is None:
            found = self._make(place)
            while self._kept and self._size + len(found) > _KEPT_PRINTS:
                self._size -= 1 + len(self._kept.pop(next(iter(self._kept))))
            self._kept[place] = found
            self._size += 1 + len(found)
        return found


class BarTape:
    """
    Prints drawn into given bars (`bt_run.practice.market.path`).

    The same bar, seed and number of prints give the same prints, whatever is asked before; the prints' ids
    begin at 1.

    Args:
        bars: At least one.
        interval: Theirs.
        rules: Gives symbol and tick size.
        prints_per_bar: How many at most, >= 1; a bar has as many more as its corners need, up to four.
        seed: Any whole number.
    """

    def __init__(
        self, bars: Bars, interval: Interval, rules: SymbolRules, *, prints_per_bar: int = 8, seed: int = 7
    ) -> None:
        self.table = BarTable.of_bars(bars, interval, prints_per_bar=prints_per_bar)
        self._made_with = (interval, rules, prints_per_bar)
        self._symbol = rules.symbol
        self._tick = max(1, in_units(float(rules.tick_size)))
        self._seed = seed
        self._store = PrintStore(self._make)

    def prints(self, place: int) -> Prints:
        """Give the prints of a bar, oldest first; none where it has no volume."""
        return self._store.get(place)

    def without(self, first: int, last: int) -> BarTape:
        """Give the same tape without some bars; those that stay have the same prints, but for later ids."""
        interval, rules, prints_per_bar = self._made_with
        bars = self.table.bars
        kept = Bars(*(np.delete(getattr(bars, name), slice(first, last)) for name in BAR_COLUMNS))
        return BarTape(kept, interval, rules, prints_per_bar=prints_per_bar, seed=self._seed)

    def shape(self, place: int) -> BarShape:
        """Give a bar in whole units."""
        bars, table = self.table.bars, self.table
        opened, high, low = float(bars.open[place]), float(bars.high[place]), float(bars.low[place])
        close = float(bars.close[place])
        volume = in_units(float(bars.volume[place]))
        return BarShape(
            start=table.open_time(place),
            end=table.end(place),
            open=in_units(opened),
            high=in_units(high),
            low=in_units(low),
            close=in_units(close),
            volume=volume,
            bought=min(volume, in_units(float(bars.taker_buy_volume[place]))),
            low_first=bool(table.low_first[place]),
        )

    def _make(self, place: int) -> Prints:
        count, first_id = self.table.count(place), self.table.first_id(place)
        if not count:
            return ()
        shape = self.shape(place)
        draw = Random((self._seed << 64) ^ shape.start)  # noqa: S311  # a market to look at, no secret
        path = draw_path(shape, count, tick=self._tick, draw=draw)
        symbol = self._symbol
        return tuple(
            Print(
                symbol,
                first_id + number,
                stop.time,
                to_decimal(stop.price),
                to_decimal(stop.quantity),
                stop.buyer_is_maker,
                number > 0,
            )
            for number, stop in enumerate(path)
        )


class RecordedTape:
    """
    Recorded trades or aggregate trades, and the bars that they make.

    Ids go on by one from the first, also where the recording has holes: this market never had the trades that
    are missing. A time that steps back is taken as the one before it.
    """

    def __init__(self, trades: TradeTape, interval: Interval, rules: SymbolRules) -> None:
        times = np.maximum.accumulate(trades.time_ms)
        self._trades = TradeTape(
            trades.ids, times, trades.price, trades.quantity, trades.count, trades.buyer_is_maker
        )
        bars = bars_from_trades(self._trades, interval, partial=True)
        first = np.searchsorted(times, np.append(bars.open_time, np.iinfo(np.int64).max), side="left")
        self._first_id = int(trades.ids[0]) if len(trades) else 0
        self.table = BarTable.of_recorded(bars, interval, first_ids=first + self._first_id)
        self._made_with = (interval, rules)
        self._symbol = rules.symbol
        self._store = PrintStore(self._make)

    def prints(self, place: int) -> Prints:
        """Give the prints of a bar, oldest first; none where it has no trade."""
        return self._store.get(place)

    def without(self, first: int, last: int) -> RecordedTape:
        """Give the same tape without the trades of some bars; later ids move up."""
        begin, end = (self.table.first_id(place) - self._first_id for place in (first, last))
        columns = (getattr(self._trades, field.name) for field in fields(TradeTape))
        return RecordedTape(
            TradeTape(*(np.delete(column, slice(begin, end)) for column in columns)), *self._made_with
        )

    def _make(self, place: int) -> Prints:
        first = self.table.first_id(place) - self._first_id
        part = slice(first, first + self.table.count(place))
        trades = self._trades
        columns = (trades.time_ms, trades.price, trades.quantity, trades.buyer_is_maker)
        rows = zip(*(column[part].tolist() for column in columns), strict=True)
        return tuple(
            Print(self._symbol, number, time, in_decimal(price), in_decimal(quantity), maker)
            for number, (time, price, quantity, maker) in enumerate(rows, self._first_id + first)
        )
