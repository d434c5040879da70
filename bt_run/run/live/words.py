"""What happens to orders, as sentences for a person. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brokers.order_events import Accepted, Canceled, Expired, NeverArrived, Rejected, TimedOut

if TYPE_CHECKING:
    from decimal import Decimal

    from brokers.order_events import Event, Filled
    from brokers.orders import Order

__all__ = ["amount", "fill_words", "order_words", "wish_words"]


def amount(value: Decimal | float | None) -> str:
    """Write a price or quantity without needless digits."""
    if value is None:
        return "?"
    text = f"{value:,.8f}"
    return text.rstrip("0").rstrip(".")


def order_words(order: Order, event: Event) -> str:
    """Say what became of an order; empty for what is no news (market orders are told by their trades)."""
    match event:
        case Accepted() if order.type != "MARKET" and not order.fills:
            words = "is placed"
        case Rejected():
            words = f"was rejected: {event.reason.rstrip('.')}"
        case Canceled():
            words = "is cancelled"
        case Expired():
            words = f"expired: {event.reason.rstrip('.')}"
        case TimedOut():
            words = f"got no answer ({event.reason.rstrip('.')}); it is asked for"
        case NeverArrived():
            words = "never arrived"
        case _:
            return ""
    return f"{order.symbol}: {wish_words(order)} {words}"


def fill_words(order: Order, fill: Filled, quote_asset: str, fee: Decimal) -> str:
    """Say that an order traded; `fee` is in quote asset, 0 where what it was paid in has no known price."""
    did = "bought" if order.side == "BUY" else "sold"
    why = f" ({order.purpose.replace('_', '-')})" if order.purpose in ("stop_loss", "take_profit") else ""
    paid, asset = (fee, quote_asset) if fee else (fill.fee, fill.fee_asset)
    cost = f", fee {amount(paid)} {asset}" if paid else ""
    return f"{order.symbol}: {did} {amount(fill.quantity)} at {amount(fill.price)}{why}{cost}"


def wish_words(order: Order) -> str:
    """Say what an order wants: ``sell stop-loss 0.07834 at 54,696.21``."""
    kind = order.purpose if order.purpose in ("stop_loss", "take_profit") else order.type
    parts = [order.side.lower(), kind.lower().replace("_", "-")]
    quantity = order.quantity if order.quantity is not None else order.quote_quantity
    parts.append(amount(quantity))
    if order.trailing_delta is not None:
        parts.append(f"trailing {order.trailing_delta / 100:g}%")
    elif order.stop_price is not None:
        parts.append(f"at {amount(order.stop_price)}")
    elif order.price is not None:
        parts.append(f"at {amount(order.price)}")
    return " ".join(parts)
