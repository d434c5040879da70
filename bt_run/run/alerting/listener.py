"""A live run's events become alerts: the one place where alerts and live runs meet."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from brokers.amounts import minus, plus
from brokers.order_events import Filled
from bt_run.core.errors import ConfigError
from bt_run.run.alerting.daily import Day
from bt_run.run.alerting.desk import AlertDesk, BarTold
from bt_run.run.alerting.telling import (
    breach_told,
    error_told,
    is_difference,
    order_told,
    reconcile_told,
    refusal_told,
    restart_told,
    signal_told,
)
from bt_run.run.live.listener import RunListener
from feeds.live.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from brokers.holdings import Ledger
    from brokers.order_events import Event
    from brokers.orders import Order
    from bt_run.alerts.happening import Happening, Picture
    from bt_run.alerts.settings import AlertSettings
    from bt_run.alerts.target import Target
    from bt_run.journal.database import Place
    from bt_run.run.alerting.control.control import TelegramControl
    from bt_run.run.live.listener import RunBeginning
    from bt_run.run.live.log import BarSeen
    from bt_run.run.live.status import LiveSnapshot
    from bt_run.run.safety_rules import Breach

__all__ = ["LiveAlerts"]

_CLOSE_S = 5.0
_HANG_UP_S = 4.0
_SIGNALS_ONLY = "signals only"


class LiveAlerts(RunListener):
    """
    Tells an `AlertDesk` of a run; called in the thread that trades, which it never keeps waiting.

    Args:
        settings: What is sent.
        targets: Where to.
        draw: As in `AlertDesk`.
        close_s: How long the end of the run may wait for what is still to be sent.
    """

    def __init__(
        self,
        settings: AlertSettings,
        targets: Sequence[Target],
        *,
        draw: Callable[[Picture], bytes] | None = None,
        close_s: float = _CLOSE_S,
    ) -> None:
        self._settings = settings
        self._targets = targets
        self._draw = draw
        self._close_s = close_s
        self._desk: AlertDesk | None = None
        self._day = Day()
        self._earned: dict[str, Decimal | None] = {}
        self._breaches: set[str] = set()
        self._untold: list[Happening] = []
        self._snapshot: LiveSnapshot | None = None
        self._control: TelegramControl | None = None
        self.unsent = False
        """Whether the run has ended with messages that were due and are not sent."""

    # The run's life.

    def began(self, beginning: RunBeginning) -> None:
        """Open the desk on the run's journal."""
        plan, record = beginning.plan, beginning.record
        self._scope = f"{record.started_ms}-{record.run}"
        self._interval, self._grid = plan.interval, Grid(plan.interval)
        self._symbols = " ".join(plan.symbols)
        self._what = f"{plan.strategy.name} on {self._symbols}"
        self._differences = 0
        draw: dict[str, Any] = {} if self._draw is None else {"draw": self._draw}
        self._desk = AlertDesk(self._settings, self._targets, beginning.journal, **draw).start()
        if self._settings.telegram.is_on:
            self._control = self._open_control(beginning.journal)
        if beginning.is_restart:
            now_ms = time.time_ns() // 1_000_000
            self._tell(
                restart_told(self._symbols, time_ms=now_ms, scope=self._scope, strategy=plan.strategy.name)
            )

    def reconciled(self, sentence: str, time_ms: int) -> None:
        """Tell of a difference; that the run goes on is told by its restart, and others' coins are no news."""
        if is_difference(sentence):
            self._differences += 1
            self._tell(reconcile_told(sentence, time_ms=time_ms, scope=self._scope, number=self._differences))

    def failed(self, error: BaseException, *, limit_s: float) -> None:
        """Tell of the error, and close the desk."""
        if isinstance(error, Exception):
            now_ms = time.time_ns() // 1_000_000
            self._tell(error_told(error, self._symbols, time_ms=now_ms, scope=self._scope))
        self._close(limit_s)

    def ended(self, reason: str, *, limit_s: float) -> None:
        """Close the desk."""
        self._close(limit_s)

    # What happens in it.

    def bar(self, bar: BarSeen, value: Decimal) -> None:
        """Keep the bar, and the day's account."""
        if self._desk is None:
            return
        self._desk.bar(BarTold(bar.symbol, self._interval, bar.open_time, bar.row, bar.is_live))
        if bar.source == "history":
            return
        end = self._grid.end_of(bar.open_time)
        self._day, told = self._day.with_bar(end, value, scope=self._scope, what=self._what)
        self._tell(told)

    def signalled(self, bar: BarSeen, words: str, values: Mapping[str, float]) -> None:
        """Tell of a signal, before the orders that it has led to: they are told in the turn before."""
        told = signal_told(
            scope=self._scope,
            symbol=bar.symbol,
            interval=str(self._interval),
            words=words,
            time_ms=self._grid.end_of(bar.open_time),
            price=bar.row[3],
            values=values,
        )
        self._untold.insert(0, told)

    def order_changed(self, order: Order, event: Event) -> None:
        """Tell of a refusal, and of an order that ended half done; a whole one is told by its trade."""
        if not isinstance(event, Filled):
            self._tell(order_told(order, event, scope=self._scope))

    def filled(self, order: Order, fill: Filled, fee: Decimal, ledger: Ledger) -> None:
        """Tell of an order that is done, with what its sale earned."""
        self._day = self._day.with_fee(fee)
        if not order.is_terminal:
            return
        now, before = ledger.holding(order.symbol).realised, self._earned.get(order.symbol)
        earned = None if now is None or before is None else minus(now, before)
        if order.side == "SELL":
            self._earned[order.symbol] = now
        elif before is None and now is not None:
            self._earned[order.symbol] = plus(now, fee)  # a round trip begins before the fee of its purchase
        self._day = self._day.with_trade(is_buy=order.side == "BUY")
        self._tell(order_told(order, fill, scope=self._scope, earned=earned))

    def refused(self, symbol: str, wish: str, reason: str, time_ms: int, *, is_standing: bool) -> None:
        """Tell of an order that never left; one that a limit or a pause stops was told by those."""
        is_told = is_standing or reason in self._breaches
        if not reason.startswith(_SIGNALS_ONLY) and not is_told:
            self._tell(refusal_told(symbol, wish, reason, time_ms=time_ms, scope=self._scope))

    def breached(self, breach: Breach, time_ms: int) -> None:
        """Tell of a limit."""
        self._breaches.add(breach.sentence)
        self._tell(breach_told(breach, time_ms=time_ms, scope=self._scope))

    def turned(self) -> None:
        """Pass on what waits."""
        untold, self._untold = self._untold, []
        if self._desk is not None:
            for happening in untold:
                self._desk.tell(happening)

    def show(self, snapshot: LiveSnapshot) -> None:
        """Look at the connections."""
        self._snapshot = snapshot
        if self._desk is None:
            return
        up = {view.symbol: view.feed.connected for view in snapshot.symbols}
        up["account"] = snapshot.account_up
        self._desk.connections(up, snapshot.now_ms)

    # How.

    def _tell(self, happening: Happening | None) -> None:
        if happening is not None:
            self._untold.append(happening)

    def _open_control(self, place: Place) -> TelegramControl:
        from bt_run.run.alerting.control.control import TelegramControl  # noqa: PLC0415  # off by default
        from bt_run.run.alerting.control.live import LiveControlled  # noqa: PLC0415

        run = LiveControlled(
            place.address,
            snapshot=lambda: self._snapshot,
            daily=lambda: "\n".join(self._day.lines(self._snapshot.quote_asset if self._snapshot else "")),
            chart=self._chart_of,
        )
        return TelegramControl(self._settings.telegram, run).start()

    def _chart_of(self, symbol: str) -> bytes:
        desk = self._desk
        if desk is None:
            raise ConfigError("The run has ended.")
        return desk.chart(symbol)

    def _close(self, limit_s: float) -> None:
        until = time.monotonic() + limit_s
        self.turned()
        if self._control is not None:
            self._control.close(limit_s=min(_HANG_UP_S, limit_s / 2))
        desk, self._desk = self._desk, None
        if desk is not None:
            self.unsent = not desk.close(limit_s=min(self._close_s, max(0.0, until - time.monotonic())))
