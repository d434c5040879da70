"""The live broker with the run's own work around each of its turns."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import backtrader as bt

from brokers.bt_broker import BinanceBroker
from bt_run.run.live.recorder import JournalRecorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

    from brokers.holdings import Holding
    from brokers.order_events import Filled
    from brokers.orders import Order
    from bt_run.run.live.missed import MissedExits
    from bt_run.run.live.turns import LiveTurns

__all__ = ["LiveBroker"]

_LOOK_S = 0.05
_DAY_MS = 86_400_000
_EPOCH_DAY = 719_163


class LiveBroker(BinanceBroker):
    """
    `BinanceBroker` in a live run.

    `newest_trades` are id and time of the trades that were booked last, by symbol, until somebody takes them.
    `turns` is set before Cerebro runs. `missed` remembers what was ordered on bars that came too late. While
    `may_trade_on_history` nothing asks whether a bar is live: at the end of a run its orders are cancelled and
    its position is closed on whatever bar was the last.
    """

    turns: LiveTurns | None = None
    may_trade_on_history = False

    def __init__(self, *, missed: MissedExits, **asked: Any) -> None:
        super().__init__(is_live=self._is_live, **asked)
        self.missed = missed
        self.newest_trades: dict[str, tuple[int, int]] = {}
        recorder = asked.get("recorder")
        if isinstance(recorder, JournalRecorder):
            recorder.bar_of = self.bar_time

    def _is_live(self, data: Any) -> bool:
        if self.may_trade_on_history or not data.last_is_live:
            return self.may_trade_on_history
        symbol = self._bound.symbol_of(data) or ""
        return self.missed.is_news(symbol, self.bar_time(symbol))

    def _order(self, side: str, owner: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        order = super()._order(side, owner, data, *args, **kwargs)
        self.missed.ordered(self._bound.symbol_of(data) or "", order)
        return order

    def _may_cancel(self, order: Any) -> bool:
        # To take an entry back is safe at any time, and is news; what it repeats of its past is not.
        is_wish = order.isbuy() and self.missed.is_missed(self._bound.symbol_of(order.data) or "")
        return is_wish or super()._may_cancel(order)

    def trade_booked(self, order: Order, fill: Filled, before: Holding, after: Holding) -> None:
        """Keep it as the newest of its symbol, too."""
        self.newest_trades[order.symbol] = (fill.trade_id, fill.time_ms)
        super().trade_booked(order, fill, before, after)

    def next(self) -> None:
        """Work a turn."""
        if self.turns is not None:
            self.turns.before_broker()
        super().next()
        if self.turns is not None:
            self.turns.after_broker()

    def time_ms(self) -> int:
        """Give the exchange's time."""
        return self._gateway.server_time_ms()

    def bar_time(self, symbol: str) -> int | None:
        """Give the open time of a symbol's current bar, ms; None before the first, and at the end."""
        data = self._bound.data_of(symbol)
        if data is None or not len(data) or self.may_trade_on_history:
            return None
        return round((float(data.datetime[0]) - _EPOCH_DAY) * _DAY_MS)

    def commission_of(self, symbol: str) -> float:
        """Give what a taker pays for a symbol, as a fraction of the traded value."""
        fees = self._session.markets.fees.get(symbol)
        return 0.0 if fees is None else float(fees.taker)

    def sellable(self, symbol: str, quantity: Decimal) -> float:
        """Give what can be sold of a quantity, in steps of the symbol."""
        return float(self._session.markets.visible(symbol, quantity))

    def is_worth_telling(self, symbol: str) -> bool:
        """Tell whether what is held of a symbol can be sold."""
        return bool(self._session.held(symbol))

    # At the end.

    def cancel_open(self, *, all_orders: bool, limit_s: float, wait: Callable[[float], object]) -> bool:
        """Cancel orders that would buy, or all; tells whether all of them are known to be over."""
        until = time.monotonic() + limit_s
        self.may_trade_on_history = True
        self.protect(wanted=not all_orders)
        for order in self._chosen(all_orders=all_orders):
            self.cancel(order)
        return self._settled(until, wait, lambda: not list(self._chosen(all_orders=all_orders)))

    def close_all(self, owner: Any, *, limit_s: float, wait: Callable[[float], object]) -> list[str]:
        """
        Cancel everything and sell all that is held at market; gives sentences on what came of it.

        What the exchange did not buy is protected again, as far as the settings say.
        """
        until = time.monotonic() + limit_s
        told = []
        if not self.cancel_open(all_orders=True, limit_s=limit_s, wait=wait):
            told.append("Not every order is known to be cancelled.")
        for data, symbol in self._bound.bound():
            size = self.getposition(data).size
            if not size:
                continue
            order = self.sell(owner, data, size, exectype=bt.Order.Market)
            self._settled(until, wait, partial(_is_over, order))
            told.append(self._sold(symbol, order))
            if order.status != bt.Order.Completed:
                self.protect(wanted=True)
        super().next()
        return told

    def _sold(self, symbol: str, order: Any) -> str:
        if order.status == bt.Order.Completed:
            return f"{symbol}: sold {-order.executed.size:g} at {order.executed.price:,.8g}."
        reason = order.info.get("reason") or order.getstatusname()
        return f"{symbol}: NOT SOLD, or not wholly: {reason}"

    def _chosen(self, *, all_orders: bool) -> Iterator[Any]:
        for order in self.get_orders_open():
            if all_orders or order.isbuy():
                yield order

    def _settled(self, until: float, wait: Callable[[float], object], done: Callable[[], bool]) -> bool:
        """Work turns of the broker alone until something is done, or the time is over."""
        while True:
            super().next()
            if done():
                return True
            left = until - time.monotonic()
            if left <= 0:
                return False
            wait(min(left, _LOOK_S))


def _is_over(order: Any) -> bool:
    return not order.alive()
