"""A bar while it grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.practice.events import Kline
from bt_run.practice.market.units import UNIT, ZERO

if TYPE_CHECKING:
    from decimal import Decimal

    from bt_run.practice.events import Print

__all__ = ["Candle"]


@dataclass(slots=True)
class Candle:
    """
    Prices and sums so far. `trades` counts as the source does, which may be more than there are prints.

    `first_id` and `last_id` are -1 without prints. Sums of quote asset keep all their decimals until `kline`.
    """

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote: Decimal = ZERO
    trades: int = 0
    bought: Decimal = ZERO
    bought_quote: Decimal = ZERO
    first_id: int = -1
    last_id: int = -1

    @classmethod
    def flat(cls, price: Decimal) -> Candle:
        """Begin a bar without trades."""
        return cls(price, price, price, price)

    @classmethod
    def of(cls, trade: Print) -> Candle:
        """Begin a bar with its first print."""
        candle = cls.flat(trade.price)
        candle.first_id = trade.trade_id
        candle.add(trade)
        return candle

    def add(self, trade: Print) -> None:
        """Take a print."""
        price, quantity = trade.price, trade.quantity
        self.close = price
        if price > self.high:  # max() would cost more than all the rest of this
            self.high = price
        elif price < self.low:
            self.low = price
        worth = price * quantity
        self.volume += quantity
        self.quote += worth
        self.trades += 1
        self.last_id = trade.trade_id
        if not trade.buyer_is_maker:
            self.bought += quantity
            self.bought_quote += worth

    def joined(self, after: Candle) -> Candle:
        """Give the bar of this one and the one that follows it."""
        return Candle(
            self.open,
            max(self.high, after.high),
            min(self.low, after.low),
            after.close,
            self.volume + after.volume,
            self.quote + after.quote,
            self.trades + after.trades,
            self.bought + after.bought,
            self.bought_quote + after.bought_quote,
            after.first_id if self.first_id < 0 else self.first_id,
            self.last_id if after.last_id < 0 else after.last_id,
        )

    def kline(self, symbol: str, interval: str, open_time: int, end: int) -> Kline:
        """Give it as Binance tells it; it lasts from `open_time` to before `end` (ms)."""
        return Kline(
            symbol,
            interval,
            open_time,
            end - 1,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.quote.quantize(UNIT),
            self.trades,
            self.bought,
            self.bought_quote.quantize(UNIT),
            self.first_id,
            self.last_id,
        )
