"""
Order lists: placed as one, and kept in order after every change of one of their orders.

`settle` looks at what the orders of a list are now and does what follows, until nothing does. It is called
after each step that may have changed one of them, so no step needs to know what a list is.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from bt_run.practice.orders import OrderList
from bt_run.practice.refusal import Refusal
from bt_run.practice.trading import entry
from bt_run.practice.trading.desk import shared_key
from bt_run.practice.trading.list_rules import check_prices, check_shape
from bt_run.practice.trading.triggers import STOPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.practice.orders import ListTicket, Order, Ticket
    from bt_run.practice.trading.account import Hold
    from bt_run.practice.trading.desk import Desk

__all__ = ["begin_triggered", "cancel_list", "place_list", "settle"]


def place_list(desk: Desk, ticket: ListTicket) -> OrderList:
    """
    Judge and place an order list.

    Returns:
        The list as Binance's answer shows it: just accepted, even where it is already done.

    Raises:
        Refusal: -1121, -1013 or -2010; nothing has changed then.
    """
    check_shape(ticket)
    first = ticket.legs if ticket.working is None else (ticket.working,)
    every = ticket.legs if ticket.working is None else (ticket.working, *ticket.legs)
    entry.check_filters(desk, every, is_list=True)
    entry.check_ids(desk, every)
    if any(found.client_list_id == ticket.client_list_id for found in desk.records.open_lists()):
        raise Refusal(-2010, "Duplicate order sent.")
    hold = _judge(desk, first)
    list_id = desk.counters.next_list()
    orders = _accept(desk, ticket, list_id)
    symbol = every[0].symbol
    ids = tuple(order.order_id for order in orders)
    made = OrderList(
        list_id, ticket.kind, ticket.client_list_id, symbol, ids, "EXEC_STARTED", "EXECUTING", desk.now()
    )
    made = desk.report_list(made, "EXEC_STARTED")
    working = orders[:1] if ticket.working is not None else orders
    desk.account.hold(working[0].order_id if len(working) == 1 else shared_key(list_id), hold)
    begun = [entry.start(desk, order) for order in _makers_first(working)]
    now = {order.order_id: order for order in (*orders, *begun)}
    desk.records.placed[list_id] = tuple(now[key] for key in ids)
    settle(desk, list_id)
    return made


def settle(desk: Desk, list_id: int) -> None:
    """Do what follows from the present state of a list's orders; -1 is no list."""
    if list_id == -1:
        return
    order_list = desk.records.lists[list_id]
    if order_list.order_status != "EXECUTING":
        return
    orders = desk.records.legs(order_list)
    if order_list.kind != "OCO":
        working, legs = orders[0], orders[1:]
        if working.status == "FILLED" and legs[0].status == "PENDING_NEW":
            _activate(desk, list_id, legs)
            settle(desk, list_id)
            return
        if not working.is_open and working.status != "FILLED":
            _expire_open(desk, legs, "OTO_PHASE_ONE_EXPIRED")
    if order_list.kind != "OTO":
        _settle_pair(desk, orders[-2:])
    if not any(order.is_open for order in desk.records.legs(order_list)):
        desk.report_list(order_list, "ALL_DONE", "ALL_DONE")


def begin_triggered(desk: Desk, order: Order) -> None:
    """Let a stop order work whose trigger was reached: NEW again, its OCO sibling ends, then it takes."""
    order = desk.renew(order, works=True)
    if order.list_id != -1:
        _leave_alone(desk, order)
    entry.work(desk, order)
    settle(desk, order.list_id)


def cancel_list(desk: Desk, order_list: OrderList, cancel_id: str) -> OrderList:
    """Cancel every open order of a list, and so the list."""
    for order in desk.records.legs(order_list):
        if order.is_open:
            desk.cancel(order, cancel_id)
    return desk.report_list(order_list, "ALL_DONE", "ALL_DONE")


def _judge(desk: Desk, tickets: Sequence[Ticket]) -> Hold:
    """Check the orders that come in together now, and give what they need: of two the larger."""
    listing = desk.listing(tickets[0].symbol)
    if len(tickets) > 1:
        check_prices(tickets[0], tickets[1], listing.depth.last)
    for ticket in tickets:
        entry.check_engine(desk, ticket)
    holds = [entry.hold_of(listing, ticket) for ticket in tickets]
    hold = max(holds, key=lambda found: found.amount)
    desk.account.require(hold.asset, hold.amount)
    return hold


def _accept(desk: Desk, ticket: ListTicket, list_id: int) -> tuple[Order, ...]:
    """Accept all orders of a list: the working one first, of a pair the STOP_LOSS* one before the other."""
    legs = sorted(ticket.legs, key=lambda leg: not leg.type.startswith("STOP"))
    if ticket.working is None:
        return tuple(entry.accept(desk, leg, list_id=list_id) for leg in legs)
    working = entry.accept(desk, ticket.working, list_id=list_id)
    pending = (
        desk.open(leg, leg.quantity or Decimal(0), list_id=list_id, status="PENDING_NEW", works=False)
        for leg in legs
    )
    return (working, *pending)


def _activate(desk: Desk, list_id: int, legs: tuple[Order, ...]) -> None:
    """Place the pending orders; those that the engine refuses now expire, and with one of a pair the other."""
    tickets = _above_first(legs)
    try:
        hold = _judge(desk, tickets)
    except Refusal:
        _expire_open(desk, legs, "REJECTED")
        return
    begun = []
    for leg in legs:
        waits = leg.ticket.type in STOPS
        begun.append(desk.renew(leg, works=not waits, tracks=entry.tracks_at_once(leg.ticket)))
    if legs[0].ticket.type != "MARKET":
        desk.account.hold(shared_key(list_id) if len(legs) > 1 else legs[0].order_id, hold)
    for leg in _makers_first(tuple(begun)):
        entry.start(desk, leg)


def _above_first(legs: tuple[Order, ...]) -> tuple[Ticket, ...]:
    # An amendment changes the order, not what was asked for first.
    tickets = tuple(replace(leg.ticket, quantity=leg.quantity) for leg in legs)
    # They are kept with the stop loss first, which is above the market where it buys.
    return tickets[::-1] if tickets[0].side == "SELL" else tickets


def _makers_first(orders: tuple[Order, ...]) -> list[Order]:
    return sorted(orders, key=lambda order: order.ticket.type in STOPS)


def _settle_pair(desk: Desk, pair: tuple[Order, ...]) -> None:
    """End one leg of an OCO where the other trades or is over."""
    for leg in pair:
        over = not leg.is_open and leg.status != "CANCELED"
        if leg.executed or over:
            _leave_alone(desk, leg)
            return


def _leave_alone(desk: Desk, order: Order) -> None:
    """Expire the other leg of an order's OCO, and give the order what both held."""
    order_list = desk.records.lists[order.list_id]
    pair = order_list.order_ids if order_list.kind == "OCO" else order_list.order_ids[1:]
    if order.order_id not in pair or len(pair) < 2:
        return
    others = [desk.records.orders[key] for key in pair if key != order.order_id]
    _expire_open(desk, others, "OCO_TRIGGER")
    present = desk.records.orders[order.order_id]
    if present.is_open:
        unit = entry.hold_of(desk.of(present), present.ticket).unit
        desk.account.pass_on(shared_key(order.list_id), order.order_id, unit)


def _expire_open(desk: Desk, orders: Sequence[Order], reason: str) -> None:
    for order in orders:
        if order.is_open:
            desk.expire(order, reason)
