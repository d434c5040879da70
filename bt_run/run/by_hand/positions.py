"""What was bought by hand and is not sold yet, at which price. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, minus, plus, ratio, times

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from brokers.orders import Order

__all__ = ["Position", "position_of"]


@dataclass(frozen=True, slots=True)
class Position:
    """
    The orders by hand of one symbol, together.

    `quantity` is what was bought less what was sold, base asset; below 0 where more was sold, which was there
    before. `average` is what a unit of it cost, quote asset, None where nothing is left. Fees in the base asset
    are taken off the quantity; other fees are not counted.
    """

    symbol: str
    base_asset: str
    quote_asset: str
    quantity: Decimal
    average: Decimal | None

    def worth(self, price: Decimal) -> Decimal:
        """Give what it is worth at this price, quote asset."""
        return times(self.quantity, price)

    def profit(self, price: Decimal) -> Decimal | None:
        """Give what a sale at this price would bring beyond the cost, without fees; None without a cost."""
        return None if self.average is None else times(self.quantity, minus(price, self.average))


def position_of(symbol: str, base_asset: str, quote_asset: str, orders: Iterable[Order]) -> Position:
    """Add up the trades of a symbol's orders in the order of their times; the average cost method."""
    trades = sorted(
        ((fill.time_ms, fill.trade_id, order.side, fill) for order in orders for fill in order.fills),
        key=lambda trade: trade[:2],
    )
    quantity, cost = ZERO, ZERO
    for _, _, side, fill in trades:
        fee = fill.fee if fill.fee_asset == base_asset else ZERO
        if side == "BUY":
            got = minus(fill.quantity, fee)
            if quantity >= 0:
                cost = plus(cost, times(fill.quantity, fill.price))
            elif quantity + got > 0:
                cost = times(plus(quantity, got), fill.price)
            quantity = plus(quantity, got)
        else:
            sold = plus(fill.quantity, fee)
            left = minus(quantity, sold)
            cost = ratio(times(cost, left), quantity) if quantity > 0 and left > 0 else ZERO
            quantity = left
    average = ratio(cost, quantity) if quantity > 0 else None
    return Position(symbol, base_asset, quote_asset, quantity, average)
