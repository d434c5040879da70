"""Where a replayed market stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.practice.events import BarClosed, Printed
from bt_run.practice.market.candle import Candle
from bt_run.practice.market.units import in_decimal

if TYPE_CHECKING:
    from decimal import Decimal

    from bt_run.practice.events import Kline, Print
    from bt_run.practice.market.tape import Tape

__all__ = ["Cursor"]


class Cursor:
    """
    The place on a tape: `bar` is the bar in progress or the next one, `done` how many of its prints happened.

    `candle` is that bar so far, None before its first print. `now` is the ms of what happened last, at the
    beginning the open of the first bar to come. `last_price` is the price of `last_print`, but after a bar
    without prints that bar's close, and before any print the first open.
    """

    def __init__(self, tape: Tape, symbol: str, place: int) -> None:
        self._tape = tape
        self._symbol = symbol
        self.table = tape.table
        self.bar = place
        self.done = 0
        self.candle: Candle | None = None
        self.prints: tuple[Print, ...] = ()
        self.now = self.table.open_time(place) if place < len(self.table) else self.table.end(place - 1)
        self.last_print: Print | None = self._print_before(place)
        bars = self.table.bars
        self.last_price: Decimal = in_decimal(float(bars.close[place - 1] if place else bars.open[0]))
        self._enter()

    def next_time(self) -> int | None:
        """Give the ms of the next print or bar close; None at the end."""
        if self.bar >= len(self.table):
            return None
        return self.prints[self.done].time if self.done < len(self.prints) else self.table.end(self.bar)

    @property
    def closes_next(self) -> bool:
        """Tell whether the close of a bar comes next."""
        return self.bar < len(self.table) and self.done >= len(self.prints)

    def has_begun(self, now: int) -> bool:
        """Tell whether there is a bar in progress at a time."""
        return self.bar < len(self.table) and self.table.open_time(self.bar) <= now

    def step(self) -> Printed | BarClosed:
        """Let the next print or bar close happen. Raises IndexError at the end."""
        if self.done < len(self.prints):
            return self._print(self.prints[self.done])
        if self.bar >= len(self.table):
            raise IndexError("The data of the market has ended.")
        kline = self.bar_kline(self.bar)
        self.now = kline.close_time + 1
        self.last_price = kline.close
        self.bar += 1
        self._enter()
        return BarClosed(kline)

    def retake(self, tape: Tape, *, back: int = 0) -> None:
        """
        Go on with another tape, which is the same up to the bar in progress.

        Before the first step it may also be one that lacks `back` bars of the history.
        """
        self._tape, self.table = tape, tape.table
        if back:
            self.bar -= back
            self.last_print = self._print_before(self.bar)
            self._enter()

    def bar_candle(self, place: int) -> Candle:
        """Give a bar of the data, finished, as the data tells it."""
        bars, first, count = self.table.bars, self.table.first_id(place), self.table.count(place)
        return Candle(
            in_decimal(float(bars.open[place])),
            in_decimal(float(bars.high[place])),
            in_decimal(float(bars.low[place])),
            in_decimal(float(bars.close[place])),
            in_decimal(float(bars.volume[place])),
            in_decimal(float(bars.quote_volume[place])),
            round(float(bars.trades[place])),
            in_decimal(float(bars.taker_buy_volume[place])),
            in_decimal(float(bars.taker_buy_quote_volume[place])),
            first if count else -1,
            first + count - 1 if count else -1,
        )

    def bar_kline(self, place: int) -> Kline:
        """Give a bar of the data, finished, as Binance tells it."""
        table = self.table
        return self.bar_candle(place).kline(
            self._symbol, str(table.interval), table.open_time(place), table.end(place)
        )

    def happened(self, place: int) -> tuple[Print, ...]:
        """Give the prints of a bar that have happened."""
        if place < self.bar:
            return self._tape.prints(place)
        return self.prints[: self.done] if place == self.bar else ()

    def _print(self, trade: Print) -> Printed:
        if self.candle is None:
            self.candle = Candle.of(trade)
        else:
            self.candle.add(trade)
        self.done += 1
        self.now, self.last_price, self.last_print = trade.time, trade.price, trade
        return Printed(trade)

    def _enter(self) -> None:
        self.done = 0
        self.candle = None
        self.prints = self._tape.prints(self.bar) if self.bar < len(self.table) else ()

    def _print_before(self, place: int) -> Print | None:
        # The last bar that has prints ends where the ids reach their present number.
        owner = int(self.table.first_ids.searchsorted(self.table.first_ids[place], side="left")) - 1
        return self._tape.prints(owner)[-1] if owner >= 0 else None
