"""
A Cerebro whose bars cost less.

Backtrader's `_runonce` moves every line, works the broker, sums up the account, tells everybody and moves the
observers, bar by bar. `AcceleratedCerebro` does of that what somebody can notice, in the same order. All else
is Backtrader's own code: indicators, orders, executions, trades, and what the strategy calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

from bt_run.core.errors import NotCovered
from bt_run.run.accelerated.bt_coverage import find_lines, find_reason
from bt_run.run.accelerated.bt_cursor import Cursor

if TYPE_CHECKING:
    from bt_run.run.accelerated.bt_broker import AcceleratedBroker

__all__ = ["AcceleratedCerebro"]

_BLOCK = 4096


class AcceleratedCerebro(bt.Cerebro):  # type: ignore[misc]  # backtrader ships no types
    """
    A Cerebro that runs its strategy in the accelerated loop where that covers the run.

    `fallback` says after the run why Backtrader's own loop ran it, empty where the accelerated one did. With
    ``strict=True`` NotCovered is raised instead, before the first bar.
    """

    params: Any = (("strict", False),)

    fallback = ""

    def _runonce(self, runstrats: list[Any]) -> None:
        """Run all bars; called by Backtrader when the strategy is ready and before the first bar."""
        reason = find_reason(self, runstrats)
        if reason is not None:
            self._fall_back(reason)
            super()._runonce(runstrats)
            return
        strategy, feed = runstrats[0], self.datas[0]
        strategy._once()
        strategy.reset()
        lines = find_lines(strategy, feed)
        if lines is None:
            self._fall_back("a line of the strategy does not move in step with the data")
            self._go_on(strategy, feed)
            return
        broker = self.broker
        cursor = Cursor(before_release=broker.leave)
        broker.attend(cursor, feed)
        cursor.hold(lines)
        try:
            self._run_held(strategy, feed, broker, cursor)
        finally:
            cursor.release()
            strategy._minperstatus = strategy._minperiods[0] - len(feed)
        self._go_on(strategy, feed)

    def _runnext(self, runstrats: list[Any]) -> None:
        """Run where a setting of the strategy's, or an indicator such as HeikinAshi, forbids whole arrays."""
        self._fall_back("an indicator or a setting makes Backtrader compute bar by bar")
        super()._runnext(runstrats)

    def _fall_back(self, reason: str) -> None:
        if self.p.strict:
            raise NotCovered("accelerated", reason)
        self.fallback = reason

    def _run_held(self, strategy: Any, feed: Any, broker: AcceleratedBroker, cursor: Cursor) -> None:
        """Run bars until the last, until the run is stopped, or until the strategy moves a line by hand."""
        times = feed.lines.datetime.array
        last = feed.buflen() - 1
        add_time, *add_others = [line.array.append for line in strategy.lines.lines]
        first_next = strategy._minperiods[0] - 1
        listens = _listens(strategy)
        position = broker.positions[feed]
        pending, activated, told = broker.pending, broker._toactivate, broker.notifs
        added = broker._cash_addition
        for start in range(0, last + 1, _BLOCK):
            broker.forget_quiet()  # so that progress is told
            for bar in range(start, min(start + _BLOCK, last + 1)):
                cursor.row = bar
                feed._tick_row = bar if bar != last else None
                notify = listens
                if told or pending or activated or added or position.size != broker.quiet_size:
                    broker.work()
                    notify = _deliver(told, strategy) or listens
                add_time(times[bar])
                for add in add_others:
                    add(_NAN)
                if notify:
                    strategy._notify()
                if bar > first_next:
                    strategy.next()
                elif bar == first_next:
                    strategy.nextstart()
                else:
                    strategy.prenext()
                if notify:
                    strategy.clear()
                if self._event_stop or cursor.released:
                    return

    def _go_on(self, strategy: Any, feed: Any) -> None:
        """Run the bars that are left as Backtrader's loop does."""
        while not self._event_stop and (time := feed.advance_peek()) != _NO_MORE:
            feed.advance()
            self._brokernotify()
            if self._event_stop:
                return
            strategy._oncepost(time)


_NAN = float("nan")
_NO_MORE = float("inf")


def _listens(strategy: Any) -> bool:
    """Tell whether the strategy wants to hear of cash and value at every bar."""
    return any(
        getattr(getattr(strategy, name), "__func__", None) is not getattr(bt.Strategy, name)
        for name in ("notify_cashvalue", "notify_fund")
    )


def _deliver(told: Any, strategy: Any) -> bool:
    """Hand the broker's news to the strategy, as `_brokernotify` does; False where there was none."""
    if not told:
        return False
    while told:
        order = told.popleft()
        owner = strategy if order.owner is None else order.owner
        owner._addnotification(order, quicknotify=False)
    return True
