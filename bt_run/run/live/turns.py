"""
What happens at every turn of Cerebro's loop beside Backtrader's own work.

A turn: the hook of stores, the feeds (where it sleeps), the broker, the strategies. Between a bar and its
orders stands nothing that could wait: bars, signals and equity are written down in the next turn.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from brokers.amounts import exact, plus, times
from bt_run.core.clock import iso_utc
from bt_run.run.live.bt_cerebro import forget_old
from bt_run.run.live.interpreter import spare_what_lives_on
from bt_run.run.live.log import BarSeen
from bt_run.run.live.rewind import books_at
from bt_run.run.remarks import Remarks
from feeds.live.grid import Grid
from feeds.live.outcomes import Phase
from strategies.base import SignalStrategy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from brokers.orders import Order
    from brokers.reconciling.brackets import Unprotected
    from bt_run.journal.commands import CommandBox
    from bt_run.journal.records import CommandRecord
    from bt_run.run.live.events import RunEvents
    from bt_run.run.live.hold import ClockHold
    from bt_run.run.live.log import RunLog
    from bt_run.run.live.recorder import JournalRecorder
    from bt_run.run.live.wire import Account, LiveWire
    from bt_run.run.safety import Safety

__all__ = ["LiveTurns", "Stop"]

_DECISIONS = ("long_entry", "long_exit", "short_entry", "short_exit")
_BATCH = 500
_SHOW_S = 0.5
_SETTLED_S = 0.02
_STANDS_S = 2.5
_LAST_S = 20.0


@dataclass(slots=True)
class Stop:
    """
    A wish to end the run; the first reason counts, a later wish to close all is heard too.

    Steady seconds: at `soon` what is under way is over, at `until` the exchange is left alone, and at `over`
    nobody is waited for any more. `has_begun`: the strategy is not asked any more.
    """

    reason: str = ""
    closes: bool = False
    soon: float = float("inf")
    until: float = float("inf")
    over: float = float("inf")
    has_begun: bool = False
    commands: list[CommandRecord] = field(default_factory=list)

    def ask(self, reason: str, *, closes: bool = False) -> None:
        """Ask for the end; may be called from a signal's handler."""
        self.reason = self.reason or reason
        self.closes = self.closes or closes

    def soon_s(self, most: float) -> float:
        """Give how many seconds there are for what is under way, at `most` so many."""
        return max(0.0, min(most, self.soon - time.monotonic()))

    def left_s(self, most: float) -> float:
        """Give how many seconds there are for the exchange, at `most` so many."""
        return max(0.0, min(most, self.until - time.monotonic()))

    def rest_s(self, most: float) -> float:
        """Give how many seconds there are for all else, at `most` so many."""
        return max(0.0, min(most, self.over - time.monotonic()))


@dataclass(frozen=True, slots=True)
class _Marked:
    """
    A bar with the account at its close, until it is written down.

    `value` is None where cash and this position are all there is; `fills` counts the symbol's trades so far.
    """

    bar: BarSeen
    cash: Decimal
    position: Decimal
    value: Decimal | None
    fills: int

    def worth(self) -> Decimal:
        """Give the account's value at the bar's close, quote asset."""
        if self.value is not None:
            return self.value
        return plus(self.cash, times(self.position, exact(self.bar.row[3])))


class LiveTurns:
    """
    A store to Cerebro, whose `get_notifications` it calls at each turn; the broker calls the rest.

    Args:
        cerebro, broker, feeds: Backtrader's; feeds by symbol.
        wire, account, hold: The connections.
        recorder, safety, box, log, events: Who is told.
        stop: When to end.
        seen: The last bar of each symbol that an earlier run has seen.
        recent: Orders of an earlier run that have traded since that bar.
        bare: Brackets of an earlier run that nothing protects; they are closed at once.
        deadline: When the run shall end by itself, steady seconds; None: never.
        show: Called about twice a second, to show the state.
    """

    def __init__(
        self,
        *,
        cerebro: Any,
        broker: Any,
        feeds: Mapping[str, Any],
        wire: LiveWire,
        account: Account,
        hold: ClockHold,
        recorder: JournalRecorder,
        safety: Safety,
        box: CommandBox,
        log: RunLog,
        stop: Stop,
        seen: Mapping[str, int],
        recent: Mapping[str, Order],
        bare: Sequence[Unprotected],
        deadline: float | None,
        show: Callable[[], None],
        events: RunEvents,
        is_replay: bool,
    ) -> None:
        self._cerebro = cerebro
        self._broker = broker
        self._feeds = dict(feeds)
        self._wire = wire
        self._account = account
        self._hold = hold
        self._recorder = recorder
        self._safety = safety
        self._box = box
        self._log = log
        self._stop = stop
        self._seen = dict(seen)
        self._recent = dict(recent)
        self._bare = list(bare)
        self._deadline = deadline
        self._show = show
        self._events = events
        self._is_replay = is_replay
        self._last_day: dict[str, float] = {}
        self._was_live: set[str] = set()
        self._arrived: list[BarSeen] = []
        self._marked: list[_Marked] = []
        self._unwritten: list[BarSeen] = []
        interval = next(iter(self._feeds.values())).interval
        self._interval, self._grid = str(interval), Grid(interval)
        self._told: dict[str, str] = {}
        self._remarks = Remarks()
        self._shown_at = float("-inf")
        self._heard_at: float | None = None
        self._ended_at: float | None = None

    # A store's life.

    def start(self) -> None:
        """Nothing: everything is open already."""

    def stop(self) -> None:
        """Nothing: whoever opened it closes it."""

    def get_notifications(self) -> list[Any]:
        """Do the work of a turn's beginning; there is never anything to notify."""
        self._wire.check()
        self._hold.check()
        self._broker.missed.make_up(self._broker, self._events.say)
        self._write_down()
        self._hold.act()
        self._obey()
        self._events.flush()
        self._account.follow_doubts(self._broker.asks, self._broker.trouble)
        self._account.expect_trades(self._broker.newest_trades)
        now = time.monotonic()
        if now - self._shown_at >= _SHOW_S:
            self._shown_at = now
            self._look_around()
            self._show()
        if self._hold.has_ended and not self._waiting() and self._has_all(now):
            for feed in self._feeds.values():
                feed.finish()
        if self._deadline is not None and now >= self._deadline:
            self._stop.ask("the duration is over")
        if self._stop.reason:
            self._cerebro.runstop()
        return []

    # Around the broker's turn.

    def before_broker(self) -> None:
        """See what bars have come, and hear what the exchange did up to their close."""
        self._close_bare()
        self._arrived = [bar for symbol, feed in self._feeds.items() if (bar := self._news(symbol, feed))]
        self._broker.missed.met(self._arrived)
        if self._arrived:
            self._hold.meet(self._arrived)
        elif not self._hold.is_started and self._is_ready():
            spare_what_lives_on()
            self._hold.start()

    def after_broker(self) -> None:
        """Mark the account at the bars that have come, before the strategy moves it."""
        for bar in self._arrived:
            self._mark(bar)
        self._arrived = []
        self._hold.release(in_doubt=bool(self._broker.asks))

    def finish(self) -> None:
        """Write down what waits; after the last turn."""
        self._write_down(last=True)
        self._events.flush()

    # Bars.

    def _news(self, symbol: str, feed: Any) -> BarSeen | None:
        """Give the closed bar that has come with this turn, None where none has."""
        if not len(feed) or not feed.last_is_closed:
            return None
        day = feed.datetime[0]
        if self._last_day.get(symbol) == day:
            return None
        self._last_day[symbol] = day
        open_time, row = feed.closed_bar(len(feed) - 1)
        if feed.last_is_live and self._broker.missed.is_news(symbol, open_time):
            self._was_live.add(symbol)
            return BarSeen(symbol, open_time, row, "live")
        is_missed = symbol in self._was_live or open_time > self._seen.get(symbol, open_time)
        return BarSeen(symbol, open_time, row, "backfill" if is_missed else "history")

    def _mark(self, bar: BarSeen) -> None:
        """Keep the account as it is before the strategy moves it; what it is worth is reckoned later."""
        ledger = self._broker.ledger
        cash, quantity, value = ledger.cash, ledger.holding(bar.symbol).quantity, None
        if bar.source == "backfill":
            orders = {**self._recent, **self._broker.orders}
            cash, quantity = books_at(ledger, bar.symbol, orders.values(), self._grid.end_of(bar.open_time))
        if bar.source != "history" and len(self._feeds) > 1:
            value = exact(self._broker.getvalue())
        self._marked.append(_Marked(bar, cash, quantity, value, len(self._log.symbols[bar.symbol].fills)))

    def _write_down(self, *, last: bool = False) -> None:
        marked, self._marked = self._marked, []
        if marked:
            forget_old(self._cerebro.runningstrats)
        for item in marked:
            self._unwritten.append(item.bar)
            if item.bar.source == "history":
                self._events.listener.bar(item.bar, item.cash)
            else:
                self._write_bar(item)
        is_calm = not marked or any(item.bar.source != "history" for item in marked)
        if self._unwritten and (is_calm or last or len(self._unwritten) >= _BATCH):
            bars, self._unwritten = self._unwritten, []
            self._recorder.bars(bars, interval=self._interval)
        self._recorder.flush()
        if marked and not self._is_replay and not self._waiting():
            self._recorder.stay_ready()

    def _write_bar(self, item: _Marked) -> None:
        """Write down a bar of the run, the account at its close, and what was decided there."""
        bar, value = item.bar, item.worth()
        self._log.bars += 1
        self._log.symbols[bar.symbol].mark(
            bar.open_time,
            equity=float(value),
            cash=float(item.cash),
            position=self._broker.sellable(bar.symbol, item.position),
            fills=item.fills,
        )
        if bar.is_live:
            self._safety.mark(value, self._now_ms())
        self._events.listener.bar(bar, value)
        self._recorder.equity(
            bar.symbol,
            bar.open_time,
            cash=item.cash,
            position=item.position,
            price=exact(bar.row[3]),
            value=value,
        )
        self._write_signal(bar)

    def _write_signal(self, bar: BarSeen) -> None:
        """Write down what our own strategies decided; others tell nobody but by their orders."""
        feed = self._feeds[bar.symbol]
        place = len(feed) - 1
        for strategy in self._cerebro.runningstrats:
            found = strategy.computed if isinstance(strategy, SignalStrategy) else None
            if found is None or strategy.data is not feed or len(found.long_entry) <= place:
                continue
            if self._remarks.is_open(bar.symbol):
                remark = self._remarks.news(bar.symbol, strategy.remark(feed.loaded, strategy.p))
                if remark:
                    self._events.say(remark)
            decisions = tuple(
                name for name in _DECISIONS if (side := getattr(found, name)) is not None and bool(side[place])
            )
            curves = {**found.panels, **found.overlays}
            values = {name: float(curve[place]) for name, curve in curves.items()}
            self._recorder.signal(bar.symbol, bar.open_time, decisions, values)
            self._say_signal(bar, decisions, values)

    def _say_signal(self, bar: BarSeen, decisions: tuple[str, ...], values: Mapping[str, float]) -> None:
        """Say what a signal is, once and not again while it lasts; shorts cannot be traded on spot."""
        words = ", ".join(name.replace("_", " ") for name in decisions if name.startswith("long"))
        is_news = self._told.get(bar.symbol, "") != words
        self._told[bar.symbol] = words if bar.is_live or not is_news else ""  # what was missed is said later
        if words and is_news and bar.is_live:
            sentence = f"{words} at {bar.row[3]:,.8g}"
            self._log.signals[bar.symbol] = (self._now_ms(), sentence)
            self._events.announce(f"{bar.symbol}: signal {sentence}")
            self._events.listener.signalled(bar, words, values)

    def _close_bare(self) -> None:
        """Sell what a bracket left without protection: its strategy has died while it placed it."""
        bare, self._bare = self._bare, []
        for item in bare:
            if self._broker.close_bare(item.symbol, item.quantity, item.bracket):
                self._events.say(f"{item.why} It is sold at market.")

    def _waiting(self) -> bool:
        return any(feed.haslivedata() for feed in self._feeds.values())

    def _has_all(self, now: float) -> bool:
        """Whether the last bars of data that has ended have come; what a lost frame told, REST still tells."""
        lost = [symbol for symbol, last in self._hold.last_bars.items() if self._feeds[symbol].awaits(last)]
        if not lost:
            return True
        if self._ended_at is None:
            self._ended_at = now
        if now - self._ended_at < _LAST_S:
            return False
        for symbol in lost:
            last = iso_utc(self._hold.last_bars[symbol])
            self._events.warn(f"{symbol}: the data has ended, and its last bar, of {last}, did not come.")
        return True

    def _is_ready(self) -> bool:
        """
        Whether every feed hears its stream and has delivered its history, and the account's events come.

        On an exchange whose clock stands, a feed may stay behind: after a bar's time it takes the next one for
        late, which closes only once the clock runs.
        """
        if not self._all_heard(Phase.LIVE, Phase.BEHIND):
            self._heard_at = None
            return False
        now = time.monotonic()
        if self._heard_at is None:
            self._heard_at = now
        if now - self._heard_at >= _STANDS_S:
            return True
        # A feed that has just been connected calls itself live for a moment longer, before it looks for gaps.
        if not self._all_heard(Phase.LIVE):
            return False
        time.sleep(_SETTLED_S)
        return self._all_heard(Phase.LIVE)

    def _all_heard(self, *phases: Phase) -> bool:
        states = [feed.status() for feed in self._feeds.values()]
        are_heard = all(state.connected and state.phase in phases for state in states)
        return are_heard and not self._waiting() and self._account.is_up

    # People.

    def _obey(self) -> None:
        for command in self._box.poll():
            if command.verb == "pause":
                self._safety.pause()
                self._box.answer(command, "Paused: no new entries. Exits and protective orders go on.")
                self._events.say("paused by bt-run pause")
            elif command.verb == "resume":
                self._safety.resume()
                self._box.answer(command, "Entries are allowed again; losses count from here on.")
                self._events.say("resumed by bt-run resume")
            elif command.verb == "stop":
                self._stop.ask("bt-run stop")
                self._stop.commands.append(command)
            elif command.verb == "panic":
                self._stop.ask("bt-run panic", closes=True)
                self._stop.commands.append(command)
            else:
                self._box.answer(command, f"This bot does not know the command {command.verb!r}.")

    def _look_around(self) -> None:
        """Tell the guard what was heard of the market, and keep the connection for orders open."""
        for symbol, feed in self._feeds.items():
            status = feed.status()
            if status.last_event_ms is not None:
                price = None if status.last_price is None else exact(status.last_price)
                self._safety.saw(symbol, status.last_event_ms, last=price)
        jump = self._account.look_at_clock()
        if jump:
            self._events.warn(jump)
        if not self._is_replay and all(feed.status().bar_left_s > 2 for feed in self._feeds.values()):
            self._account.keep_warm()

    def _now_ms(self) -> int:
        return int(self._broker.time_ms())
