"""
The thread that makes messages of what happens.

Whoever trades puts plain data into its queue and goes on. It keeps bars, evaluates indicator rules, judges what
becomes a message, and hands it to the dispatcher, which has threads of its own for sending.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bt_run.alerts.dispatcher import Dispatcher
from bt_run.alerts.happening import Happening
from bt_run.alerts.policy import Remembered, judge
from bt_run.core.errors import BtRunError, ConfigError
from bt_run.journal.alert_tables import AlertTables
from bt_run.run.alerting.bars import BarBook
from bt_run.run.alerting.outages import Outages
from bt_run.run.alerting.outbox import JournalOutbox
from bt_run.run.alerting.picture import draw_picture, picture_of
from bt_run.run.alerting.rule_watch import RuleWatch
from bt_run.run.alerting.rules import AlertRules
from bt_run.run.alerting.telling import clock_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bt_run.alerts.happening import Mark, Picture
    from bt_run.alerts.settings import AlertSettings
    from bt_run.alerts.target import Target
    from bt_run.core.interval import Interval
    from bt_run.journal.database import Place

__all__ = ["AlertDesk", "BarTold"]

_log = logging.getLogger(__name__)

_RULES_S = 2.0
_MARKS = 100


@dataclass(frozen=True, slots=True)
class BarTold:
    """A closed bar; `row` is open to taker_buy_quote_volume. Rules are evaluated at live bars only."""

    symbol: str
    interval: Interval
    open_time: int
    row: tuple[float, ...]
    is_live: bool


@dataclass(frozen=True, slots=True)
class _Connections:
    up: Mapping[str, bool]
    now_ms: int


class AlertDesk:
    """
    Makes, keeps and sends messages; its methods may be called from any thread and never wait.

    Args:
        settings: What is sent.
        targets: Where to; the settings' URLs made into targets.
        journal: Where messages and rules are kept.
        draw: Draws the charts; None where there shall be none.
        key_prefix: Put before the name by which a message is known as one that was made already.

    Raises:
        ConfigError, JournalError: the journal cannot keep alerts.
    """

    def __init__(
        self,
        settings: AlertSettings,
        targets: Sequence[Target],
        journal: str | Path | Place,
        *,
        draw: Callable[[Picture], bytes] | None = draw_picture,
        key_prefix: str = "",
    ) -> None:
        self._settings = settings
        self._draw = draw if settings.charts else None
        self._key_prefix = key_prefix
        self._tables = AlertTables(journal)
        self._rules = AlertRules(self._tables)
        self._dispatcher = Dispatcher(JournalOutbox(self._tables), targets, draw=self._draw)
        self._queue: queue.SimpleQueue[Happening | BarTold | _Connections | None] = queue.SimpleQueue()
        self._book = BarBook()
        self._watch = RuleWatch()
        self._marks: dict[str, deque[Mark]] = defaultdict(lambda: deque(maxlen=_MARKS))
        self._remembered = Remembered()
        self._outages = Outages(round(settings.disconnected_after_s * 1000))
        self._scope = ""
        self._rules_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> AlertDesk:
        """Begin; what waits from an earlier process is sent first."""
        self._dispatcher.start()
        self._thread.start()
        return self

    def tell(self, happening: Happening) -> None:
        """Take something that happened."""
        self._queue.put(happening)

    def bar(self, bar: BarTold) -> None:
        """Take a closed bar, in the order of time; later happenings have it on their charts."""
        self._queue.put(bar)

    def connections(self, up: Mapping[str, bool], now_ms: int) -> None:
        """Take which connections are up, by name; `now_ms` is our clock's time."""
        self._queue.put(_Connections(up, now_ms))

    def chart(self, symbol: str) -> bytes:
        """
        Draw the symbol's last bars with their marks; takes about a second, in the thread that calls.

        Raises:
            ConfigError: charts are switched off, or no bar has come yet.
        """
        interval, bars = self._book.interval_of(symbol), self._book.bars(symbol)
        if self._draw is None:
            raise ConfigError("Charts are switched off in [alerts].")
        if interval is None or bars is None or not len(bars):
            raise ConfigError(f"No bar of {symbol} has closed yet.")
        now_ms = int(bars.open_time[-1]) + interval.approximate_ms
        asked = Happening("signal", "", now_ms, symbol, f"{symbol} {interval}", clock_words(now_ms))
        picture = picture_of(asked, bars, interval, tuple(self._marks[symbol]))
        if picture is None:
            raise ConfigError(f"No bar of {symbol} has closed yet.")
        return self._draw(picture)

    def close(self, *, limit_s: float = 5.0) -> bool:
        """
        Deal with what is told so far, send what is due, end; within about `limit_s`.

        Returns:
            Whether all that was due has been sent. What was not is in the journal for the next start.
        """
        until = time.monotonic() + limit_s
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join(limit_s)
        is_sent = self._dispatcher.close(limit_s=max(0.1, until - time.monotonic()))
        if is_sent and not self._thread.is_alive():
            self._tables.close()
        return is_sent

    # In its own thread.

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            if item is None:
                return
            try:
                self._take(item)
            except BtRunError as error:
                _log.warning("An alert could not be kept: %s", error)
            except Exception:  # noqa: BLE001  # a bug here must not silence all later alerts; it is logged whole
                _log.exception("An alert was lost.")

    def _take(self, item: Happening | BarTold | _Connections) -> None:
        if isinstance(item, BarTold):
            if self._book.add(item.symbol, item.interval, item.open_time, item.row) and item.is_live:
                self._look_at_rules()
                for happening in self._watch.at_bar(self._book, item.symbol):
                    self._judge(happening)
        elif isinstance(item, _Connections):
            self._outages, news = self._outages.look(item.up, item.now_ms, scope=self._scope)
            for happening in news:
                self._judge(happening)
        else:
            self._judge(item)

    def _look_at_rules(self) -> None:
        """Read the rules again where they may have changed."""
        now = time.monotonic()
        if now - self._rules_at >= _RULES_S:
            self._watch.take(self._rules.all())
            self._rules_at = time.monotonic()

    def _judge(self, happening: Happening) -> None:
        if happening.mark is not None:
            self._remember_mark(happening.symbol, happening.mark)
        verdict, after = judge(happening, self._remembered, self._settings.policy)
        if not verdict.is_sent:
            self._remembered = after
            return
        if verdict.held:
            more = f"({verdict.held} more like the last one since then)"
            happening = replace(happening, text=f"{happening.text}\n{more}".strip())
        happening = replace(happening, key=f"{self._key_prefix}{happening.key}")
        self._dispatcher.post(self._with_picture(happening), not_before_ms=verdict.not_before_ms)
        self._remembered = after

    def _remember_mark(self, symbol: str, mark: Mark) -> None:
        """A trade is marked at its signal, where there was one a bar ago: both would lie on each other."""
        marks, interval = self._marks[symbol], self._book.interval_of(symbol)
        step = 0 if interval is None else interval.approximate_ms
        if not any(old.kind == mark.kind and mark.time_ms - old.time_ms <= step for old in marks):
            marks.append(mark)

    def _with_picture(self, happening: Happening) -> Happening:
        if self._draw is None or happening.picture is not None:
            return happening
        interval = self._book.interval_of(happening.symbol)
        bars = self._book.bars(happening.symbol)
        if interval is None or bars is None:
            return happening
        return replace(happening, picture=picture_of(happening, bars, interval, self._marks[happening.symbol]))
