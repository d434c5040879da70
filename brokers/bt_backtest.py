"""
Backtrader's simulated broker, keeping the books and holding the protective orders.

Execution is stock Backtrader. Two things are added. The broker writes down cash, value and holding of
every bar and every fill, which costs a tenth of what analyzers and observers cost. And where a
`Protection` is set, it attaches a stop and a take-profit to every entry the moment it fills, as an
exchange does with an OTOCO order list, so that they work for any strategy and on the entry bar itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np

from bt_run.core.results import EquityCurve, Fill, RejectedOrder
from bt_run.core.settings import Protection

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.market import Bars

__all__ = ["BacktestBroker"]

_TAG_BY_TYPE = {
    bt.Order.Stop: "stop",
    bt.Order.StopLimit: "stop",
    bt.Order.StopTrail: "trailing_stop",
    bt.Order.StopTrailLimit: "trailing_stop",
    bt.Order.Limit: "limit",
}
_PROGRESS_EVERY = 4096


class BacktestBroker(bt.brokers.BackBroker):  # type: ignore[misc]  # backtrader ships no types
    """
    Stock BackBroker that records, and protects positions where told to.

    Params:
        bars: the run's bars; one data feed holds them.
        protection: stop-loss, take-profit and trailing stop, in percent of the entry price.
        progress: called with the number of bars done, about every 4,096 bars; None for nobody.
    """

    params: Any = (("bars", None), ("protection", Protection()), ("progress", None))

    def init(self) -> None:
        """Open empty books; called by Backtrader at the start of every run."""
        super().init()
        bars: Bars = self.p.bars
        self._books = np.full((3, len(bars)), np.nan)
        self._fills: list[Fill] = []
        self._rejected: list[RejectedOrder] = []
        self._protective: list[Any] = []
        self._entered_at_open: Any = None
        self._bar = -1

    @property
    def bars_done(self) -> int:
        """How many bars have been worked; the last of them may be the one that is worked now."""
        return self._bar + 1

    @property
    def curve(self) -> EquityCurve:
        """Equity, cash and holding at the close of every bar that was worked."""
        return EquityCurve(*self._books[:, : self.bars_done])

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Every execution in the order in which it happened."""
        return tuple(self._fills)

    @property
    def rejected(self) -> tuple[RejectedOrder, ...]:
        """Every order that cash could not pay, or that Backtrader refused."""
        return tuple(self._rejected)

    def next(self) -> None:
        """Work one bar: the strategy's orders first, then those that protect, then the books."""
        data = self.cerebro.datas[0]
        self._bar = bar = len(data) - 1
        position = self.positions[data]
        if self._is_quiet(data, position):
            self._mark_to_market(data, position)
        elif self.p.protection:
            self._put_protective_orders_last()
            super().next()
            self._work_new_protection()
        else:
            super().next()
        books = self._books
        books[0, bar], books[1, bar], books[2, bar] = self._value, self.cash, position.size
        progress: Callable[[int], None] | None = self.p.progress
        if progress is not None and not bar % _PROGRESS_EVERY:
            progress(bar)

    def notify(self, order: Any) -> None:
        """Tell the strategy of an order, with the next news, and write down what happened to it."""
        super().notify(order)
        self._write_down(order)

    def _write_down(self, order: Any) -> None:
        """Note fills and refusals as they happen, and keep the protection in step with the position."""
        filled = False
        for bit in order.executed.iterpending():
            filled = True
            self._fills.append(
                Fill(
                    bar=self._bar,
                    time_ms=int(self.p.bars.open_time[self._bar]),
                    size=bit.size,
                    price=bit.price,
                    fee=bit.closedcomm + bit.openedcomm,
                    position=self.positions[order.data].size,
                    tag=order.info.get("tag") or _TAG_BY_TYPE.get(order.exectype, "signal"),
                )
            )
        if order.status in (order.Margin, order.Rejected):
            self._rejected.append(self._refusal(order))
        if filled and self.p.protection:
            self._protect_position_after(order)

    def _is_quiet(self, data: Any, position: Any) -> bool:
        """Tell whether this bar has only its close to book: no order, no payment, no interest, no margin."""
        if self.pending or self.submitted or self._toactivate or self._cash_addition or len(self.positions) > 1:
            return False
        if self._userhist or self._fundhist:
            return False
        if not position.size:
            return True
        costs = self.getcommissioninfo(data)
        return bool(costs.stocklike and not costs.p.interest)

    def _mark_to_market(self, data: Any, position: Any) -> None:
        """
        Do what Backtrader's next() comes to on a quiet bar, without asking everything again.

        Most bars are quiet, and this saves a sixth of a run. `test_quiet_bars_leave_what_backtrader_leaves`
        compares all that Backtrader would set.
        """
        if position.size:
            position.datetime = data.datetime.datetime()
            position.adjbase = data.close[0]
            self._get_value()
            return
        self._value = self._valuelever = self.cash
        self._fundval = self.cash / self._fundshares
        self._valuemkt = self._valuemktlever = self._leverage = self._unrealized = 0.0

    def _refusal(self, order: Any) -> RejectedOrder:
        size = abs(order.executed.remsize)
        if order.status == order.Rejected:
            reason = "refused by the broker: the order it depends on is gone"
        else:
            reason = f"not enough cash: {self.cash:,.2f} free when the order came to its turn"
        return RejectedOrder(
            bar=self._bar,
            time_ms=int(self.p.bars.open_time[self._bar]),
            side="buy" if order.isbuy() else "sell",
            size=size,
            price=order.created.price,
            reason=reason,
        )

    def _put_protective_orders_last(self) -> None:
        """
        Let the strategy's own orders of this bar go first.

        A market exit at the open and a stop that the same bar reaches must not both fill: the exit closes
        the position, which takes the stop away. Backtrader takes in new orders at the start of a bar, so
        that is done first; doing it again within the bar finds nothing left.
        """
        self.check_submitted()
        for order in self._protective:
            if order in self.pending:
                self.pending.remove(order)
                self.pending.append(order)

    def _work_new_protection(self) -> None:
        """
        Try this bar's new protective orders on the rest of the bar.

        Only after an entry at the open: then the whole range of the bar came after it. What a bar did after
        an entry inside it cannot be known, so those orders start with the next bar.
        """
        if self._entered_at_open is None:
            return
        self._entered_at_open = None
        for order in tuple(self._protective):
            if order in self.pending:
                self.pending.remove(order)
                self._try_exec(order)
                if order.alive():
                    self.pending.append(order)
        self._get_value()

    def _protect_position_after(self, order: Any) -> None:
        """Attach, resize or take away protection so that it covers the position that this fill left."""
        if order in self._protective:
            self._protective = [other for other in self._protective if other is not order]
            return
        levels = {other.info.get("tag"): other.created.price for other in self._protective}
        was_long = bool(self._protective) and not self._protective[0].isbuy()
        for other in self._protective[:1]:
            self.cancel(other)  # takes the rest of its OCO group along
        self._protective = []
        position = self.positions[order.data]
        if not position.size:
            return
        grew_or_turned = (position.size > 0) != was_long or (order.isbuy() == (position.size > 0))
        self._protective = self._place(order, position, {} if grew_or_turned else levels)
        if order.exectype == order.Market:
            self._entered_at_open = order

    def _place(self, entry: Any, position: Any, levels: dict[str, float]) -> list[Any]:
        """
        Place the stop first, then the take-profit in the stop's OCO group: Backtrader works them in that order.

        `levels` are the prices to keep where a part of the position was sold; otherwise prices are reckoned
        from the average entry price.
        """
        protection: Protection = self.p.protection
        sign = 1 if position.size > 0 else -1
        make = self.sell if position.size > 0 else self.buy
        placed: list[Any] = []

        def place(tag: str, pct: float | None, direction: int, **kind: Any) -> None:
            if pct is None:
                return
            price = position.price * (1 + direction * sign * pct / 100)
            if kind.get("exectype") == bt.Order.StopTrail:
                price = position.price
            order = make(
                entry.owner,
                entry.data,
                abs(position.size),
                price=price,
                oco=placed[0] if placed else None,
                _checksubmit=False,
                tag=tag,
                **kind,
            )
            if tag in levels:
                order.created.price = levels[tag]
            placed.append(order)

        place("stop_loss", protection.stop_loss_pct, -1, exectype=bt.Order.Stop)
        trailing = protection.trailing_stop_pct
        place(
            "trailing_stop",
            trailing,
            -1,
            exectype=bt.Order.StopTrail,
            trailpercent=None if trailing is None else trailing / 100,
        )
        place("take_profit", protection.take_profit_pct, 1, exectype=bt.Order.Limit)
        return placed
