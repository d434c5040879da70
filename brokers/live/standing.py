"""What the open orders of a symbol mean for the next one: what they lock, reserve, and leave in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brokers.amounts import ZERO, minus, plus, times, total_of
from brokers.orders import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

    from brokers.orders import Order

__all__ = ["doubt_about", "locked_by", "price_of", "reserved_by", "rest_of", "waits_for_another"]


def rest_of(order: Order) -> Decimal:
    """Give what can still execute, base asset; trades that were told but not heard are taken off."""
    return max(ZERO, minus(minus(order.whole or ZERO, order.executed), order.missing))


def waits_for_another(order: Order, orders: Iterable[Order]) -> bool:
    """Whether it waits for the order before it in a list (OTO, OTOCO), and so locks nothing yet."""
    return bool(order.list_client_id) and any(
        other.list_client_id == order.list_client_id and other.side != order.side and not other.is_terminal
        for other in orders
    )


def locked_by(orders: Iterable[Order]) -> Decimal:
    """Give how much base asset the open SELL orders hold; the two of an OCO list hold it once."""
    return _once_a_list(list(orders), "SELL", rest_of)


def reserved_by(orders: Iterable[Order], last_price: Decimal | None) -> Decimal:
    """Give how much quote asset the open BUY orders need, before fees."""

    def need(order: Order) -> Decimal:
        if order.quote_quantity is not None:
            return max(ZERO, minus(order.quote_quantity, order.executed_quote))
        return times(rest_of(order), price_of(order, last_price) or ZERO)

    return _once_a_list(list(orders), "BUY", need)


def price_of(order: Order, last_price: Decimal | None) -> Decimal | None:
    """Give the price to reckon with: the limit, else the trigger, else the last price."""
    return order.price or order.stop_price or last_price


def doubt_about(orders: Iterable[Order]) -> str:
    """Say which order's fate is not known; empty where all are known."""
    for order in orders:
        if order.state in (State.UNKNOWN, State.SENT):
            return (
                f"It is not known whether order {order.client_id} ({order.side} {order.type}) was executed; "
                f"nothing new is sent for {order.symbol} until the exchange has answered"
            )
    return ""


def _once_a_list(orders: list[Order], side: str, amount: Callable[[Order], Decimal]) -> Decimal:
    singles: list[Decimal] = []
    lists: dict[str, Decimal] = {}
    for order in orders:
        if order.side != side or order.is_terminal or waits_for_another(order, orders):
            continue
        value = amount(order)
        if order.list_client_id:
            lists[order.list_client_id] = max(lists.get(order.list_client_id, ZERO), value)
        else:
            singles.append(value)
    return plus(total_of(singles), total_of(lists.values()))
