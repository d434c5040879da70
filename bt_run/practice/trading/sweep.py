"""
What a print does to the account's orders: limits that are traded through fill, stops that are reached fire.

The price stands at the print before and goes to this one. A continuous print takes it through every price
between: each order is reached at its own level, in the order of the way. A jump reaches everything at the print
itself. What an order sets off on the way (a stop behind a filled entry) takes part from there on.

- Limits fill as maker at their own price and share the print's quantity, best price first, then oldest.
- Of what one price reaches, limits come before stops, and stops by age.
- A stop meets a book whose best price is its level (after a jump: the print's price), see `Depth.at`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from bt_run.practice.trading.depth import Level, floor_to
from bt_run.practice.trading.lists import begin_triggered, settle

if TYPE_CHECKING:
    from decimal import Decimal

    from bt_run.practice.events import Print
    from bt_run.practice.orders import Side
    from bt_run.practice.trading.desk import Desk
    from bt_run.practice.trading.resting import Listing, Resting

__all__ = ["sweep"]


@dataclass(slots=True)
class _Way:
    """Where the price is on its way from print to print, and what is left of the print's quantity."""

    at: Decimal
    end: Decimal
    quantity: Decimal
    last_place: int | None = None
    """The youngest place in the queue that the end of the way still reaches; None until it is there."""

    def reach(self, level: Decimal, *, rising: bool) -> Decimal | None:
        """
        Find where a price >= `level` (`rising`) or <= it is traded from here on; None where it is not.

        Where the price stands counts only if it moves beyond the level, or ends there: the print before has
        been dealt with already.
        """
        at, end = self.at, self.end
        if (at > level) if rising else (at < level):
            return at
        if at == level:
            away = end < at if rising else end > at
            return None if away else at
        return level if ((end >= level) if rising else (end <= level)) else None

    def arrive(self, place: int) -> None:
        """Note that the end is reached: what comes onto the book now is too late for this print."""
        if self.at == self.end and self.last_place is None:
            self.last_place = place


class _Reached(NamedTuple):
    """The next order on the way; sorts by distance, limits before stops, then by age."""

    distance: Decimal
    is_watch: bool
    age: int
    order_id: int
    at: Decimal


def sweep(desk: Desk, printed: Print) -> None:
    """Let one print of a market happen to the account."""
    listing = desk.listing(printed.symbol)
    before, listing.before = listing.before, printed.price
    listing.depth.refill()
    if listing.is_idle:
        return
    start = before if printed.continuous else printed.price
    way = _Way(start, printed.price, floor_to(printed.quantity, listing.rules.step_size))
    try:
        _go(desk, listing, way)
    finally:
        listing.depth.at = None
    for watch in listing.watches.values():
        watch.follow(printed.price)


def _go(desk: Desk, listing: Listing, way: _Way) -> None:
    way.arrive(desk.counters.place)
    while (found := _next(listing, way)) is not None:
        way.at = listing.depth.at = found.at
        way.arrive(desk.counters.place)
        if found.is_watch:
            _reach_stop(desk, listing, found)
        else:
            _fill(desk, way, found)


def _next(listing: Listing, way: _Way) -> _Reached | None:
    candidates = []
    if way.quantity > 0:
        for side in ("BUY", "SELL"):
            found = _next_limit(listing, way, "BUY" if side == "BUY" else "SELL")
            if found is not None:
                candidates.append(found)
    for watch in listing.watches.values():
        at = way.reach(watch.level, rising=watch.rises)
        if at is not None:
            candidates.append(_Reached(abs(at - way.at), True, watch.order_id, watch.order_id, at))
    return min(candidates, default=None)


def _next_limit(listing: Listing, way: _Way, side: Side) -> _Reached | None:
    entry = _head(listing.queues[side], way.last_place)
    if entry is None:
        return None
    at = way.reach(entry.price, rising=side == "SELL")
    if at is None:
        return None
    return _Reached(abs(at - way.at), False, entry.place, entry.order_id, at)


def _head(queue: list[Resting], last_place: int | None) -> Resting | None:
    """Give the first in the queue that came in time."""
    return next((entry for entry in queue if last_place is None or entry.place <= last_place), None)


def _fill(desk: Desk, way: _Way, found: _Reached) -> None:
    order = desk.records.orders[found.order_id]
    price = order.ticket.price
    if price is None:  # cannot be: only orders with a limit rest
        raise AssertionError(order)
    quantity = min(order.rest, way.quantity)
    way.quantity -= quantity
    desk.fill(order, Level(price, quantity), is_maker=True)
    settle(desk, order.list_id)


def _reach_stop(desk: Desk, listing: Listing, found: _Reached) -> None:
    order = desk.records.orders[found.order_id]
    if listing.watches[found.order_id].reach(found.at):
        begin_triggered(desk, order)
    else:
        desk.track(order)
