"""Klines of every interval, out of a tape up to where the market stands."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from bt_run.practice.market.candle import Candle
from bt_run.practice.market.grid import bounds, parse_interval
from bt_run.practice.market.units import in_decimal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from bt_run.core.interval import Interval
    from bt_run.core.market import FloatArray
    from bt_run.practice.events import Kline
    from bt_run.practice.market.cursor import Cursor

__all__ = ["Candles"]

_TIME = attrgetter("time")
_KEPT = 64


class Candles:
    """
    Klines of a market.

    Those of the data's own interval are the bars given. A kline into which whole bars fit is joined from
    them, with their counts and volumes; any other is made of prints. There is none where the data has no
    bar. Times are ms; `offset_ms` is how far a time zone is ahead of UTC; `now` is the exchange's time, never
    before what happened last.
    """

    def __init__(self, cursor: Cursor, symbol: str) -> None:
        self._cursor = cursor
        self._table = cursor.table
        self._symbol = symbol
        self._joined: dict[tuple[int, int], Candle] = {}

    def page(
        self, interval: str, *, start: int | None, end: int | None, limit: int, now: int, offset_ms: int
    ) -> list[Kline]:
        """Give what GET klines answers, oldest first; the last may still be forming."""
        wanted = parse_interval(interval, self._table.interval)
        until = now if end is None else min(end, now)
        if limit <= 0 or (start is not None and start > until):
            return []
        if wanted == self._table.interval and not offset_ms:
            return self._own(interval, start, until, limit, now)
        rows: list[Kline] = []
        spans = (
            self._backward(until, now, wanted, offset_ms)
            if start is None
            else self._forward(start, until, now, wanted, offset_ms)
        )
        for open_time, span_end in islice(spans, limit):
            kline = self._at(interval, open_time, span_end, now)
            rows += [] if kline is None else [kline]
        return rows if start is not None else rows[::-1]

    def forming(self, interval: str, *, now: int, offset_ms: int) -> Kline | None:
        """Give the bar in progress; None during a gap of the data and after its end."""
        wanted = parse_interval(interval, self._table.interval)
        if wanted == self._table.interval and not offset_ms:
            return self._running(interval) if self._cursor.has_begun(now) else None
        open_time, end = bounds(wanted, now, offset_ms)
        return self._at(interval, open_time, end, now)

    def closed(self, interval: str, open_time: int, *, now: int, offset_ms: int) -> Kline | None:
        """Give a finished bar by its open time; None where there is none, or it is not finished."""
        wanted = parse_interval(interval, self._table.interval)
        if wanted == self._table.interval and not offset_ms:
            place = self._table.opened_before(open_time)
            there = place < self._cursor.bar and self._table.open_time(place) == open_time
            return self._cursor.bar_kline(place) if there else None
        first, end = bounds(wanted, open_time, offset_ms)
        return self._at(interval, first, end, now) if first == open_time and self._is_over(end, now) else None

    def closed_with(self, kline: Kline, interval: str, *, offset_ms: int) -> Kline | None:
        """Give the bar of `interval` that closed with the last bar of the data; None where none did."""
        wanted = parse_interval(interval, self._table.interval)
        if wanted == self._table.interval and not offset_ms:
            return kline
        first, end = bounds(wanted, kline.close_time, offset_ms)
        now = kline.close_time + 1
        return self._at(interval, first, end, now) if self._is_over(end, now) else None

    def joined(self, first: int, last: int) -> Candle | None:
        """Join the finished bars from place `first` to before `last`; None where there are none."""
        if last <= first:
            return None
        if last == first + 1:
            return self._cursor.bar_candle(first)
        kept = self._joined.get((first, last))
        if kept is None:
            kept = self._join(first, last)
            while len(self._joined) >= _KEPT:
                del self._joined[next(iter(self._joined))]
            self._joined[first, last] = kept
        return kept

    # Pages.

    def _own(self, interval: str, start: int | None, until: int, limit: int, now: int) -> list[Kline]:
        count = self._cursor.bar + self._cursor.has_begun(now)
        last = min(count, self._table.opened_before(until + 1))
        if start is None:
            first = max(0, last - limit)
        else:
            first = self._table.opened_before(start)
            last = min(last, first + limit)
        rows = [self._cursor.bar_kline(place) for place in range(first, min(last, self._cursor.bar))]
        if last > self._cursor.bar:
            rows.append(self._running(interval))
        return rows

    def _forward(
        self, start: int, until: int, now: int, wanted: Interval, offset_ms: int
    ) -> Iterator[tuple[int, int]]:
        """Give opens and ends of the klines that there are, from `start` on."""
        begun = self._cursor.bar + self._cursor.has_begun(now)
        first, end = bounds(wanted, start, offset_ms)
        if first < start:
            first, end = bounds(wanted, end, offset_ms)
        while first <= until:
            place = self._table.ended_by(first)
            if place >= begun:
                return
            if self._table.open_time(place) >= end:
                first, end = bounds(wanted, self._table.open_time(place), offset_ms)
                continue
            yield first, end
            first, end = bounds(wanted, end, offset_ms)

    def _backward(self, until: int, now: int, wanted: Interval, offset_ms: int) -> Iterator[tuple[int, int]]:
        """Give opens and ends of the klines that there are, the newest first."""
        begun = self._cursor.bar + self._cursor.has_begun(now)
        first, end = bounds(wanted, until, offset_ms)
        while True:
            place = min(self._table.opened_before(end), begun) - 1
            if place < 0:
                return
            if self._table.end(place) <= first:
                first, end = bounds(wanted, self._table.end(place) - 1, offset_ms)
                continue
            yield first, end
            first, end = bounds(wanted, first - 1, offset_ms)

    # Single klines.

    def _is_over(self, end: int, now: int) -> bool:
        """Tell whether a bar can take nothing any more: its time is over, or a gap of the data is its rest."""
        cursor = self._cursor
        return end <= now or (cursor.bar < len(self._table) and self._table.open_time(cursor.bar) >= end)

    def _running(self, interval: str) -> Kline:
        """Give the bar of the data in progress; before its first print it stands at the last price."""
        cursor = self._cursor
        candle = cursor.candle or Candle.flat(cursor.last_price)
        place = cursor.bar
        return candle.kline(self._symbol, interval, self._table.open_time(place), self._table.end(place))

    def _at(self, interval: str, open_time: int, end: int, now: int) -> Kline | None:
        """Make the kline of a time, as far as it has happened; None where the data has no bar in it."""
        cursor, table = self._cursor, self._table
        first = table.ended_by(open_time)
        before = table.opened_before(end)
        last = min(before, cursor.bar)
        runs = cursor.bar < before and cursor.has_begun(now)
        if first >= last + runs:
            return None
        newest = last + runs - 1
        if table.open_time(first) >= open_time and table.end(newest) <= end:
            candle = self.joined(first, last)
            if runs and cursor.candle is not None:
                candle = cursor.candle if candle is None else candle.joined(cursor.candle)
        else:
            candle = self._of_prints(open_time, end, first, newest)
        if candle is None:
            candle = Candle.flat(self._price_before(open_time, first))
        return candle.kline(self._symbol, interval, open_time, end)

    def _of_prints(self, open_time: int, end: int, first: int, last: int) -> Candle | None:
        candle: Candle | None = None
        for place in range(first, last + 1):
            prints = self._cursor.happened(place)
            begin = bisect_left(prints, open_time, key=_TIME)
            for trade in prints[begin : bisect_left(prints, end, lo=begin, key=_TIME)]:
                if candle is None:
                    candle = Candle.of(trade)
                else:
                    candle.add(trade)
        return candle

    def _price_before(self, time: int, place: int) -> Decimal:
        """Give the price at which a kline without prints stands; `place` is the bar that `time` falls into."""
        prints = self._cursor.happened(place)
        count = bisect_left(prints, time, key=_TIME)
        if count:
            return prints[count - 1].price
        bars = self._table.bars
        return in_decimal(float(bars.close[place - 1] if place else bars.open[0]))

    def _join(self, first: int, last: int) -> Candle:
        bars, ids = self._table.bars, self._table.first_ids
        part = slice(first, last)

        def total(values: FloatArray) -> Decimal:
            return in_decimal(float(values[part].sum()))

        first_id, after_id = int(ids[first]), int(ids[last])
        return Candle(
            in_decimal(float(bars.open[first])),
            in_decimal(float(bars.high[part].max())),
            in_decimal(float(bars.low[part].min())),
            in_decimal(float(bars.close[last - 1])),
            total(bars.volume),
            total(bars.quote_volume),
            round(float(bars.trades[part].sum())),
            total(bars.taker_buy_volume),
            total(bars.taker_buy_quote_volume),
            first_id if first_id < after_id else -1,
            after_id - 1 if first_id < after_id else -1,
        )
