"""Methods about single orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from bt_run.practice.api import order_payloads as tell
from bt_run.practice.api.account_payloads import order_commission
from bt_run.practice.api.cancel_ids import heard
from bt_run.practice.api.intake import ORDER_FIELDS, read_response_type, read_ticket
from bt_run.practice.api.list_calls import told_cancelled
from bt_run.practice.api.methods import Method, flat
from bt_run.practice.api.parameters import one_of_two
from bt_run.practice.api.time_range import TIME_NAMES, read_day
from bt_run.practice.refusal import Refusal
from bt_run.practice.trading.answers import CancelReplaceRefused
from bt_run.practice.trading.cancels import Mode, Restrictions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bt_run.practice.api.gateway import Gateway
    from bt_run.practice.api.intake import ResponseType
    from bt_run.practice.api.parameters import Parameters
    from bt_run.practice.orders import Order, OrderList, Ticket
    from bt_run.practice.trading.answers import CancelReplaced

__all__ = ["METHODS"]


def place(gateway: Gateway, params: Parameters) -> Any:
    """Place an order."""
    ticket = _ticket(gateway, params)
    kind = read_response_type(params, ticket.type)
    return tell.placed(gateway.exchange.trading.place(ticket), kind)


def test(gateway: Gateway, params: Parameters) -> Any:
    """Judge an order without placing it."""
    ticket = _ticket(gateway, params)
    read_response_type(params, ticket.type)
    told = params.truth("computeCommissionRates")
    gateway.exchange.trading.test(ticket)
    return order_commission(gateway.exchange.trading.fees(ticket.symbol)) if told else {}


def query(gateway: Gateway, params: Parameters) -> Any:
    """Give one order."""
    symbol = _symbol(gateway, params)
    order_id, client_id = _which(params, "orderId", "origClientOrderId")
    return tell.queried(gateway.exchange.trading.order(symbol, order_id=order_id, client_order_id=client_id))


def cancel(gateway: Gateway, params: Parameters) -> Any:
    """Cancel an order, and the list that it belongs to."""
    symbol = _symbol(gateway, params)
    order_id, client_id = _which(params, "orderId", "origClientOrderId")
    cancel_id = params.client_id("newClientOrderId") or gateway.ids.make()
    with heard(gateway.exchange) as reports:
        done = gateway.exchange.trading.cancel(
            symbol,
            order_id=order_id,
            client_order_id=client_id,
            new_client_order_id=cancel_id,
            restrictions=_restrictions(params),
        )
    return told_cancelled(gateway, done, reports.cancel_ids)


def cancel_all(gateway: Gateway, params: Parameters) -> Any:
    """Cancel all open orders and lists of a symbol."""
    symbol = _symbol(gateway, params)
    with heard(gateway.exchange) as reports:
        done = gateway.exchange.trading.cancel_all(symbol)
    return [told_cancelled(gateway, part, reports.cancel_ids) for part in done]


def open_orders(gateway: Gateway, params: Parameters) -> Any:
    """Give all open orders, of one symbol or of all."""
    symbol = _symbol(gateway, params) if "symbol" in params else None
    return [tell.queried(order) for order in gateway.exchange.trading.open_orders(symbol)]


def all_orders(gateway: Gateway, params: Parameters) -> Any:
    """Give a page of all orders of a symbol."""
    symbol = _symbol(gateway, params)
    start, end = read_day(params)
    found = gateway.exchange.trading.all_orders(
        symbol, order_id=params.whole("orderId"), start=start, end=end, limit=params.limit()
    )
    return [tell.queried(order) for order in found]


def amend(gateway: Gateway, params: Parameters) -> Any:
    """Make an order smaller; it keeps its place in the queue."""
    symbol = _symbol(gateway, params)
    order_id, client_id = _which(params, "orderId", "origClientOrderId")
    rules = gateway.exchange.market(symbol).rules
    quantity = params.number("newQty", rules.precision)
    if not quantity:
        raise Refusal(-1013, "Invalid newQty.")
    done = gateway.exchange.trading.amend(
        symbol,
        order_id=order_id,
        client_order_id=client_id,
        new_quantity=quantity,
        new_client_order_id=params.client_id("newClientOrderId") or gateway.ids.make(),
    )
    told = tell.amendment(
        done.order,
        execution_id=done.amendment.execution_id,
        former_client_id=done.amendment.former_client_order_id,
    )
    if done.order_list is not None:
        told["listStatus"] = tell.amended_list(done.order_list, done.orders)
    return told


def amendments(gateway: Gateway, params: Parameters) -> Any:
    """Give a page of an order's amendments."""
    symbol = _symbol(gateway, params)
    found = gateway.exchange.trading.amendments(
        symbol,
        params.whole("orderId") or 0,
        from_execution_id=params.whole("fromExecutionId"),
        limit=params.limit(),
    )
    return [tell.past_amendment(past) for past in found]


def cancel_replace(gateway: Gateway, params: Parameters) -> Any:
    """Cancel an order and place another; not in one piece: either half may fail alone."""
    trading = gateway.exchange.trading
    ticket = _ticket(gateway, params)
    kind = read_response_type(params, ticket.type)
    modes: tuple[Mode, ...] = get_args(Mode)
    mode = cast("Mode", params.choice("cancelReplaceMode", modes))
    over = params.choice("orderRateLimitExceededMode", ("DO_NOTHING", "CANCEL_ONLY"))
    order_id, client_id = _which(params, "cancelOrderId", "cancelOrigClientOrderId")
    cancel_id = params.client_id("cancelNewClientOrderId") or gateway.ids.make()
    restrictions = _restrictions(params)
    with heard(gateway.exchange) as reports:
        try:
            gateway.limits.count_orders(1)
        except Refusal as refusal:
            if over != "CANCEL_ONLY":
                raise
            done = _part(
                lambda: trading.cancel(
                    ticket.symbol,
                    order_id=order_id,
                    client_order_id=client_id,
                    new_client_order_id=cancel_id,
                    restrictions=restrictions,
                )
            )
            raise _cancelled_only(gateway, done, refusal, reports.cancel_ids) from refusal
        try:
            parts = trading.cancel_replace(
                ticket.symbol,
                mode=mode,
                ticket=ticket,
                cancel_order_id=order_id,
                cancel_client_order_id=client_id,
                cancel_new_client_order_id=cancel_id,
                restrictions=restrictions,
            )
        except CancelReplaceRefused as refusal:
            refusal.data = _parts(gateway, refusal.parts, kind, reports.cancel_ids)
            raise
    return _parts(gateway, parts, kind, reports.cancel_ids)


def _part(cancel: Callable[[], Order | OrderList]) -> Order | OrderList | Refusal:
    try:
        return cancel()
    except Refusal as refusal:
        return refusal


def _cancelled_only(
    gateway: Gateway, done: Order | OrderList | Refusal, over: Refusal, cancel_ids: Mapping[int, str]
) -> Refusal:
    """Word that an order was cancelled, or not, and none put in its place: too many were placed already."""
    failed = {"newOrderResult": "NOT_ATTEMPTED", "newOrderResponse": _error(over)}
    if isinstance(done, Refusal):
        words = (-2022, "Order cancel-replace failed.")
        data: dict[str, Any] = {"cancelResult": "FAILURE", "cancelResponse": _error(done)}
    else:
        words = (-2021, "Order cancel-replace partially failed.")
        data = {"cancelResult": "SUCCESS", "cancelResponse": told_cancelled(gateway, done, cancel_ids)}
    return Refusal(*words, status=429, data=data | failed, retry_after=over.retry_after)


def _parts(
    gateway: Gateway, parts: CancelReplaced, kind: ResponseType, cancel_ids: Mapping[int, str]
) -> dict[str, Any]:
    cancel_response: Any = _error(parts.cancel_refusal)
    if parts.canceled is not None:
        cancel_response = told_cancelled(gateway, parts.canceled, cancel_ids)
    order_response = _error(parts.order_refusal) if parts.order is None else tell.placed(parts.order, kind)
    return {
        "cancelResult": parts.cancel_result,
        "newOrderResult": parts.order_result,
        "cancelResponse": cancel_response,
        "newOrderResponse": order_response,
    }


def _error(refusal: Refusal | None) -> dict[str, Any] | None:
    return None if refusal is None else {"code": refusal.code, "msg": refusal.reason}


def _symbol(gateway: Gateway, params: Parameters) -> str:
    return gateway.exchange.market(params.symbol() or "").rules.symbol


def _ticket(gateway: Gateway, params: Parameters) -> Ticket:
    rules = gateway.exchange.market(params.symbol() or "").rules
    return read_ticket(params, rules, gateway.ids)


def _which(params: Parameters, number: str, name: str) -> tuple[int | None, str | None]:
    found = params.whole(number), params.client_id(name)
    if found == (None, None):
        raise one_of_two(name, number)
    return found


def _restrictions(params: Parameters) -> Restrictions | None:
    legal: tuple[Restrictions, ...] = get_args(Restrictions)
    refusal = Refusal(-1145, "Invalid cancelRestrictions")
    return cast("Restrictions | None", params.choice("cancelRestrictions", legal, refusal))


_WHICH = ("orderId", "origClientOrderId")
_REPLACING = (
    *("cancelNewClientOrderId", "cancelOrigClientOrderId", "cancelOrderId", "cancelRestrictions"),
    "orderRateLimitExceededMode",
)
_NEW = ("symbol", "side", "type")
_NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "order.place": (_NEW, ORDER_FIELDS),
    "order.test": (_NEW, (*ORDER_FIELDS, "computeCommissionRates")),
    "order.status": (("symbol",), _WHICH),
    "order.cancel": (("symbol",), (*_WHICH, "newClientOrderId", "cancelRestrictions")),
    "order.cancelReplace": ((*_NEW, "cancelReplaceMode"), (*ORDER_FIELDS, *_REPLACING)),
    "order.amend.keepPriority": (("symbol", "newQty"), (*_WHICH, "newClientOrderId")),
    "order.amendments": (("symbol", "orderId"), ("fromExecutionId", "limit")),
    "openOrders.status": ((), ("symbol",)),
    "openOrders.cancelAll": (("symbol",), ()),
    "allOrders": (("symbol",), ("orderId", *TIME_NAMES, "limit")),
}
"""Mandatory and optional parameters."""


def _trade(
    name: str,
    verb: Literal["POST", "PUT", "DELETE"],
    path: str,
    handler: Callable[[Gateway, Parameters], Any],
    *,
    orders: int = 0,
) -> Method:
    return Method(name, verb, path, handler, *_NAMES[name], security="TRADE", free=True, orders=orders)


def _ask(
    name: str,
    path: str,
    handler: Callable[[Gateway, Parameters], Any],
    *,
    weight: Callable[[Mapping[str, str]], int],
) -> Method:
    return Method(name, "GET", path, handler, *_NAMES[name], security="USER_DATA", weight=weight)


METHODS = (
    _trade("order.place", "POST", "/api/v3/order", place, orders=1),
    Method(
        "order.test",
        "POST",
        "/api/v3/order/test",
        test,
        *_NAMES["order.test"],
        security="TRADE",
        weight=lambda sent: 20 if sent.get("computeCommissionRates", "").lower() == "true" else 1,
    ),
    _ask("order.status", "/api/v3/order", query, weight=flat(4)),
    _trade("order.cancel", "DELETE", "/api/v3/order", cancel),
    _trade("order.cancelReplace", "POST", "/api/v3/order/cancelReplace", cancel_replace),
    Method(
        "order.amend.keepPriority",
        "PUT",
        "/api/v3/order/amend/keepPriority",
        amend,
        *_NAMES["order.amend.keepPriority"],
        security="TRADE",
        weight=flat(4),
    ),
    _ask("order.amendments", "/api/v3/order/amendments", amendments, weight=flat(4)),
    _ask(
        "openOrders.status",
        "/api/v3/openOrders",
        open_orders,
        weight=lambda sent: 6 if "symbol" in sent else 80,
    ),
    _trade("openOrders.cancelAll", "DELETE", "/api/v3/openOrders", cancel_all),
    _ask("allOrders", "/api/v3/allOrders", all_orders, weight=flat(20)),
)
