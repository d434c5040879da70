"""A signal desk's audience that makes alerts: the meeting of ``bt-run signals`` and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS
from bt_run.run.alerting.desk import BarTold
from bt_run.run.alerting.telling import signal_told
from bt_run.run.live.words import amount
from bt_run.run.signals.audience import SignalSilence
from bt_run.run.signals.events import SignalSeen
from feeds.live.outcomes import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.run.alerting.desk import AlertDesk
    from bt_run.run.signals.audience import DeskView
    from bt_run.run.signals.desk import SignalDesk
    from bt_run.run.signals.events import DeskEvent

__all__ = ["SignalAlerts"]


class SignalAlerts(SignalSilence):
    """
    Tells an `AlertDesk` of signals, bars and connections.

    Args:
        desk: Started.
        scope: Tells this watch from others, so that a signal of another watch is another message.
    """

    def __init__(self, desk: AlertDesk, *, scope: str) -> None:
        self._desk = desk
        self._scope = scope
        self._desks: dict[str, SignalDesk] = {}
        self._told: dict[str, int] = {}

    def opened(self, desk: SignalDesk, standing: SignalSeen | None) -> None:
        """Take the history."""
        self._desks[desk.terms.symbol] = desk
        self._pass_bars(desk, is_live=False)

    def tell(self, event: DeskEvent, desk: SignalDesk) -> None:
        """Tell of a signal on which one could act."""
        if not isinstance(event, SignalSeen) or event.is_history or event.is_late:
            return
        self._pass_bars(desk, is_live=True)
        self._desk.tell(
            signal_told(
                scope=self._scope,
                symbol=event.symbol,
                interval=event.interval,
                words=event.kind,
                time_ms=event.time_ms,
                price=event.price,
                values=event.values,
                more=_size_words(event, desk.terms.filters.base_asset),
            )
        )

    def show(self, views: Sequence[DeskView]) -> None:
        """Pass on the bars that closed without a signal, and look at the connections."""
        for desk in self._desks.values():
            self._pass_bars(desk, is_live=True)
        if views:
            up = {view.symbol: view.phase is not Phase.OFFLINE for view in views}
            self._desk.connections(up, max(view.now_ms for view in views))

    def _pass_bars(self, desk: SignalDesk, *, is_live: bool) -> None:
        bars, symbol = desk.bars, desk.terms.symbol
        if bars is None or not len(bars):
            return
        fresh = bars.between(self._told.get(symbol, -1) + 1, None)
        interval = Interval.parse(desk.terms.interval)
        columns = [getattr(fresh, name) for name in BAR_COLUMNS[1:]]
        for place in range(len(fresh)):
            row = tuple(float(column[place]) for column in columns)
            self._desk.bar(BarTold(symbol, interval, int(fresh.open_time[place]), row, is_live=is_live))
        self._told[symbol] = int(bars.open_time[-1])


def _size_words(event: SignalSeen, base_asset: str) -> str:
    """Say what the amount to invest would buy."""
    if event.sizing is None:
        return ""
    return f"size {amount(event.sizing.quantity)} {base_asset}"
