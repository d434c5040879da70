"""One symbol's side of the account: orders that rest on the book, and stop orders that wait."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, NamedTuple

from bt_run.practice.trading.depth import Depth

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from bt_run.practice.orders import Order, Side
    from bt_run.practice.trading.depth import Quotes
    from bt_run.practice.trading.triggers import Watch

__all__ = ["Listing", "Resting"]


class Resting(NamedTuple):
    """An order's place in the queue; `rank` sorts by price, best first, then `place` by time."""

    rank: Decimal
    place: int
    order_id: int
    price: Decimal


class Listing:
    """A symbol, its depth, and what the account has on it; `before` is the price of the last print handled."""

    def __init__(self, market: Quotes, now: Callable[[], int]) -> None:
        self.market = market
        self.rules = market.rules
        self.depth = Depth(market, now)
        self.before = market.last_price
        self.queues: dict[Side, list[Resting]] = {"BUY": [], "SELL": []}
        self.watches: dict[int, Watch] = {}
        self._places: dict[int, tuple[Side, Resting]] = {}

    @property
    def is_idle(self) -> bool:
        """Tell whether no print can move anything here."""
        return not self._places and not self.watches

    def rest(self, order: Order, place: int) -> None:
        """Queue an order behind those of its price."""
        price = order.ticket.price
        if price is None:  # cannot be: only orders with a limit rest
            raise AssertionError(order)
        side = order.ticket.side
        entry = Resting(-price if side == "BUY" else price, place, order.order_id, price)
        insort(self.queues[side], entry)
        self._places[order.order_id] = (side, entry)

    def place_of(self, order_id: int) -> int | None:
        """Give an order's place in the queue; None where it does not rest."""
        found = self._places.get(order_id)
        return None if found is None else found[1].place

    def leave(self, order_id: int) -> None:
        """Take an order from the book and its trigger away, if it has either."""
        self.watches.pop(order_id, None)
        found = self._places.pop(order_id, None)
        if found is not None:
            side, entry = found
            queue = self.queues[side]
            del queue[bisect_left(queue, entry)]

    def clear(self) -> None:
        """Take all orders away."""
        for queue in self.queues.values():
            queue.clear()
        self.watches.clear()
        self._places.clear()
        self.depth.refill()
