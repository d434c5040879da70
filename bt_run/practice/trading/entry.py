"""How an order comes in: judged, accepted, and set against the book, or set to wait for its trigger."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from bt_run.practice.refusal import Refusal
from bt_run.practice.trading.account import Hold, holds_fee
from bt_run.practice.trading.depth import crosses, walk, walk_quote
from bt_run.practice.trading.filters import (
    Counts,
    broken,
    check_counts,
    check_position,
    check_quantity,
    check_ticket,
)
from bt_run.practice.trading.triggers import STOPS, begin, rises_to_stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.practice.orders import Order, Ticket
    from bt_run.practice.trading.depth import Level
    from bt_run.practice.trading.desk import Desk
    from bt_run.practice.trading.resting import Listing

__all__ = [
    "MARKET_LIKE",
    "accept",
    "check_engine",
    "check_filters",
    "check_ids",
    "hold_of",
    "start",
    "submit",
    "tracks_at_once",
    "work",
]

MARKET_LIKE = frozenset(("MARKET", "STOP_LOSS", "TAKE_PROFIT"))
"""Order types that take whatever the book has once they work."""

_BIPS = Decimal(10_000)
_ZERO = Decimal(0)
_UNSUPPORTED = {
    "MARKET": "Market orders",
    "STOP_LOSS": "Stop loss orders",
    "STOP_LOSS_LIMIT": "Stop loss limit orders",
    "TAKE_PROFIT": "Take profit orders",
    "TAKE_PROFIT_LIMIT": "Take profit limit orders",
}


def submit(desk: Desk, ticket: Ticket, *, only_test: bool = False) -> Order | None:
    """
    Judge one order, and place it unless this is a test.

    A test order never reaches the matching engine (rest-api.md), so ids, book and money are not looked at.

    Raises:
        Refusal: -1121, -1013 by a filter, or -2010 by the matching engine; nothing has changed then.
    """
    check_filters(desk, [ticket])
    if only_test:
        return None
    check_ids(desk, [ticket])
    check_engine(desk, ticket)
    hold = hold_of(desk.listing(ticket.symbol), ticket)
    desk.account.require(hold.asset, hold.amount)
    order = accept(desk, ticket)
    if ticket.type != "MARKET":
        desk.account.hold(order.order_id, hold)
    return start(desk, order)


def check_filters(desk: Desk, tickets: Sequence[Ticket], *, is_list: bool = False) -> None:
    """Check all filters for orders that come together, of one symbol. Raises Refusal -1121 or -1013."""
    listing = desk.listing(tickets[0].symbol)
    for ticket in tickets:
        if ticket.type not in listing.rules.order_types:
            words = _UNSUPPORTED.get(ticket.type)
            text = f"{words} are not supported for this symbol." if words else "Unsupported order combination"
            raise Refusal(-1013, text)
        check_ticket(listing.rules, ticket, listing.depth.average)
    check_counts(listing.rules, tickets, _counts(desk, tickets[0].symbol), is_list=is_list)
    _check_position(desk, listing, tickets)


def check_ids(desk: Desk, tickets: Sequence[Ticket]) -> None:
    """Check that no client id is that of an open order, nor given twice. Raises Refusal -2010."""
    ids = [ticket.client_order_id for ticket in tickets]
    taken = any(desk.records.is_taken(ticket.symbol, ticket.client_order_id) for ticket in tickets)
    if taken or len(set(ids)) < len(ids):
        raise Refusal(-2010, "Duplicate order sent.")


def check_engine(desk: Desk, ticket: Ticket) -> None:
    """Check what the matching engine does against the present market. Raises Refusal -2010, or -1013."""
    listing = desk.listing(ticket.symbol)
    if ticket.type in STOPS and ticket.stop_price is not None:
        last = listing.depth.last
        passed = last >= ticket.stop_price if rises_to_stop(ticket) else last <= ticket.stop_price
        if passed:
            raise Refusal(-2010, "Order would trigger immediately.")
    if ticket.type == "LIMIT_MAKER" and ticket.price is not None:
        best = next(listing.depth.levels(ticket.side), None)
        if best is not None and crosses(ticket.side, best.price, ticket.price):
            raise Refusal(-2010, "Order would immediately match and take.")
    if ticket.quote_quantity is not None:
        _check_quote_order(listing, ticket)


def hold_of(listing: Listing, ticket: Ticket) -> Hold:
    """
    Give what an order needs and, unless it is a market order, locks.

    A sale its base quantity. A buy its limit price for each unit; a stop without a limit its stop price; a
    trailing one the furthest that its trigger can be above that. A market buy what the levels cost now, or
    its quote quantity. Where commission is paid on top in quote asset, that too.
    """
    rules = listing.rules
    if ticket.type == "MARKET":
        parts, _ = _plan(listing, ticket)
        if ticket.side == "SELL":
            return Hold(rules.base, Decimal(1), ticket.quantity or _quantity(parts))
        cost = sum((price * quantity for price, quantity in parts), _ZERO) * _with_fee(listing)
        return Hold(rules.quote, max(cost, ticket.quote_quantity or _ZERO), Decimal(1))
    quantity = ticket.quantity or _ZERO
    if ticket.side == "SELL":
        return Hold(rules.base, Decimal(1), quantity)
    return Hold(rules.quote, _dearest(listing, ticket) * _with_fee(listing), quantity)


def accept(desk: Desk, ticket: Ticket, *, list_id: int = -1) -> Order:
    """Accept an order that was judged; tells NEW."""
    quantity = ticket.quantity
    if quantity is None:
        parts, short = _plan(desk.listing(ticket.symbol), ticket)
        quantity = _quantity(parts) + short
    waits = ticket.type in STOPS
    return desk.open(ticket, quantity, list_id=list_id, works=not waits, tracks=tracks_at_once(ticket))


def start(desk: Desk, order: Order) -> Order:
    """Set an accepted order against the book, or let it wait for its trigger."""
    ticket = order.ticket
    if ticket.type not in STOPS:
        return work(desk, order)
    listing = desk.of(order)
    tick = listing.rules.tick_size
    listing.watches[order.order_id] = begin(order.order_id, ticket, last=listing.depth.last, tick=tick)
    return order


def work(desk: Desk, order: Order) -> Order:
    """Let an order take from the book what it may; the rest of a GTC order with a limit then rests there."""
    if order.ticket.type in MARKET_LIKE:
        return _work_market(desk, order)
    return _work_limit(desk, order)


def tracks_at_once(ticket: Ticket) -> bool:
    """Tell whether an order trails from its placement on."""
    return ticket.trailing_delta is not None and ticket.stop_price is None


def _work_market(desk: Desk, order: Order) -> Order:
    """
    Take without a limit. Raises nothing: what a triggered order cannot pay for expires.

    A buy that waited for its trigger may find the book dearer than what it held; the free balance helps out.
    """
    listing = desk.of(order)
    parts, _ = _plan(listing, order.ticket, order.quantity)
    desk.account.release(order.order_id)
    if not _can_pay(desk, listing, order, parts):
        return desk.expire(order, "REJECTED")
    order = _take(desk, order, parts)
    return desk.expire(order, "INSUFFICIENT_LIQUIDITY") if order.is_open else order


def _work_limit(desk: Desk, order: Order) -> Order:
    ticket = order.ticket
    listing = desk.of(order)
    parts: list[Level] = []
    if ticket.type != "LIMIT_MAKER":
        levels = listing.depth.levels(ticket.side)
        parts = walk(levels, order.rest, side=ticket.side, limit=ticket.price)
    if ticket.time_in_force == "FOK" and _quantity(parts) < order.rest:
        return desk.expire(order, "UNFILLED_FOK_ORDER_EXPIRED")
    order = _take(desk, order, parts)
    if not order.is_open:
        return order
    if ticket.time_in_force == "IOC":
        return desk.expire(order, "UNFILLED_IOC_QUANTITY_EXPIRED")
    listing.rest(order, desk.counters.next_place())
    return order


def _take(desk: Desk, order: Order, parts: list[Level]) -> Order:
    depth = desk.of(order).depth
    for part in parts:
        depth.take(order.ticket.side, part)
        order = desk.fill(order, part, is_maker=False)
    return order


def _can_pay(desk: Desk, listing: Listing, order: Order, parts: list[Level]) -> bool:
    free = desk.account.balance(listing.rules.base if order.ticket.side == "SELL" else listing.rules.quote).free
    if order.ticket.side == "SELL":
        return free >= order.rest
    return free >= sum((price * quantity for price, quantity in parts), _ZERO) * _with_fee(listing)


def _plan(listing: Listing, ticket: Ticket, quantity: Decimal | None = None) -> tuple[list[Level], Decimal]:
    """Find what an order without a limit would take, and how much the book is short of for a quote quantity."""
    levels = listing.depth.levels(ticket.side)
    if ticket.quote_quantity is not None and ticket.quantity is None:
        rules = listing.rules
        return walk_quote(levels, ticket.quote_quantity, max(rules.step_size, rules.market_step_size))
    return walk(levels, quantity or ticket.quantity or _ZERO), _ZERO


def _check_quote_order(listing: Listing, ticket: Ticket) -> None:
    parts, short = _plan(listing, ticket)
    found = _quantity(parts)
    if not found and next(listing.depth.levels(ticket.side), None) is None:
        raise Refusal(-2010, "Order book liquidity is less than symbol minimum quantity.")
    if short and found < listing.rules.min_quantity:
        raise Refusal(-2010, "Order book liquidity is less than LOT_SIZE filter minimum quantity.")
    if not found:
        raise broken("LOT_SIZE")
    check_quantity(listing.rules, found, is_market=True)


def _quantity(parts: list[Level]) -> Decimal:
    return sum((quantity for _, quantity in parts), _ZERO)


def _with_fee(listing: Listing) -> Decimal:
    fees = listing.rules.fees
    return 1 + max(fees.maker, fees.taker) if holds_fee(listing.rules) else Decimal(1)


def _dearest(listing: Listing, ticket: Ticket) -> Decimal:
    """Give the most that a buy with a limit or a stop is expected to pay for one unit."""
    if ticket.price is not None:
        return ticket.price
    base = ticket.stop_price if ticket.stop_price is not None else listing.depth.last
    return base * (1 + (ticket.trailing_delta or 0) / _BIPS)


def _counts(desk: Desk, symbol: str) -> Counts:
    orders = desk.records.open_orders(symbol)
    algo = sum(order.ticket.type in STOPS for order in orders)
    return Counts(len(orders), algo, len({order.list_id for order in orders} - {-1}))


def _check_position(desk: Desk, listing: Listing, tickets: Sequence[Ticket]) -> None:
    rules = listing.rules
    if not rules.max_position:
        return
    bought = max((ticket.quantity or _ZERO for ticket in tickets if ticket.side == "BUY"), default=_ZERO)
    open_buys = (order.rest for order in desk.records.open_orders(rules.symbol) if order.ticket.side == "BUY")
    check_position(rules, desk.account.balance(rules.base).total + sum(open_buys, _ZERO), bought)
