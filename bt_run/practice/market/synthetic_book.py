"""An order book around one price: what a taker meets, and what depth shows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

__all__ = ["LEVELS", "Level", "ladder", "shown_best", "taker_best"]

Level = tuple["Decimal", "Decimal"]
"""Price and quantity."""

LEVELS = 20

_PART = 10_000


def ladder(side: Literal["BUY", "SELL"], best: Decimal, quantity: Decimal, *, tick: Decimal) -> Iterator[Level]:
    """
    Give the levels that a taker on `side` walks through, best first; for ``BUY`` they go up.

    They lie a tick apart, or a ten-thousandth of the best price where that is more; fewer than `LEVELS` where
    the next would not be above 0. Each holds `quantity`.
    """
    step = max(tick, (best / _PART // tick) * tick)
    for number in range(LEVELS):
        price = best + step * number if side == "BUY" else best - step * number
        if price <= 0:
            return
        yield price, quantity


def taker_best(side: Literal["BUY", "SELL"], price: Decimal, *, tick: Decimal, spread_ticks: int) -> Decimal:
    """Give the best price for a taker; half of the spread goes to each side, an odd tick to the asks."""
    half = spread_ticks // 2
    return price + tick * (spread_ticks - half) if side == "BUY" else price - tick * half


def shown_best(price: Decimal, *, tick: Decimal, spread_ticks: int) -> tuple[Decimal, Decimal]:
    """
    Give the best bid and ask as depth and bookTicker show them.

    Without a spread takers of both sides meet the same price, but a book whose bid equals its ask does not
    exist on Binance and clients take it for damage: it is shown one tick to either side of the price.
    """
    if spread_ticks == 0:
        return price - tick, price + tick
    return (
        taker_best("SELL", price, tick=tick, spread_ticks=spread_ticks),
        taker_best("BUY", price, tick=tick, spread_ticks=spread_ticks),
    )
