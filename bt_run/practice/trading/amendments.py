"""Orders made smaller without losing their place. Source: faqs/order_amend_keep_priority.md (2026-11-21)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.practice.refusal import Refusal
from bt_run.practice.trading.answers import Amended, Amendment
from bt_run.practice.trading.desk import shared_key
from bt_run.practice.trading.filters import check_notional, check_quantity

if TYPE_CHECKING:
    from decimal import Decimal

    from bt_run.practice.orders import Order
    from bt_run.practice.trading.desk import Desk

__all__ = ["amend"]


def amend(desk: Desk, order: Order, quantity: Decimal, client_order_id: str) -> Amended:
    """
    Reduce an order to `quantity` in all, and with a leg of an OCO the other leg too.

    Raises:
        Refusal: -2038, also for filters; nothing has changed then.
    """
    _judge(desk, order, quantity, client_order_id)
    renamed = client_order_id != order.client_order_id
    _shrink_hold(desk, order, order.quantity - quantity)
    amendment = _change(desk, order, quantity, client_order_id)
    for sibling in _siblings(desk, order):
        _change(desk, sibling, quantity, sibling.client_order_id)
    found = desk.records.orders[order.order_id]
    if order.list_id == -1:
        return Amended(found, amendment)
    order_list = desk.records.lists[order.list_id]
    if renamed:
        order_list = desk.report_list(order_list, "UPDATED")
    return Amended(found, amendment, order_list, desk.records.legs(order_list))


def _judge(desk: Desk, order: Order, quantity: Decimal, client_order_id: str) -> None:
    rules = desk.of(order).rules
    if quantity == order.quantity:
        raise Refusal(-2038, "The requested action would change no state; rejecting")
    if quantity > order.quantity:
        raise Refusal(-2038, "Order amend (quantity increase) is not supported.")
    if quantity <= order.executed:
        raise Refusal(-2038, "The new quantity is not more than what is executed.")
    done = len(desk.records.amendments.get(order.order_id, ()))
    if rules.max_amends and done >= rules.max_amends:
        raise Refusal(-2038, "Filter failure: MAX_NUM_ORDER_AMENDS")
    renamed = client_order_id != order.client_order_id
    if renamed and desk.records.is_taken(order.ticket.symbol, client_order_id):
        raise Refusal(-2038, "Duplicate order sent.")
    try:
        check_quantity(rules, quantity, is_market=order.ticket.type == "MARKET")
        check_notional(rules, order.ticket, quantity, desk.of(order).depth.average)
    except Refusal as refusal:
        raise Refusal(-2038, refusal.reason) from refusal


def _siblings(desk: Desk, order: Order) -> list[Order]:
    """Give the other open leg of an order's OCO: both must have the same quantity."""
    if order.list_id == -1:
        return []
    order_list = desk.records.lists[order.list_id]
    pair = {"OCO": order_list.order_ids, "OTO": (), "OTOCO": order_list.order_ids[1:]}[order_list.kind]
    if order.order_id not in pair:
        return []
    others = (desk.records.orders[key] for key in pair if key != order.order_id)
    return [other for other in others if other.is_open]


def _change(desk: Desk, order: Order, quantity: Decimal, client_order_id: str) -> Amendment:
    found, execution = desk.reduce(order, quantity, client_order_id)
    amendment = Amendment(
        symbol=order.ticket.symbol,
        order_id=order.order_id,
        execution_id=execution,
        former_client_order_id=order.client_order_id,
        client_order_id=client_order_id,
        former_quantity=order.quantity,
        quantity=found.quantity,
        time=desk.now(),
    )
    kept = desk.records.amendments
    kept[order.order_id] = (*kept.get(order.order_id, ()), amendment)
    return amendment


def _shrink_hold(desk: Desk, order: Order, quantity: Decimal) -> None:
    holds = desk.account.holds
    keys = (order.order_id, *((shared_key(order.list_id),) if order.list_id != -1 else ()))
    for key in keys:
        if key in holds and (key > 0 or _siblings(desk, order)):
            desk.account.shrink(key, quantity)
