"""
Orders and order lists in Binance's words. Order and form of the fields: rest-api.md (2026-07).

Prices and quantities are text with 8 decimals, times are ms of the exchange's clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from bt_run.practice.api.intake import ResponseType
    from bt_run.practice.orders import Fill, Order, OrderList
    from bt_run.practice.trading.answers import Amendment

__all__ = [
    "amended_list",
    "amendment",
    "amount",
    "cancelled",
    "cancelled_list",
    "list_report",
    "own_trade",
    "past_amendment",
    "placed",
    "placed_list",
    "queried",
]

Payload = dict[str, Any]


def amount(value: Decimal | None) -> str:
    """Write a price or a quantity with 8 decimals; None is zero."""
    return f"{value or 0:.8f}"


def placed(order: Order, kind: ResponseType) -> Payload:
    """Give the answer to a new order as ACK, RESULT or FULL."""
    answer: Payload = {
        **_names(order),
        "clientOrderId": order.client_order_id or order.ticket.client_order_id,
        "transactTime": order.updated,
    }
    if kind == "ACK":
        return answer
    answer |= _state(order)
    answer |= _conditional(order, with_zeros=False)
    answer["workingTime"] = order.working_time
    if kind == "FULL":
        answer["fills"] = [_fill(fill) for fill in order.fills]
    answer["selfTradePreventionMode"] = order.ticket.self_trade_prevention
    return answer | _reason(order)


def queried(order: Order) -> Payload:
    """Give an order as GET order, openOrders and allOrders tell it."""
    ticket = order.ticket
    return {
        **_names(order),
        "clientOrderId": order.client_order_id or ticket.client_order_id,
        "price": amount(ticket.price),
        "origQty": amount(order.quantity),
        "executedQty": amount(order.executed),
        "cummulativeQuoteQty": amount(order.executed_quote),
        "status": order.status,
        "timeInForce": ticket.time_in_force,
        "type": ticket.type,
        "side": ticket.side,
        **_conditional(order, with_zeros=True),
        "time": order.created,
        "updateTime": order.updated,
        "isWorking": order.is_working,
        "workingTime": order.working_time,
        "origQuoteOrderQty": amount(ticket.quote_quantity),
        "selfTradePreventionMode": ticket.self_trade_prevention,
        **_reason(order),
    }


def cancelled(order: Order, cancel_id: str) -> Payload:
    """Give the answer to a cancellation; `clientOrderId` is then the cancellation's own id."""
    return {
        "symbol": order.ticket.symbol,
        "origClientOrderId": order.client_order_id or order.ticket.client_order_id,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": cancel_id,
        "transactTime": order.updated,
        **_state(order),
        **_conditional(order, with_zeros=False),
        "selfTradePreventionMode": order.ticket.self_trade_prevention,
        **_reason(order),
    }


def amendment(order: Order, *, execution_id: int, former_client_id: str) -> Payload:
    """Give an amended order, as the answer's `amendedOrder`; its field names are not those of other answers."""
    ticket = order.ticket
    return {
        "transactTime": order.updated,
        "executionId": execution_id,
        "amendedOrder": {
            **_names(order),
            "origClientOrderId": former_client_id,
            "clientOrderId": order.client_order_id or ticket.client_order_id,
            "price": amount(ticket.price),
            "qty": amount(order.quantity),
            "executedQty": amount(order.executed),
            "preventedQty": amount(None),
            "quoteOrderQty": amount(ticket.quote_quantity),
            "cumulativeQuoteQty": amount(order.executed_quote),
            "status": order.status,
            "timeInForce": ticket.time_in_force,
            "type": ticket.type,
            "side": ticket.side,
            **_conditional(order, with_zeros=False),
            "workingTime": order.working_time,
            "selfTradePreventionMode": ticket.self_trade_prevention,
        },
    }


def past_amendment(past: Amendment) -> Payload:
    """Give an amendment as GET order/amendments tells it."""
    return {
        "symbol": past.symbol,
        "orderId": past.order_id,
        "executionId": past.execution_id,
        "origClientOrderId": past.former_client_order_id,
        "newClientOrderId": past.client_order_id,
        "origQty": amount(past.former_quantity),
        "newQty": amount(past.quantity),
        "time": past.time,
    }


def amended_list(order_list: OrderList, orders: Sequence[Order]) -> Payload:
    """Give the list of an amended order, as the answer's `listStatus`."""
    report = list_report(order_list, orders)
    return {name: value for name, value in report.items() if name not in ("listStatusType", "transactionTime")}


def list_report(order_list: OrderList, orders: Sequence[Order]) -> Payload:
    """Give an order list as GET orderList tells it; `orders` are its orders."""
    return {
        "orderListId": order_list.list_id,
        "contingencyType": order_list.contingency,
        "listStatusType": order_list.status_type,
        "listOrderStatus": order_list.order_status,
        "listClientOrderId": order_list.client_list_id,
        "transactionTime": order_list.time,
        "symbol": order_list.symbol,
        "orders": [
            {
                "symbol": order.ticket.symbol,
                "orderId": order.order_id,
                "clientOrderId": order.client_order_id or order.ticket.client_order_id,
            }
            for order in orders
        ],
    }


def placed_list(order_list: OrderList, orders: Sequence[Order], kind: ResponseType) -> Payload:
    """Give the answer to a new order list."""
    return list_report(order_list, orders) | {"orderReports": [placed(order, kind) for order in orders]}


def cancelled_list(order_list: OrderList, orders: Sequence[Order], cancel_ids: Mapping[int, str]) -> Payload:
    """Give the answer to the cancellation of an order list; `cancel_ids` are by order id."""
    reports = [
        cancelled(order, cancel_ids.get(order.order_id, order.client_order_id or order.ticket.client_order_id))
        for order in orders
    ]
    return list_report(order_list, orders) | {"orderReports": reports}


def own_trade(fill: Fill) -> Payload:
    """Give a trade of the account as GET myTrades tells it."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": fill.list_id,
        "price": amount(fill.price),
        "qty": amount(fill.quantity),
        "quoteQty": amount(fill.quote_quantity),
        "commission": amount(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time,
        "isBuyer": fill.is_buyer,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def _names(order: Order) -> Payload:
    return {"symbol": order.ticket.symbol, "orderId": order.order_id, "orderListId": order.list_id}


def _state(order: Order) -> Payload:
    ticket = order.ticket
    return {
        "price": amount(ticket.price),
        "origQty": amount(order.quantity),
        "executedQty": amount(order.executed),
        "origQuoteOrderQty": amount(ticket.quote_quantity),
        "cummulativeQuoteQty": amount(order.executed_quote),
        "status": order.status,
        "timeInForce": ticket.time_in_force,
        "type": ticket.type,
        "side": ticket.side,
    }


def _conditional(order: Order, *, with_zeros: bool) -> Payload:
    """Give the fields that only some orders have; queries tell two of them of every order."""
    ticket = order.ticket
    found: Payload = {}
    if ticket.stop_price or with_zeros:
        found["stopPrice"] = amount(ticket.stop_price)
    if ticket.trailing_delta is not None:
        found["trailingDelta"] = ticket.trailing_delta
    if order.trailing_time is not None:
        found["trailingTime"] = order.trailing_time
    if ticket.iceberg_quantity or with_zeros:
        found["icebergQty"] = amount(ticket.iceberg_quantity)
    if ticket.strategy_id is not None:
        found["strategyId"] = ticket.strategy_id
    if ticket.strategy_type is not None:
        found["strategyType"] = ticket.strategy_type
    return found


def _reason(order: Order) -> Payload:
    return {} if order.expiry_reason is None else {"expiryReason": order.expiry_reason}


def _fill(fill: Fill) -> Payload:
    return {
        "price": amount(fill.price),
        "qty": amount(fill.quantity),
        "commission": amount(fill.commission),
        "commissionAsset": fill.commission_asset,
        "tradeId": fill.trade_id,
    }
