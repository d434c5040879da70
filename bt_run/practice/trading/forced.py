"""What the market would not have done by itself: faults ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.practice.trading.depth import Level, floor_to
from bt_run.practice.trading.lists import settle

if TYPE_CHECKING:
    from decimal import Decimal

    from bt_run.practice.trading.desk import Desk

__all__ = ["Forced"]


class Forced:
    """Changes one account's trading from outside; every event is told as if the market had caused it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def thin(self, symbol: str, most: Decimal | None) -> None:
        """
        Let takers of a symbol find `most` of the base asset and no more, at least one step; None: all there is.

        An unknown symbol is nothing to change.
        """
        listing = self._desk.listings.get(symbol)
        if listing is None:
            return
        step = listing.rules.step_size
        listing.depth.most = None if most is None else max(step, floor_to(most, step))

    def fill(self, order_id: int, share: Decimal) -> bool:
        """
        Fill a share of an order's quantity (0 to 1, at least one step) at its own price, as maker.

        False where it is not on the book: never placed, over, or a stop that waits.
        """
        order = self._desk.records.orders.get(order_id)
        if order is None or order.ticket.price is None or self._desk.of(order).place_of(order_id) is None:
            return False
        step = self._desk.of(order).rules.step_size
        quantity = min(order.rest, max(step, floor_to(order.quantity * share, step)))
        try:
            self._desk.fill(order, Level(order.ticket.price, quantity), is_maker=True)
            settle(self._desk, order.list_id)
        finally:
            self._desk.flush()
        return True
