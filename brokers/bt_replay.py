"""
The backtest broker under the conditions of a live run.

A live run sees bars that it cannot trade on: its warm-up, and those that came while it was away. The live
broker refuses what a strategy orders on them; so does this one, with the same words. Orders that rest already
go on working on such bars, as they do on an exchange.
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
    """

    params: Any = (("tradable", None), ("opening", (0.0, 0.0)))

    def init(self) -> None:
        """Open empty books; called by Backtrader at the start of every run."""
        super().init()
        self._placed: dict[int, PlacedOrder] = {}

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
        if is_own or self.p.tradable[max(self._bar, 0)]:
            return super().submit(order, check=check)
        order.submit(self)
        self.notify(order)
        order.addinfo(reason=HISTORY)
        order.reject(self)
        self.notify(order)
        return order

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
