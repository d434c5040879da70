"""What a taker meets on one symbol now: the market's levels, less what was taken of them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bt_run.practice.orders import Side
    from bt_run.practice.rules import SymbolRules

__all__ = ["Depth", "Level", "Quotes", "crosses", "floor_to", "walk", "walk_quote"]

_ZERO = Decimal(0)


class Level(NamedTuple):
    """A price and the quantity that is to be had there; also a part of a fill."""

    price: Decimal
    quantity: Decimal


class Quotes(Protocol):
    """What trading needs of a market; `bt_run.practice.market.Market` has it."""

    @property
    def rules(self) -> SymbolRules:
        """Give the symbol's rules."""

    @property
    def last_price(self) -> Decimal:
        """Give the price of the last print."""

    def average_price(self, minutes: int, now: int) -> Decimal:
        """Give the volume-weighted price of the last minutes."""

    def levels(self, side: Side, now: int) -> Iterator[tuple[Decimal, Decimal]]:
        """Give what a taker on `side` meets, best first."""


def floor_to(amount: Decimal, step: Decimal) -> Decimal:
    """Round down to a multiple of `step`; 0 rounds nothing."""
    return amount - amount % step if step else amount


def crosses(side: Side, price: Decimal, limit: Decimal) -> bool:
    """Tell whether an order on `side` with this limit accepts `price`."""
    return price <= limit if side == "BUY" else price >= limit


class Depth:
    """
    The levels of one symbol as the account's own takers leave them; full again after every print.

    `at` is where the price stands inside a print's move; None between prints. While it is set, the best level
    of both sides is there: what is triggered on the way meets the book as it was then. `most` is how much of
    the base asset a taker finds in all; None: whatever the levels hold.
    """

    def __init__(self, market: Quotes, now: Callable[[], int]) -> None:
        self.market = market
        self.at: Decimal | None = None
        self.most: Decimal | None = None
        self.taken: dict[tuple[Side, Decimal], Decimal] = {}
        self._now = now

    @property
    def last(self) -> Decimal:
        """Give the price that triggers compare with."""
        return self.market.last_price if self.at is None else self.at

    def average(self) -> Decimal:
        """Give the price that the filters measure orders without a price by; 0 minutes mean the last price."""
        minutes = self.market.rules.average_price_minutes
        return self.market.average_price(minutes, self._now()) if minutes else self.market.last_price

    def levels(self, side: Side) -> Iterator[Level]:
        """Give what a taker on `side` meets now, best first, in whole steps of quantity, each > 0."""
        step = self.market.rules.step_size
        shift: Decimal | None = _ZERO if self.at is None else None
        budget = self.most
        for found, quantity in self.market.levels(side, self._now()):
            if shift is None:
                shift = (self.at or _ZERO) - found
            price = found + shift
            if price <= 0:
                return
            left = floor_to(quantity - self.taken.get((side, price), _ZERO), step)
            if budget is not None:
                left = min(left, budget)
                budget -= max(left, _ZERO)
            if left > 0:
                yield Level(price, left)

    def take(self, side: Side, part: Level) -> None:
        """Note that a taker on `side` took a part."""
        key = (side, part.price)
        self.taken[key] = self.taken.get(key, _ZERO) + part.quantity

    def refill(self) -> None:
        """Fill all levels: there was a print."""
        self.taken.clear()


def walk(
    levels: Iterable[Level], quantity: Decimal, *, side: Side = "BUY", limit: Decimal | None = None
) -> list[Level]:
    """Take up to `quantity` from the best level on, no further than `limit`."""
    parts: list[Level] = []
    left = quantity
    for price, available in levels:
        if left <= 0 or (limit is not None and not crosses(side, price, limit)):
            break
        taken = min(left, available)
        parts.append(Level(price, taken))
        left -= taken
    return parts


def walk_quote(levels: Iterable[Level], quote: Decimal, step: Decimal) -> tuple[list[Level], Decimal]:
    """
    Take what `quote` units of the quote asset are worth, in whole steps of quantity, never more.

    Returns:
        The parts, and the quantity that the levels were too few for (0 where there were enough).
    """
    parts: list[Level] = []
    left = quote
    price = _ZERO
    for price, available in levels:
        affordable = floor_to(left / price, step)
        taken = min(affordable, available)
        if taken > 0:
            parts.append(Level(price, taken))
            left -= price * taken
        if taken == affordable:
            return parts, _ZERO
    return parts, floor_to(left / price, step) if price else _ZERO
