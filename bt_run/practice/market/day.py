"""The last 24 hours of a market, as Binance's tickers tell them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.practice.market.candle import Candle
from bt_run.practice.market.units import UNIT, in_decimal

if TYPE_CHECKING:
    from decimal import Decimal

    from bt_run.practice.market.candles import Candles
    from bt_run.practice.market.cursor import Cursor

__all__ = ["DAY_MS", "DayTicker", "day_ticker"]

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class DayTicker:
    """
    Prices in quote asset, `volume` in base asset, times in ms; ids are -1 where nothing was traded.

    `average` is the volume-weighted price, and the last price where nothing was traded. `previous_close` is the
    price before the 24 hours.
    """

    symbol: str
    open_time: int
    close_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    last: Decimal
    last_quantity: Decimal
    previous_close: Decimal
    average: Decimal
    volume: Decimal
    quote_volume: Decimal
    first_id: int
    last_id: int
    trades: int

    @property
    def change(self) -> Decimal:
        """Give last minus open."""
        return self.last - self.open

    @property
    def change_percent(self) -> Decimal:
        """Give the change in percent of the open."""
        return self.change * 100 / self.open


def day_ticker(candles: Candles, cursor: Cursor, symbol: str, now: int) -> DayTicker:
    """Sum up the bars that opened in the last 24 hours, with the one in progress."""
    first = min(cursor.table.opened_before(now - DAY_MS), cursor.bar)
    day = candles.joined(first, cursor.bar)
    if cursor.candle is not None:
        day = cursor.candle if day is None else day.joined(cursor.candle)
    quantity = cursor.last_print.quantity if cursor.last_print is not None else UNIT * 0
    bars = cursor.table.bars
    previous = in_decimal(float(bars.close[first - 1] if first else bars.open[0]))
    total = day or Candle.flat(cursor.last_price)
    return DayTicker(
        symbol=symbol,
        open_time=now - DAY_MS,
        close_time=now,
        open=total.open,
        high=total.high,
        low=total.low,
        last=cursor.last_price,
        last_quantity=quantity,
        previous_close=previous,
        average=(total.quote / total.volume).quantize(UNIT) if total.volume else cursor.last_price,
        volume=total.volume,
        quote_volume=total.quote.quantize(UNIT),
        first_id=total.first_id,
        last_id=total.last_id,
        trades=total.trades,
    )
