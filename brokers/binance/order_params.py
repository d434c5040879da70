"""
From an order to the parameters of its request. Pure.

Amounts are text without exponents; nothing is rounded here. Source: rest-api.md, sections "New order",
"New order list - OCO", "- OTO", "- OTOCO" (read 2026-07-21).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from brokers.amounts import text_of
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from brokers.orders import Order

__all__ = ["ListKind", "list_params", "order_params"]

ListKind = Literal["OCO", "OTO", "OTOCO"]

_TIMED: frozenset[str] = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
_LEGS: dict[ListKind, tuple[str, ...]] = {
    "OCO": ("above", "below"),
    "OTO": ("working", "pending"),
    "OTOCO": ("working", "pendingAbove", "pendingBelow"),
}
_ALONE = frozenset({"working", "pending"})


def order_params(order: Order) -> dict[str, str]:
    """
    Give the parameters of POST /api/v3/order. The answer is asked for in full, so that trades come with it.

    Raises ConfigError for an order without a quantity, which only a list can hold.
    """
    if order.quantity is None and order.quote_quantity is None:
        raise ConfigError(f"Order {order.client_id} has no quantity, so it cannot be placed alone.")
    params = {
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "newClientOrderId": order.client_id,
        "newOrderRespType": "FULL",
    }
    if order.quantity is not None:
        params["quantity"] = text_of(order.quantity)
    if order.quote_quantity is not None:
        params["quoteOrderQty"] = text_of(order.quote_quantity)
    return params | dict(_terms(order))


def list_params(kind: ListKind, orders: Sequence[Order]) -> dict[str, str]:
    """
    Give the parameters of POST /api/v3/orderList/..., for orders in the order that `Gateway.place_list` says.

    Raises ConfigError where they do not make such a list.
    """
    legs = _LEGS[kind]
    _check(kind, orders)
    params = {"symbol": orders[0].symbol, "newOrderRespType": "FULL"}
    if orders[0].list_client_id:
        params["listClientOrderId"] = orders[0].list_client_id
    if kind == "OCO":
        params |= {"side": orders[0].side, "quantity": _quantity(orders[0])}
    if kind == "OTOCO":
        params |= {"pendingSide": orders[1].side, "pendingQuantity": _quantity(orders[1])}
    for leg, order in zip(legs, orders, strict=True):
        if leg in _ALONE:
            params |= {f"{leg}Side": order.side, f"{leg}Quantity": _quantity(order)}
        params |= {f"{leg}Type": order.type, f"{leg}ClientOrderId": order.client_id}
        params |= {leg + name[0].upper() + name[1:]: value for name, value in _terms(order)}
    return params


def _terms(order: Order) -> Iterable[tuple[str, str]]:
    """Give the prices and the time in force that the type has."""
    if order.price is not None:
        yield "price", text_of(order.price)
    if order.stop_price is not None:
        yield "stopPrice", text_of(order.stop_price)
    if order.trailing_delta is not None:
        yield "trailingDelta", str(order.trailing_delta)
    if order.type in _TIMED:
        yield "timeInForce", order.time_in_force or "GTC"


def _quantity(order: Order) -> str:
    if order.quantity is None:
        raise ConfigError(f"Order {order.client_id} needs a quantity of its base asset to be in an order list.")
    return text_of(order.quantity)


def _check(kind: ListKind, orders: Sequence[Order]) -> None:
    names = ", ".join(order.client_id for order in orders)
    if len(orders) != len(_LEGS[kind]):
        raise ConfigError(f"An {kind} list has {len(_LEGS[kind])} orders, not {len(orders)} ({names}).")
    if len({(order.symbol, order.list_client_id) for order in orders}) > 1:
        raise ConfigError(f"The orders of a list ({names}) must have one symbol and one list id.")
    pair = orders[-2:] if kind != "OTO" else ()
    if len({(order.side, order.quantity) for order in pair}) > 1:
        raise ConfigError(f"Two orders that cancel each other ({names}) must have one side and one quantity.")
