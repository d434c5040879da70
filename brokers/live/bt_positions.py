"""
Executions in Backtrader's own objects: positions, order bits, and through them its trades.

Backtrader counts in floats and holds a trade open until its size is exactly 0. A fee in base asset makes what
is held smaller than what was bought, and what is below the lot step or the least value cannot be sold.
Therefore a position is what can be sold, and each execution opens or closes the change of *that*: a trade ends
when nothing is left to sell. Its sizes are steps of one running float, so that they add up to 0.0, not 1e-17.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

from brokers.amounts import ZERO, minus, plus

if TYPE_CHECKING:
    from decimal import Decimal

    from brokers.holdings import Holding
    from brokers.live.bt_tickets import Ticket
    from brokers.live.markets import Markets
    from brokers.order_events import Filled
    from brokers.orders import Order

__all__ = ["Positions", "day_of", "time_of"]

_DAY_MS = 86_400_000
_EPOCH_DAY = 719_163


def day_of(time_ms: int) -> float:
    """Give a time as Backtrader's day number."""
    return _EPOCH_DAY + time_ms / _DAY_MS


def time_of(day: float) -> int:
    """Give Backtrader's day number as ms since 1970 UTC."""
    return round((day - _EPOCH_DAY) * _DAY_MS)


class Positions:
    """One position per symbol, and the running sizes of each strategy's trades."""

    def __init__(self, markets: Markets) -> None:
        self._markets = markets
        self._positions: dict[str, Any] = {}
        self._shown: dict[str, Decimal] = {}
        self._trades: dict[tuple[int, int, int], tuple[Decimal, float]] = {}

    def of(self, symbol: str) -> Any:
        """Give Backtrader's position of a symbol; the same object always."""
        known = self._positions.get(symbol)
        if known is None:
            known = self._positions[symbol] = bt.Position()
        return known

    def show(self, holding: Holding) -> None:
        """Set a position to what can be sold of a holding."""
        position = self.of(holding.symbol)
        size = self._markets.shown(holding.symbol, holding.quantity, holding.average_price)
        self._shown[holding.symbol] = size
        position.set(float(size), float(holding.average_price or ZERO) if size else 0.0)

    def shrink(self, holding: Holding) -> None:
        """Show that coins went as another symbol's fee; trades count it with their next execution."""
        size = self._markets.shown(holding.symbol, holding.quantity, holding.average_price)
        self.of(holding.symbol).size = float(size)

    def execute(self, ticket: Ticket, order: Order, fill: Filled, before: Holding, after: Holding) -> None:
        """Write a trade into the position and into the ticket's order."""
        position = self.of(order.symbol)
        had = self._shown.get(order.symbol, ZERO)
        has = self._shown[order.symbol] = self._markets.shown(order.symbol, after.quantity, fill.price)
        fee = float(minus(after.fee_value, before.fee_value))
        paid = float(before.average_price or ZERO)
        position.update(float(has) - float(had), float(fill.price), bt.num2date(day_of(fill.time_ms)))
        position.size = float(has)
        position.price = float(after.average_price or ZERO) if has else 0.0
        moved = self._step(ticket.order, minus(has, had))
        closed = order.side == "SELL"
        self._write(ticket.order, fill, moved, closed=closed, fee=fee, paid=paid, position=position)

    def take_over(self, ticket: Ticket, holding: Holding, time_ms: int) -> None:
        """Write a holding from before this run into an order, as if it had been bought at its average price."""
        size = self._shown.get(holding.symbol, ZERO)
        price = float(holding.average_price or ZERO)
        moved = self._step(ticket.order, size)
        order, comminfo = ticket.order, ticket.order.comminfo
        value = comminfo.getvaluesize(moved, price)
        none_closed = (0.0, 0.0, 0.0)
        order.execute(
            day_of(time_ms),
            float(size),
            price,
            *none_closed,
            moved,
            value,
            0.0,
            comminfo.margin,
            0.0,
            self.of(holding.symbol).size,
            price,
        )

    def _step(self, order: Any, change: Decimal) -> float:
        """Give the change of the strategy's trade as a float; steps of one trade add up to its exact size."""
        key = (id(order.owner), id(order.data), order.tradeid)
        size, shown = self._trades.get(key, (ZERO, 0.0))
        size = plus(size, change)
        step = float(size) - shown
        self._trades[key] = (size, shown + step)
        return step

    def _write(
        self, order: Any, fill: Filled, moved: float, *, closed: bool, fee: float, paid: float, position: Any
    ) -> None:
        price, comminfo = float(fill.price), order.comminfo
        sign = -1.0 if closed else 1.0
        opened, shut = (0.0, moved) if closed else (moved, 0.0)
        pnl = comminfo.profitandloss(-shut, paid, price) if shut else 0.0
        status = order.status
        order.execute(
            day_of(fill.time_ms),
            sign * float(fill.quantity),
            price,
            shut,
            comminfo.getvaluesize(-shut, paid) if shut else 0.0,
            fee if closed else 0.0,
            opened,
            comminfo.getvaluesize(opened, price) if opened else 0.0,
            0.0 if closed else fee,
            comminfo.margin,
            pnl,
            position.size,
            position.price,
        )
        order.status = status  # what follows from the execution is decided by the exchange's order
