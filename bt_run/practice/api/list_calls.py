"""Methods about order lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_run.practice.api import order_payloads as tell
from bt_run.practice.api.cancel_ids import heard
from bt_run.practice.api.intake import read_response_type
from bt_run.practice.api.intake_lists import (
    OCO_NAMES,
    OLD_OCO_NAMES,
    OTO_NAMES,
    OTOCO_NAMES,
    read_oco,
    read_old_oco,
    read_oto,
    read_otoco,
)
from bt_run.practice.api.methods import Method, flat
from bt_run.practice.api.parameters import one_of_two
from bt_run.practice.api.time_range import TIME_NAMES, bad_combination, read_day
from bt_run.practice.orders import Order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bt_run.practice.api.client_ids import ClientIds
    from bt_run.practice.api.gateway import Gateway
    from bt_run.practice.api.methods import Security
    from bt_run.practice.api.parameters import Parameters
    from bt_run.practice.orders import ListTicket, OrderList
    from bt_run.practice.rules import SymbolRules

    Reader = Callable[[Parameters, SymbolRules, ClientIds], ListTicket]

__all__ = ["METHODS", "told_cancelled"]


def told_cancelled(gateway: Gateway, done: Order | OrderList, cancel_ids: Mapping[int, str]) -> Any:
    """Tell what was cancelled: an order, or the whole list that it belonged to."""
    if isinstance(done, Order):
        return tell.cancelled(done, cancel_ids.get(done.order_id, done.client_order_id))
    return tell.cancelled_list(done, gateway.exchange.trading.list_orders(done), cancel_ids)


def _place(read: Reader) -> Callable[[Gateway, Parameters], Any]:
    def place(gateway: Gateway, params: Parameters) -> Any:
        rules = gateway.exchange.market(params.symbol() or "").rules
        ticket = read(params, rules, gateway.ids)
        kind = read_response_type(params)
        order_list = gateway.exchange.trading.place_list(ticket)
        return tell.placed_list(order_list, gateway.exchange.trading.placed_orders(order_list.list_id), kind)

    return place


def cancel_list(gateway: Gateway, params: Parameters) -> Any:
    """Cancel an order list."""
    symbol = gateway.exchange.market(params.symbol() or "").rules.symbol
    list_id, name = _which(params, "listClientOrderId")
    cancel_id = params.client_id("newClientOrderId") or gateway.ids.make()
    with heard(gateway.exchange) as reports:
        done = gateway.exchange.trading.cancel_list(
            symbol, list_id=list_id, client_list_id=name, new_client_order_id=cancel_id
        )
    return told_cancelled(gateway, done, reports.cancel_ids)


def query_list(gateway: Gateway, params: Parameters) -> Any:
    """Give one order list."""
    list_id, name = _which(params, "origClientOrderId")
    found = gateway.exchange.trading.order_list(list_id=list_id, client_list_id=name)
    return _told(gateway, found)


def open_lists(gateway: Gateway, params: Parameters) -> Any:
    """Give all open order lists."""
    return [_told(gateway, found) for found in gateway.exchange.trading.open_lists()]


def all_lists(gateway: Gateway, params: Parameters) -> Any:
    """Give a page of all order lists."""
    start, end = read_day(params)
    from_id = params.whole("fromId")
    if from_id is not None and (start is not None or end is not None):
        raise bad_combination()
    found = gateway.exchange.trading.all_lists(from_id=from_id, start=start, end=end, limit=params.limit())
    return [_told(gateway, order_list) for order_list in found]


def _told(gateway: Gateway, order_list: OrderList) -> Any:
    return tell.list_report(order_list, gateway.exchange.trading.list_orders(order_list))


def _which(params: Parameters, name: str) -> tuple[int | None, str | None]:
    found = params.whole("orderListId"), params.client_id(name)
    if found == (None, None):
        raise one_of_two(name, "orderListId")
    return found


def _new(
    name: str,
    path: str,
    read: Reader,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    *,
    orders: int = 2,
) -> Method:
    mandatory, optional = names
    return Method(
        name, "POST", path, _place(read), mandatory, optional, security="TRADE", free=True, orders=orders
    )


def _asked(name: str, path: str, handler: Any, optional: tuple[str, ...], weight: int) -> Method:
    security: Security = "USER_DATA"
    return Method(name, "GET", path, handler, (), optional, security=security, weight=flat(weight))


METHODS = (
    _new("orderList.place.oco", "/api/v3/orderList/oco", read_oco, OCO_NAMES),
    _new("orderList.place.oto", "/api/v3/orderList/oto", read_oto, OTO_NAMES),
    _new("orderList.place.otoco", "/api/v3/orderList/otoco", read_otoco, OTOCO_NAMES, orders=3),
    _new("orderList.place", "/api/v3/order/oco", read_old_oco, OLD_OCO_NAMES),
    Method(
        "orderList.cancel",
        "DELETE",
        "/api/v3/orderList",
        cancel_list,
        ("symbol",),
        ("orderListId", "listClientOrderId", "newClientOrderId"),
        security="TRADE",
        free=True,
    ),
    _asked("orderList.status", "/api/v3/orderList", query_list, ("orderListId", "origClientOrderId"), 4),
    _asked("openOrderLists.status", "/api/v3/openOrderList", open_lists, (), 6),
    _asked("allOrderLists", "/api/v3/allOrderList", all_lists, ("fromId", *TIME_NAMES, "limit"), 20),
)
