"""When a simulated order trades, at what price, and when its trigger is reached. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, minus, plus, ratio, times
from brokers.orders import TRIGGERED

if TYPE_CHECKING:
    from brokers.orders import Order

__all__ = ["Quote", "crossed_price", "needed", "oco_is_possible", "trigger_is_reached"]

_POINTS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Quote:
    """Best prices and the last trade's, quote asset, all > 0."""

    bid: Decimal
    ask: Decimal
    last: Decimal


def crossed_price(order: Order, quote: Quote) -> Decimal | None:
    """Give the price at which an order that has just come, or was set off, trades at once; None: it rests."""
    price = quote.ask if order.side == "BUY" else quote.bid
    if order.price is None:
        return price
    crosses = price <= order.price if order.side == "BUY" else price >= order.price
    return price if crosses else None


def trigger_is_reached(order: Order, last: Decimal, best: Decimal | None) -> bool:
    """
    Tell whether the last price sets an order off; one without trigger always is.

    `best` is the highest (SELL) or lowest (BUY) last price since the order came, for one that trails.
    """
    if order.type not in TRIGGERED:
        return True
    rises = order.type.startswith("STOP_LOSS") == (order.side == "BUY")
    level = order.stop_price
    if order.trailing_delta is not None and best is not None:
        share = ratio(times(best, Decimal(order.trailing_delta)), _POINTS)
        level = plus(best, share) if rises else minus(best, share)
    if level is None:
        return False
    return last >= level if rises else last <= level


def oco_is_possible(above: Order, below: Order, last: Decimal) -> bool:
    """Tell whether the prices of an OCO list lie around the last price, as the exchange demands."""
    high = above.stop_price or above.price
    low = below.stop_price or below.price
    return (high is None or high > last) and (low is None or low < last)


def needed(order: Order, quote: Quote, filled: Decimal = ZERO) -> Decimal:
    """Give what an order locks: base asset for a SELL, quote asset for a BUY."""
    if order.quote_quantity is not None:
        return order.quote_quantity
    rest = minus(order.quantity or ZERO, filled)
    if order.side == "SELL":
        return rest
    return times(rest, order.price or order.stop_price or quote.ask)
