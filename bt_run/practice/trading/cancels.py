"""Cancelling: one order, a list through any of its orders, all of a symbol, or to put another in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bt_run.practice.orders import Order, OrderList
from bt_run.practice.refusal import Refusal
from bt_run.practice.trading import entry
from bt_run.practice.trading.answers import CancelReplaced, CancelReplaceRefused
from bt_run.practice.trading.lists import cancel_list

if TYPE_CHECKING:
    from bt_run.practice.orders import Status, Ticket
    from bt_run.practice.trading.desk import Desk

__all__ = ["Mode", "Restrictions", "cancel", "cancel_all", "replace_order", "unknown"]

Restrictions = Literal["ONLY_NEW", "ONLY_PARTIALLY_FILLED"]
Mode = Literal["STOP_ON_FAILURE", "ALLOW_FAILURE"]

_REASONS = {
    "Account has insufficient balance for requested action.": "INSUFFICIENT_BALANCES",
    "Order would trigger immediately.": "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
    "Order would immediately match and take.": "WOULD_MATCH_IMMEDIATELY",
}


def unknown() -> Refusal:
    """Make Binance's refusal to cancel what is not open, and never was or is over."""
    return Refusal(-2011, "Unknown order sent.")


def cancel(
    desk: Desk, order: Order | None, cancel_id: str, restrictions: Restrictions | None = None
) -> Order | OrderList:
    """Cancel an order, with its whole list where it is in one. Raises Refusal -2011."""
    if order is None or not order.is_open:
        raise unknown()
    allowed: dict[Restrictions, Status] = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}
    if restrictions is not None and order.status != allowed[restrictions]:
        raise Refusal(-2011, "Order was not canceled due to cancel restrictions.")
    if order.list_id == -1:
        return desk.cancel(order, cancel_id)
    return cancel_list(desk, desk.records.lists[order.list_id], cancel_id)


def cancel_all(desk: Desk, symbol: str) -> list[Order | OrderList]:
    """Cancel everything that is open on a symbol, each list once. Raises Refusal -2011 where nothing is."""
    orders = desk.records.open_orders(symbol)
    if not orders:
        raise unknown()
    done: list[Order | OrderList] = []
    for order in orders:
        present = desk.records.orders[order.order_id]
        if present.is_open:
            done.append(cancel(desk, present, desk.counters.client_id()))
    return done


def replace_order(
    desk: Desk,
    order: Order | Refusal | None,
    ticket: Ticket,
    *,
    mode: Mode,
    cancel_id: str,
    restrictions: Restrictions | None = None,
) -> CancelReplaced:
    """
    Cancel an order and place another, which may be refused although the first is gone.

    Filters are judged before anything happens, as Binance says; the engine judges after the cancellation.
    `order` is a Refusal where it could not even be looked up.

    Raises:
        CancelReplaceRefused: not both halves succeeded; `parts` says which.
        Refusal: -1121 or -1013; nothing has changed.
    """
    entry.check_filters(desk, [ticket])
    try:
        if isinstance(order, Refusal):
            raise order
        canceled = cancel(desk, order, cancel_id, restrictions)
    except Refusal as refusal:
        return _place_without(desk, ticket, mode, refusal)
    try:
        placed = entry.submit(desk, ticket)
    except Refusal as refusal:
        _tell_rejected(desk, ticket, refusal)
        raise CancelReplaceRefused(
            CancelReplaced("SUCCESS", "FAILURE", canceled=canceled, order_refusal=refusal)
        ) from refusal
    return CancelReplaced("SUCCESS", "SUCCESS", canceled=canceled, order=placed)


def _place_without(desk: Desk, ticket: Ticket, mode: Mode, refused: Refusal) -> CancelReplaced:
    """Go on after a cancellation that failed; raises CancelReplaceRefused in any case."""
    if mode == "STOP_ON_FAILURE":
        raise CancelReplaceRefused(CancelReplaced("FAILURE", "NOT_ATTEMPTED", cancel_refusal=refused))
    try:
        placed = entry.submit(desk, ticket)
    except Refusal as refusal:
        raise CancelReplaceRefused(
            CancelReplaced("FAILURE", "FAILURE", cancel_refusal=refused, order_refusal=refusal)
        ) from refusal
    raise CancelReplaceRefused(CancelReplaced("FAILURE", "SUCCESS", order=placed, cancel_refusal=refused))


def _tell_rejected(desk: Desk, ticket: Ticket, refusal: Refusal) -> None:
    """
    Tell REJECTED for the new order: the only case where Binance does (user-data-stream.md).

    The order gets an id for the report and is kept nowhere.
    """
    now = desk.now()
    order = Order(
        ticket=ticket,
        order_id=desk.counters.next_order(),
        status="REJECTED",
        created=now,
        updated=now,
        quantity=ticket.quantity or desk.listing(ticket.symbol).rules.min_quantity * 0,
        client_order_id=ticket.client_order_id,
    )
    desk.report("REJECTED", order, reject_reason=_REASONS.get(refusal.reason, "NONE"))
