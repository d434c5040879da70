"""A market that replays recorded data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bt_run.core.errors import ConfigError
from bt_run.practice.market.average import AveragePrice
from bt_run.practice.market.candles import Candles
from bt_run.practice.market.cursor import Cursor
from bt_run.practice.market.day import day_ticker
from bt_run.practice.market.print_log import PrintLog
from bt_run.practice.market.synthetic_book import ladder, shown_best, taker_best
from bt_run.practice.market.tape import BarTape, RecordedTape
from bt_run.practice.market.units import UNIT, ZERO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars
    from bt_run.practice.events import BarClosed, Kline, Print, Printed
    from bt_run.practice.market.day import DayTicker
    from bt_run.practice.market.synthetic_book import Level
    from bt_run.practice.market.tape import Tape
    from bt_run.practice.rules import SymbolRules
    from feeds.recording.trade_bars import TradeTape

__all__ = ["Market"]


class Market:
    """
    One symbol's data, up to a moment as history and from there on as a market that trades.

    It moves only by `step`. All times are ms since 1970 UTC. Where a method takes `now`, it is the exchange's
    clock, which may be ahead of `Market.now` but not past `next_time`. A gap in the data is maintenance:
    nothing happens in it, and no kline covers it.

    Args:
        tape: What it prints.
        rules: The symbol's.
        at: Index of the first bar still to come, 0 to the number of bars (then the data has ended); those
            before it are history. None: all are to come.
        spread_ticks: Between the best bid and the best ask that takers meet, >= 0.
    """

    def __init__(self, tape: Tape, rules: SymbolRules, *, at: int | None = None, spread_ticks: int = 0) -> None:
        count = len(tape.table)
        if at is not None and not 0 <= at <= count:
            raise ConfigError(f"The market of {rules.symbol} cannot begin at bar {at} of {count}.")
        if spread_ticks < 0:
            raise ConfigError(f"The spread is {spread_ticks} ticks; it cannot be below 0.")
        self.rules = rules
        self.symbol = rules.symbol
        self.interval = tape.table.interval
        self.spread_ticks = spread_ticks
        self.gaps: tuple[tuple[int, int], ...] = ()
        self._tape = tape
        self._cursor = Cursor(tape, rules.symbol, at or 0)
        self._candles = Candles(self._cursor, rules.symbol)
        self._log = PrintLog(self._cursor)
        self._averages: dict[int, AveragePrice] = {}

    @classmethod
    def from_bars(
        cls,
        bars: Bars,
        interval: Interval,
        rules: SymbolRules,
        *,
        prints_per_bar: int = 8,
        seed: int = 7,
        at: int | None = None,
        spread_ticks: int = 0,
    ) -> Market:
        """
        Replay bars, each as at most `prints_per_bar` prints (>= 1; up to four where its corners need them).

        The prints are drawn (`bt_run.practice.market.path`) and are the same for the same bar and `seed`.
        Volumes that the source does not tell are made up.

        Raises:
            DataError: no bar, or an impossible one.
            ConfigError: `at`, `prints_per_bar` or `spread_ticks` out of range.
        """
        if prints_per_bar < 1:
            raise ConfigError(f"A bar cannot have {prints_per_bar} prints; give 1 or more.")
        tape = BarTape(bars, interval, rules, prints_per_bar=prints_per_bar, seed=seed)
        return cls(tape, rules, at=at, spread_ticks=spread_ticks)

    @classmethod
    def from_trades(
        cls,
        trades: TradeTape,
        interval: Interval,
        rules: SymbolRules,
        *,
        at: int | None = None,
        spread_ticks: int = 0,
    ) -> Market:
        """
        Replay recorded trades or aggregate trades; their bars of `interval` are what closes.

        Raises:
            DataError: no trade.
            ConfigError: `at` or `spread_ticks` out of range.
        """
        return cls(RecordedTape(trades, interval, rules), rules, at=at, spread_ticks=spread_ticks)

    # The clock.

    @property
    def now(self) -> int:
        """Give the time of what happened last; at the beginning, the open of the first bar to come."""
        return self._cursor.now

    @property
    def closes_next(self) -> bool:
        """Tell whether the close of a bar comes next, not a print."""
        return self._cursor.closes_next

    def next_time(self) -> int | None:
        """Give when the next print or bar close is due; None at the end of the data."""
        return self._cursor.next_time()

    def step(self) -> Printed | BarClosed:
        """
        Let the next thing happen.

        A bar closes one ms after its last, before the first print of the bar that opens then.

        Raises:
            IndexError: the data has ended.
        """
        return self._cursor.step()

    @property
    def running_end(self) -> int:
        """Give the first ms after the bar in progress, or after the next one; after the data the last end."""
        table = self._cursor.table
        return table.end(min(self._cursor.bar, len(table) - 1))

    @property
    def place(self) -> tuple[int | None, int]:
        """Give the open time of the bar in progress or the next one (None: no more), and its prints so far."""
        cursor = self._cursor
        return (cursor.table.open_time(cursor.bar) if cursor.bar < len(cursor.table) else None), cursor.done

    def skip(self, start: int, end: int) -> int:
        """
        Lose the bars that open from `start` to before `end` (ms): a gap, as maintenance leaves it.

        The bar in progress and those before it stay; but before the first step a gap may lie in the history.
        `gaps` are the gaps made so. Gives how many bars went.
        """
        table, bar = self._cursor.table, self._cursor.bar
        first, last = table.opened_before(start), table.opened_before(end)
        is_past = last <= bar and not self._cursor.done
        if not is_past:
            first = max(first, bar + 1)
            last = max(first, last)
        self.gaps = (*self.gaps, (start, end))
        if last == first:
            return 0
        self._tape = self._tape.without(first, last)
        self._cursor.retake(self._tape, back=last - first if is_past else 0)
        self._candles = Candles(self._cursor, self.symbol)
        self._log = PrintLog(self._cursor)
        self._averages.clear()
        return last - first

    # Prices.

    @property
    def last_price(self) -> Decimal:
        """Give the price of the last print; before any, the first open."""
        return self._cursor.last_price

    @property
    def last_print(self) -> Print | None:
        """Give the last print; None before any."""
        return self._cursor.last_print

    @property
    def update_id(self) -> int:
        """Give a number that rises with everything that changes the book."""
        return self._log.next_id + self._cursor.bar

    def quote(self, now: int) -> tuple[Decimal, Decimal]:
        """
        Give the price at which the market would trade, and how much: those of the last print.

        Before the first print of a bar it is that print's, so that an order that comes while the clock is held
        at the close of a bar gets the open of the next one. In a bar without volume, its open. Later prints are
        never looked at: a taker would get a price that the market has not reached yet.
        """
        cursor = self._cursor
        if cursor.has_begun(now):
            if not cursor.prints:
                return cursor.bar_candle(cursor.bar).open, self._last_quantity()
            if not cursor.done:
                return cursor.prints[0].price, cursor.prints[0].quantity
        return cursor.last_price, self._last_quantity()

    def levels(self, side: Literal["BUY", "SELL"], now: int) -> Iterator[Level]:
        """
        Give what a taker on `side` meets: price and quantity, best first, at most 20 levels.

        Without a spread the best price is the quote's on both sides.
        """
        price, quantity = self.quote(now)
        tick = self.rules.tick_size or UNIT
        best = taker_best(side, price, tick=tick, spread_ticks=self.spread_ticks)
        return ladder(side, best, quantity, tick=tick)

    def book(self, limit: int = 20, now: int | None = None) -> tuple[list[Level], list[Level]]:
        """Give bids and asks as they are shown (`synthetic_book.shown_best`), best first."""
        price, quantity = self.quote(self.now if now is None else now)
        tick = self.rules.tick_size or UNIT
        bid, ask = shown_best(price, tick=tick, spread_ticks=self.spread_ticks)
        bids = list(ladder("SELL", bid, quantity, tick=tick))[:limit]
        return bids, list(ladder("BUY", ask, quantity, tick=tick))[:limit]

    # Klines.

    def klines(
        self,
        interval: str,
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
        now: int,
        offset_ms: int = 0,
    ) -> list[Kline]:
        """
        Give klines as GET /api/v3/klines does, oldest first.

        With `start` the oldest from there, else the most recent up to `end` or now; both bounds are inclusive
        and mean open times. The last row is the bar in progress where the range reaches it. `offset_ms` is
        how far the time zone of the bars is ahead of UTC.

        Raises:
            Refusal: -1120, no such interval.
        """
        return self._candles.page(interval, start=start, end=end, limit=limit, now=now, offset_ms=offset_ms)

    def forming(self, interval: str, now: int, *, offset_ms: int = 0) -> Kline | None:
        """
        Give the bar in progress; before its first print it stands at the last price with no volume.

        None during a gap of the data and after its end. Raises Refusal -1120: no such interval.
        """
        return self._candles.forming(interval, now=now, offset_ms=offset_ms)

    def closed_kline(
        self, interval: str, open_time: int, *, now: int | None = None, offset_ms: int = 0
    ) -> Kline | None:
        """
        Give the finished bar that opened at a time; None where there is none or it is not finished.

        A bar of the data's own interval is the bar given. Raises Refusal -1120: no such interval.
        """
        return self._candles.closed(
            interval, open_time, now=self.now if now is None else now, offset_ms=offset_ms
        )

    def closed_with(self, kline: Kline, interval: str, *, offset_ms: int = 0) -> Kline | None:
        """
        Give the bar of `interval` that closed with `kline`, the bar of a BarClosed; None where it goes on.

        For a longer interval it is the bar that `kline` completes. Where the data has a gap from here to that
        bar's end it closes now, because nothing will happen before its end that could tell. For a shorter
        interval it is the last of the bars inside `kline`.
        """
        return self._candles.closed_with(kline, interval, offset_ms=offset_ms)

    # Trades.

    def trades(self, limit: int = 500, *, from_id: int | None = None) -> list[Print]:
        """Give the last prints, or those from an id on, oldest first."""
        first = self._log.next_id - limit if from_id is None else max(from_id, self._log.first_id)
        return self._log.between(first, first + limit)

    def agg_trades(
        self,
        from_id: int | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
    ) -> list[Print]:
        """
        Give aggregate trades, oldest first; each print is one, and its id that of the aggregate.

        From an id on, or from the time `start` on up to `end` (both inclusive), else the most recent (up to
        `end`).
        """
        if from_id is not None:
            return self.trades(limit, from_id=from_id)
        last = self._log.next_id if end is None else self._log.id_at(end + 1)
        first = last - limit if start is None else self._log.id_at(start)
        return self._log.between(first, min(last, first + limit))

    def average_price(self, minutes: int, now: int) -> Decimal:
        """Give the volume-weighted price of the last minutes; the last price where nothing was traded."""
        if minutes <= 0:
            return self.last_price
        kept = self._averages.get(minutes)
        if kept is None:
            kept = self._averages[minutes] = AveragePrice(self._log, minutes)
        found = kept.at(now)
        return self.last_price if found is None else found

    def day(self, now: int) -> DayTicker:
        """Give the numbers of the last 24 hours."""
        return day_ticker(self._candles, self._cursor, self.symbol, now)

    def _last_quantity(self) -> Decimal:
        return self.last_print.quantity if self.last_print is not None else ZERO
