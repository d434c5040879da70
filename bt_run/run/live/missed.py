"""
What a strategy wants on bars that came too late to trade on: leaving is made up for, entering is not.

A strategy that gives a signal once would else hold its position until the next one, which may be days away. So
a sale at market that it ordered on a missed bar is sent at the first live bar, where the position is still held
then. That is after the strategy's own turn: what it decides at that bar goes first, as in a backtest. An entry
is left out, because its price is gone, and so are orders that rest: whoever wants them still places them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import backtrader as bt

from bt_run.core.clock import iso_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bt_run.run.live.log import BarSeen

__all__ = ["MissedExits"]


@dataclass(frozen=True, slots=True)
class _Exit:
    """A sale that was not sent: the bar that led to it (open time, ms), and of how much, base asset, > 0."""

    open_time: int
    size: float
    owner: Any
    data: Any


class MissedExits:
    """
    Remembers them until a live bar has been met; for the thread that trades.

    Args:
        is_on: Whether exits are made up for at all.
        acted: The last bar of each symbol (open time, ms) at which an earlier run has ordered. What is ordered
            there again was sent then.
        seen: The last bar of each symbol that an earlier run has seen, and so decided on.
    """

    def __init__(
        self,
        *,
        is_on: bool = True,
        acted: Mapping[str, int] = MappingProxyType({}),
        seen: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._is_on = is_on
        self._acted = dict(acted)
        self._seen = dict(seen)
        self._bars: dict[str, BarSeen] = {}
        self._exits: dict[str, _Exit] = {}
        self._due: set[str] = set()

    def met(self, bars: Iterable[BarSeen]) -> None:
        """Take the closed bars that the strategies are about to meet."""
        for bar in bars:
            self._bars[bar.symbol] = bar
            if bar.is_live and bar.symbol in self._exits:
                self._due.add(bar.symbol)

    def is_news(self, symbol: str, open_time: int | None) -> bool:
        """Tell whether no earlier run has decided on a bar; on its last one nothing is traded again."""
        return open_time is None or open_time not in (self._seen.get(symbol), self._acted.get(symbol))

    def is_missed(self, symbol: str) -> bool:
        """Tell whether the symbol's current bar came too late to trade on, and is not of the history."""
        return symbol in self._bars and self._bars[symbol].source == "backfill"

    def ordered(self, symbol: str, order: Any) -> None:
        """Take an order of a strategy, which was refused where its bar was missed."""
        at_market = order.exectype == bt.Order.Market and not order.parent
        if order.isbuy():
            self._forget(symbol)  # it wants to hold again
        elif not self.is_missed(symbol):
            if at_market:
                self._forget(symbol)  # it leaves by itself
        elif at_market and self._is_on:
            bar, known = self._bars[symbol].open_time, self._exits.get(symbol)
            if bar > self._acted.get(symbol, -1):
                size = max(abs(order.created.size), known.size if known else 0.0)
                self._exits[symbol] = _Exit(bar, size, order.owner, order.data)

    def make_up(self, broker: Any, say: Callable[[str], object]) -> None:
        """Send what is due; after the strategies' turn. While an order is in doubt it waits."""
        if not self._due or broker.asks:
            return
        for symbol in tuple(self._due):
            missed = self._exits[symbol]
            self._forget(symbol)
            held = broker.getposition(missed.data).size
            if held > 0:
                at = iso_utc(missed.open_time)
                say(f"{symbol}: the exit of {at} came too late to be sent; it is made up for.")
                broker.sell(missed.owner, missed.data, min(held, missed.size))

    def _forget(self, symbol: str) -> None:
        self._exits.pop(symbol, None)
        self._due.discard(symbol)
