"""
The backtest broker under the conditions of a live run.

A live run sees bars that it cannot trade on: its warm-up, and those that came while it was away. The live
broker refuses what a strategy orders on them; so does this one, with the same words. Orders that rest already
go on working on such bars, as they do on an exchange, and sales among them are not taken back. Exits at market
on bars that were missed are made up for as `bt_run.run.live.missed` does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import backtrader as bt

from brokers.bt_backtest import BacktestBroker
from bt_run.core.results import PlacedOrder

if TYPE_CHECKING:
    from bt_run.core.results import RejectedOrder

__all__ = ["HISTORY", "ReplayBroker"]

HISTORY = "this bar is history; nothing is traded on it"
"""Why an order on a bar that is not tradable is refused; the words of the live broker."""

_KINDS = {
    bt.Order.Market: "market",
    bt.Order.Close: "market",
    bt.Order.Limit: "limit",
    bt.Order.Stop: "stop",
    bt.Order.StopLimit: "stop_limit",
    bt.Order.StopTrail: "trailing_stop",
    bt.Order.StopTrailLimit: "trailing_stop",
}
_PROTECTIVE = ("stop_loss", "take_profit", "trailing_stop")


class ReplayBroker(BacktestBroker):
    """
    BacktestBroker that trades only where it is told, and writes down every order.

    Params:
        tradable: boolean array of shape (n,), one value a bar.
        opening: (size, price) that is held before the first bar; its cost is not taken from the cash.
        missed_exits: Whether exits on missed bars are made up for; those before the first tradable one are not.
    """

    params: Any = (("tradable", None), ("opening", (0.0, 0.0)), ("missed_exits", False))

    def init(self) -> None:
        """Open empty books; called by Backtrader at the start of every run."""
        super().init()
        self._placed: dict[int, PlacedOrder] = {}
        self._missed: tuple[Any, Any, float] | None = None
        self._works = False

    def start(self) -> None:
        """Take over what is held from before; called by Cerebro, which has given the data by now."""
        super().start()
        size, price = self.p.opening
        if size:
            self.positions[self.cerebro.datas[0]].set(size, price)

    @property
    def placed(self) -> tuple[PlacedOrder, ...]:
        """Every order in the order in which it was made."""
        return tuple(self._placed.values())

    def submit(self, order: Any, check: bool = True) -> Any:
        """Write an order down and take it in, or refuse it where nothing may be traded."""
        tag = order.info.get("tag") or ""
        self._placed[order.ref] = PlacedOrder(
            bar=max(self._bar, 0),
            side="buy" if order.isbuy() else "sell",
            kind=_KINDS.get(order.exectype, "other"),
            size=abs(order.size),
            tag=tag,
        )
        is_own = not check and tag in _PROTECTIVE
        if is_own or self._is_tradable:
            if order.isbuy() or (not is_own and order.exectype == bt.Order.Market):
                self._missed = None
            return super().submit(order, check=check)
        self._miss(order)
        order.submit(self)
        self.notify(order)
        order.addinfo(reason=HISTORY)
        order.reject(self)
        self.notify(order)
        return order

    @property
    def _is_tradable(self) -> bool:
        return bool(self.p.tradable[max(self._bar, 0)])

    def _miss(self, order: Any) -> None:
        """Remember an exit that is refused because its bar came too late; a wish to buy takes it back."""
        if order.isbuy():
            self._missed = None
        elif order.exectype == bt.Order.Market and not order.parent and self.p.tradable[: self._bar + 1].any():
            before = self._missed[2] if self._missed else 0.0
            self._missed = (order.owner, order.data, max(abs(order.size), before))

    def next(self) -> None:
        """Work one bar; a missed exit goes first, at the open, if the bar before was tradable."""
        if self._missed and self.p.missed_exits and self._bar >= 0 and self._is_tradable:
            owner, data, size = self._missed
            self._missed = None
            held = self.positions[data].size
            if held > 0:
                order = self.sell(owner, data, min(held, size), exectype=bt.Order.Market)
                order.created.dt = data.datetime[-1]  # it belongs to the bar before, and may fill at this open
        self._works = True
        super().next()
        self._works = False

    def cancel(self, order: Any, bracket: bool = False) -> bool:
        """Cancel an order; the strategy cannot take a sale back on a bar that is not tradable."""
        if order.issell() and not (self._works or self._is_tradable):
            return False
        return bool(super().cancel(order, bracket))

    def notify(self, order: Any) -> None:
        """Note fills and refusals with their order."""
        before = len(self._fills)
        super().notify(order)
        known = self._placed.get(order.ref)
        if known is None:
            return
        fills = tuple(range(before, len(self._fills)))
        reason = known.reason
        if order.status in (order.Margin, order.Rejected):
            reason = self._rejected[-1].reason
        if fills or reason != known.reason:
            self._placed[order.ref] = replace(known, fills=(*known.fills, *fills), reason=reason)

    def _refusal(self, order: Any) -> RejectedOrder:
        refusal = super()._refusal(order)
        given = order.info.get("reason")
        return replace(refusal, reason=given) if given else refusal
