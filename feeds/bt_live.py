"""A Backtrader feed of live bars: history over REST, then the stream, with no bar lost or doubled."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import backtrader as bt

from bt_run.core.background import BackgroundLoop, Bell
from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS
from bt_run.core.steady_time import SteadyTime
from bt_run.core.venue import find_venue
from feeds.bt_feed import timeframe_of
from feeds.daynumber import day_number
from feeds.live.channel import Channel
from feeds.live.hub import LiveHub
from feeds.live.outcomes import Absence, Correction, Delivery, End, Failure, Forming, Phase, Rules, Turn
from feeds.live.tail import Tail
from feeds.live.words import say
from feeds.storage.series import check_symbol

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.market import Bars
    from bt_run.core.stream_policy import StreamPolicy
    from bt_run.core.venue import Market, Venue
    from feeds.live.outcomes import Notice
    from feeds.live.status import LiveStatus

__all__ = ["LiveFeed"]

_log = logging.getLogger(__name__)

_ALIGN_MS = 1_000
_STOP_S = 2.0
_LIVE_KEPT = 1000  # Cerebro may hold a feed back behind others, but not for long


class LiveFeed(bt.feed.DataBase):  # type: ignore[misc]  # backtrader ships no types
    """
    A Backtrader data feed of Binance's closed bars as they happen.

    ``cerebro.adddata(LiveFeed("BTCUSDT", "1m", venue="testnet"))``. It begins with `history` closed bars and
    goes on for ever; `finish`, or Cerebro's own ``runstop``, ends it. Each closed bar is delivered once, in
    order, also after lost connections. No key is needed. Lines and times are those of `ArrayFeed`.

    It notifies as Backtrader's live feeds do: DELAYED at the start and when bars are missing after a
    reconnect, LIVE when it has caught up, DISCONNECTED without a connection, CONNECTED when there is one
    again. `last_is_live` tells of the current bar whether it has just closed: a strategy that must not trade
    on old bars looks there. While there is no bar Cerebro sleeps, at most ``qcheck`` seconds (1) at a time.

    With `intrabar`, also the bar that is still open is delivered, each time its state comes, as Backtrader's
    replay does: ``next`` is called again for the same bar with changed values, until it has closed
    (`last_is_closed`). What is delivered of closed bars is the same either way.

    `loaded` holds what the lines hold as arrays, and may be ahead of them by bars that are certain already,
    such as the history. It is None where filters, resampling, fromdate or todate make the lines differ.

    Args:
        symbol: As the exchange writes it.
        interval: One of the exchange's, such as ``1m``.
        venue: Where; the testnet unless a `hub` says otherwise.
        market: ``spot`` or ``futures`` (USD-M).
        history: How many closed bars to begin with, >= 0.
        intrabar: Whether the open bar is delivered too. Not with resampling, filters, fromdate or todate.
        background: A thread to share; the feed then does not stop it.
        bell: A bell to share with feeds and brokers of the same Cerebro: each wakes it.
        hub: A wire to share with feeds of the same venue and market.
        on_notice: Gets each change of phase, each hole and each correction, in Cerebro's thread.
        enrich: Adds to the bars of `loaded` what else is known about them, such as order flow; it is asked once
            a bar. Not with `intrabar`.
        rules, policy: The times of the feed and of its stream.
        clock: Gives our time, seconds since 1970; steady by default, whatever sets this machine's clock.

    Raises:
        ConfigError: a symbol, interval, venue or market that cannot be, or a hub of another one. While it runs,
            Cerebro raises what the exchange refuses for good at the start, such as an unknown symbol.
    """

    lines: Any = ("quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume")
    params: Any = (("qcheck", 1.0),)

    def __init__(
        self,
        symbol: str,
        interval: str | Interval = "1m",
        *,
        venue: str | Venue | None = None,
        market: Market | None = None,
        history: int = 5000,
        intrabar: bool = False,
        background: BackgroundLoop | None = None,
        bell: Bell | None = None,
        hub: LiveHub | None = None,
        on_notice: Callable[[Notice], None] | None = None,
        enrich: Callable[[Bars], Bars] | None = None,
        rules: Rules | None = None,
        policy: StreamPolicy | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__()
        self.symbol = symbol.upper()
        check_symbol(self.symbol)
        self.interval = Interval.parse(interval) if isinstance(interval, str) else interval
        self.p.timeframe, self.p.compression = timeframe_of(self.interval)
        self._name = self.p.name or self.symbol
        if history < 0:
            raise ConfigError(f"history is {history}; a feed begins with 0 closed bars or more.")
        self.venue, self.market = _agree(venue, market, hub)
        self.history = history
        self.intrabar = intrabar
        self._bell = bell or Bell()
        self._background = background
        self._shared_hub = hub
        self._on_notice = on_notice
        self._enrich = None if intrabar else enrich
        self._rules = rules or Rules()
        self._policy = policy
        self._our_time = clock or SteadyTime()
        self._own_background: BackgroundLoop | None = None
        self._begin()
        if hub is not None:
            hub.expect(self._channel.stream)

    def _begin(self) -> None:
        """Be as before the first bar."""
        self._channel = Channel(
            self.symbol,
            self.interval,
            market=self.market,
            history=self.history,
            rules=self._rules,
            forming=self.intrabar,
            bell=self._bell,
        )
        self._hub: LiveHub | None = None
        self._tail = Tail()
        self._enriched: Bars | None = None
        self._days = self.lines.datetime
        self._columns = tuple(getattr(self.lines, name) for name in BAR_COLUMNS[1:])
        self._ticks = tuple(
            (f"tick_{name}", getattr(self.lines, name)) for name in self.getlinealiases() if name != "datetime"
        )
        self._row = 0
        self._fresh = False  # the last row of the tail has just closed
        self._live_days: dict[float, None] = {}
        self._slot_is_open = False  # the lines hold a forming bar at their end
        self._offline = False
        self._aligns = False
        self.replaying = int(self.intrabar)  # Cerebro makes room for bars that come again

    # Life cycle.

    def islive(self) -> bool:
        """Tell Cerebro not to preload."""
        return True

    def qbuffer(self, savemem: int = 0, replaying: bool = False) -> None:
        """
        Keep one value more than asked for (``exactbars=1``).

        A look for a bar moves the lines forward and back, which would push out the current bar.
        """
        super().qbuffer(savemem=savemem, replaying=True)

    def start(self) -> None:
        """Connect and ask for the history, in the background; called by Cerebro at each run."""
        super().start()
        if self.intrabar and self.loaded is None:
            raise ConfigError(
                "A feed with intrabar=True cannot be resampled, filtered or cut. Leave intrabar out."
            )
        self._begin()
        self._aligns = sum(isinstance(data, LiveFeed) for data in self._env.datas) > 1
        self._hub = self._shared_hub or self._own_hub()
        self.put_notification(self.DELAYED)
        self._hub.join(self._channel)

    def stop(self) -> None:
        """Disconnect; a second time it does nothing. Called by Cerebro at the end."""
        super().stop()
        hub, self._hub = self._hub, None
        if hub is not None:
            hub.leave(self._channel)
        if self._own_background is not None:
            self._own_background.stop(limit_s=_STOP_S)
            self._own_background = None
        self.replaying = int(self.intrabar)

    def finish(self) -> None:
        """End the feed, and with it Cerebro's run where it was the only one; from any thread."""
        self._channel.put(End())

    def _own_hub(self) -> LiveHub:
        background = self._background
        if background is None:
            background = self._own_background = BackgroundLoop("live feed")
        return LiveHub(
            self.venue, market=self.market, background=background, policy=self._policy, clock=self._our_time
        )

    # What strategies and displays look at.

    @property
    def loaded(self) -> Bars | None:
        """All bars that are certain, as arrays, with the forming one where it is delivered."""
        cut = self.p.fromdate is not None or self.p.todate is not None
        if cut or self._filters or self.resampling:
            return None
        bars = self._tail.bars()
        if self._enrich is None:
            return bars
        if self._enriched is None or len(self._enriched) != len(bars):
            self._enriched = self._enrich(bars)
        return self._enriched

    def closed_bar(self, number: int) -> tuple[int, tuple[float, ...]]:
        """Give a closed bar: when it opened, ms, and its values in the order of `BAR_COLUMNS`."""
        return self._tail.row(number)

    @property
    def last_is_live(self) -> bool:
        """Tell whether the current bar had just closed when it was delivered, or is forming."""
        return self.bar_is_live(0)

    @property
    def last_is_closed(self) -> bool:
        """Tell whether the current bar is final; without `intrabar` every bar is."""
        return not self._slot_is_open

    def bar_is_live(self, ago: int = 0) -> bool:
        """Tell the same of the bar at `ago`, 0 or negative as Backtrader counts, back to the 1,000th."""
        return self.lines.datetime[ago] in self._live_days

    @property
    def last_price(self) -> float | None:
        """Give the newest price of the stream; None before the first frame."""
        return self._channel.last_price

    def status(self) -> LiveStatus:
        """Give a snapshot for a display; from any thread."""
        hub = self._hub
        if hub is not None:
            return hub.status_of(self._channel)
        return self._channel.status(round(self._our_time() * 1000), venue=self.venue.name, trouble="")

    def awaits(self, open_time: int) -> bool:
        """Tell whether the closed bar that opened then (ms) has neither come nor waits to be delivered."""
        return self._channel.awaits(open_time)

    def haslivedata(self) -> bool:
        """Tell Cerebro whether something is waiting to be delivered."""
        return self._row < len(self._tail) or bool(self._channel.queue)

    # The bars.

    def _load(self) -> bool | None:
        """Deliver the next bar: True; None where there is none yet, False at the end. It sleeps on the bell."""
        until = time.monotonic() + self._qcheck
        told = False
        while True:
            if self._row < len(self._tail):
                return self._deliver()
            if self._channel.queue:
                item = self._channel.queue.popleft()
                if isinstance(item, Delivery):
                    self._tail.extend(item.rows)
                    self._fresh = item.live
                elif isinstance(item, Forming):
                    return self._form(item)
                elif isinstance(item, End):
                    return False
                else:
                    told |= self._digest(item)
            elif told or not self._sleep(until):
                return None  # Cerebro tells what was notified, then asks again

    def _digest(self, item: Turn | Absence | Correction | Failure) -> bool:
        """Take an item that brings no bar; tells whether it led to a notification."""
        if isinstance(item, Failure):
            self.stop()
            raise item.error
        _log.log(logging.INFO if isinstance(item, Turn) else logging.WARNING, "%s: %s", self._name, say(item))
        if self._on_notice is not None:
            self._on_notice(item)
        return isinstance(item, Turn) and self._notify_phase(item)

    def _notify_phase(self, turn: Turn) -> bool:
        if self._offline and turn.phase is not Phase.OFFLINE:
            self.put_notification(self.CONNECTED)
        self._offline = turn.phase is Phase.OFFLINE
        if turn.phase is Phase.OFFLINE:
            self.put_notification(self.DISCONNECTED, turn.reason)
        else:
            self.put_notification(self.LIVE if turn.phase is Phase.LIVE else self.DELAYED)
        return True

    def _deliver(self) -> bool:
        """Put the next closed bar into position 0 of the lines."""
        open_time, values = self._tail.row(self._row)
        self._row += 1
        if self.intrabar:
            # A bar that was seen while it formed comes again: strategies must not keep what they made of it.
            self.replaying = int(self._slot_is_open)
        if self._slot_is_open:
            self.backwards(force=True)
            self._slot_is_open = False
        is_news = self._fresh and self._row == len(self._tail) and self._is_young(open_time)
        self._write(open_time, values, live=is_news)
        return True

    def _form(self, item: Forming) -> bool:
        """Put the newest state of the open bar into position 0 of the lines, in the place of its last one."""
        queue = self._channel.queue
        while queue and isinstance(queue[0], Forming):
            item = queue.popleft()  # type: ignore[assignment]  # it was looked at
        self._tail.form(item.row)
        if self._slot_is_open:
            self.backwards(force=True)
        self._slot_is_open, self.replaying = True, 1
        self._write(*self._tail.row(len(self._tail)), live=True)
        return True

    def _write(self, open_time: int, values: tuple[float, ...], *, live: bool) -> None:
        day = day_number(open_time)
        self._days[0] = day
        for line, value in zip(self._columns, values, strict=True):
            line[0] = value
        if live:
            self._live_days[day] = None
            if len(self._live_days) > _LIVE_KEPT:
                del self._live_days[next(iter(self._live_days))]
        else:
            self._live_days.pop(day, None)
        if self.replaying:
            self._tick_fill(force=True)  # Cerebro leaves it to a feed that replays

    def _tick_fill(self, force: bool = False) -> None:
        """Do as Backtrader's, which looks up each line by its name."""
        if force or getattr(self, self._ticks[0][0], None) is None:
            for name, line in self._ticks:
                setattr(self, name, line[0])
            self.tick_last = self._ticks[0][1][0]

    def _is_young(self, open_time: int) -> bool:
        """Tell whether a bar is still news by the time Cerebro takes it."""
        ended_ms = self._channel.grid.end_of(open_time)
        return self._hub is not None and self._hub.now_ms() - ended_ms <= self._rules.late_ms

    # Waiting.

    def _sleep(self, until: float) -> bool:
        """Wait for the bell; tells whether to look again: something came, or is about to come."""
        left_s = max(until - time.monotonic(), self._imminent_s())
        try:
            rung = left_s > 0 and self._bell.wait(left_s)
        except BaseException:  # Ctrl-C: Cerebro will not call stop
            self.stop()
            raise
        return bool(self._channel.queue) or (rung and self._imminent_s() > 0)

    def _imminent_s(self) -> float:
        """
        Give how long to wait for a bar that has just ended while other feeds may have theirs already.

        Bars of one time must reach the strategy in one call of ``next``, as they do in a backtest.
        """
        end_ms = self._channel.expected_end
        if not self._aligns or self._hub is None or end_ms is None or self._channel.phase is not Phase.LIVE:
            return 0.0
        over_ms = self._hub.now_ms() - end_ms
        return (_ALIGN_MS - over_ms) / 1000 if 0 <= over_ms < _ALIGN_MS else 0.0


def _agree(venue: str | Venue | None, market: Market | None, hub: LiveHub | None) -> tuple[Venue, Market]:
    """Find venue and market, which are the hub's where there is one."""
    asked = find_venue(venue or "testnet") if venue is None or isinstance(venue, str) else venue
    if hub is None:
        return asked, market or "spot"
    if (venue is not None and asked != hub.venue) or market not in (None, hub.market):
        raise ConfigError(
            f"The hub serves {hub.venue.name} {hub.market}, not {asked.name} {market or hub.market}. "
            f"Give each venue and market a LiveHub of its own."
        )
    return hub.venue, hub.market
