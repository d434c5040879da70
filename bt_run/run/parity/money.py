"""
What each difference cost, so that all amounts together are the difference of the two final equities.

The final equity of a side is its cash at the start plus, for every execution of a signed size s at a price p
with a fee f, s * (mark - p) - f, plus what its holding is worth above the marks. That holds for any mark, as
long as all executions of a trip share it. The mark is the price at which live left the trip (the backtest,
where live was not in it), and the last close for a trip that is still open. So a size that differs earns or
loses what the trip did, and an exit that differs only because its entry did costs nothing by itself.

Of an order that both sides executed, the difference is then exactly

- price: backtest's size * (backtest's price - live price), with the commission on it,
- size: (live size - backtest's size) * (mark - live price), with the commission on it,
- fee: what live paid beyond the commission rate, a fee in base asset taken at the mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bt_run.run.parity.pairs import Episode
    from bt_run.run.parity.sides import SideOrder

__all__ = ["Parts", "average_price", "contribution", "dust_amount", "mark_of", "parts_of", "profit_of"]


@dataclass(frozen=True, slots=True)
class Parts:
    """What price, size and fee of one order did to the live side's money, against the backtest's."""

    price: float
    size: float
    fee: float


def contribution(order: SideOrder | None, mark: float) -> float:
    """Give what an order's executions did to the equity at `mark`; 0 for an order without any."""
    if order is None or not order.quantity:
        return 0.0
    return order.size * (mark - order.price) - order.fee - order.base_fee * mark


def parts_of(live: SideOrder, backtest: SideOrder, *, mark: float, rate: float) -> Parts:
    """Split the difference of an order that both sides executed."""
    price = backtest.size * (backtest.price - live.price)
    price -= rate * backtest.quantity * (live.price - backtest.price)
    size = (live.size - backtest.size) * (mark - live.price)
    size -= rate * (live.quantity - backtest.quantity) * live.price
    usual = rate * live.quantity * live.price
    beyond = backtest.fee - rate * backtest.quantity * backtest.price
    fee = usual - live.fee - live.base_fee * mark + beyond
    return Parts(price, size, fee)


def mark_of(episode: Episode, last_close: float) -> float:
    """Give the price that the executions of an episode are measured by."""
    if not episode.flat:
        return last_close
    lives = [pair.live for pair in episode.pairs if pair.live is not None and pair.live.quantity]
    others = [pair.backtest for pair in episode.pairs if pair.backtest is not None and pair.backtest.quantity]
    for orders in (lives, others):
        if orders:
            price = average_price(order for order in orders if order.side != orders[0].side)
            return last_close if price != price else price  # noqa: PLR0124  # NaN: it never left
    return last_close


def average_price(orders: Iterable[SideOrder]) -> float:
    """Give the price of several orders, weighted by quantity; NaN without an execution."""
    traded = [order for order in orders if order.quantity]
    total = sum(order.quantity for order in traded)
    if len({order.price for order in traded}) == 1:
        return traded[0].price
    return sum(order.quantity * order.price for order in traded) / total if total else float("nan")


def profit_of(orders: Iterable[SideOrder], *, net: float, last_close: float) -> float:
    """Give what orders earned in cash, with what is left of them at the last close."""
    return sum(contribution(order, 0.0) for order in orders) + net * last_close


def dust_amount(episode: Episode, mark: float, last_close: float) -> float:
    """Give what the sides' unequal rests, too small to sell, are worth beyond the mark."""
    return (episode.live_net - episode.backtest_net) * (last_close - mark)
