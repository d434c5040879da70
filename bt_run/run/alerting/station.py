"""Watch the rules of a journal over live bars, without a strategy and without trading; needs no key."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bt_run.core.background import BackgroundLoop, Bell
from bt_run.core.errors import ConfigError, UnknownSymbol
from bt_run.core.interval import BINANCE_INTERVALS, Interval
from bt_run.run.alerting.desk import BarTold
from bt_run.run.live.os_signals import stopping_on_signals
from bt_run.run.live.turns import Stop
from feeds.live.channel import Channel
from feeds.live.hub import LiveHub
from feeds.live.outcomes import Delivery, Failure, Rules, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.venue import Venue
    from bt_run.run.alerting.desk import AlertDesk
    from bt_run.run.alerting.rules import AlertRule, AlertRules

__all__ = ["RuleStation"]

_Series = tuple[str, str]
"""Symbol and interval."""

_LOOK_S = 0.5
_RULES_S = 3.0


class RuleStation:
    """
    One watch; `run` does it in the thread that calls, once. Rules that are added meanwhile are taken up.

    `left_out` are sentences on what rules want and the exchange does not know, while others are watched.

    Args:
        venue: Where the bars come from.
        rules: Of the journal.
        desk: Gets the bars, and makes messages of what the rules say.
        history: Closed bars to begin with.
        say: Told of what is watched, and of connections.
        duration_s: When to end by itself; None: never.
    """

    def __init__(
        self,
        venue: Venue,
        rules: AlertRules,
        desk: AlertDesk,
        *,
        history: int = 1000,
        say: Callable[[str], object] = lambda sentence: None,
        duration_s: float | None = None,
    ) -> None:
        self._venue = venue
        self._rules = rules
        self._desk = desk
        self._history = history
        self._say = say
        self._duration_s = duration_s
        self._stop = Stop()
        self._bell = Bell()
        self._channels: dict[_Series, Channel] = {}
        self._unknown: dict[_Series, UnknownSymbol] = {}
        self.left_out: tuple[str, ...] = ()

    def ask_to_stop(self, reason: str) -> None:
        """End soon; from any thread."""
        self._stop.ask(reason)
        self._bell.ring()

    def run(self) -> str:
        """
        Watch until somebody ends it or the duration is over; gives why it ended.

        Raises:
            ConfigError: no rule is switched on, or one has an interval that the exchange does not serve.
            ExchangeError: the exchange cannot be reached, or knows none of the symbols.
        """
        if not self._wanted():
            raise ConfigError(
                'No rule is switched on. Add one: bt-run alerts add "rsi(14) < 30" --symbol BTCUSDT.'
            )
        began, looked = time.monotonic(), float("-inf")
        with ExitStack() as stack:
            background = BackgroundLoop("bt-run alerts watch").start()
            stack.callback(background.stop, limit_s=2.0)
            stack.enter_context(stopping_on_signals(self._stop, wake=self._bell.ring, cut=self._bell.ring))
            hub = LiveHub(self._venue, background=background, market="spot")
            while not self._stop.reason:
                now = time.monotonic()
                if now - looked >= _RULES_S:
                    looked = now
                    self._join(hub)
                for key in list(self._channels):
                    self._turn(key)
                states = {channel.symbol: hub.status_of(channel) for channel in self._channels.values()}
                up = {symbol: state.connected for symbol, state in states.items()}
                self._desk.connections(up, time.time_ns() // 1_000_000)
                if self._duration_s is not None and now - began >= self._duration_s:
                    self._stop.ask("the duration is over")
                self._bell.wait(_LOOK_S)
        return self._stop.reason

    def _wanted(self) -> list[AlertRule]:
        return [rule for rule in self._rules.all() if rule.is_on]

    def _join(self, hub: LiveHub) -> None:
        """Follow what rules want that is not followed yet."""
        fresh: list[Channel] = []
        wanted = self._wanted()
        series = {(rule.symbol, rule.interval) for rule in wanted}
        self.left_out = tuple(str(error) for key, error in self._unknown.items() if key in series)
        for rule in wanted:
            key = (rule.symbol, rule.interval)
            if key in self._channels or key in self._unknown:
                continue
            if rule.interval not in BINANCE_INTERVALS:
                raise ConfigError(f"Rule {rule.number}: the exchange serves no bars of {rule.interval}.")
            channel = Channel(
                rule.symbol,
                Interval.parse(rule.interval),
                market="spot",
                history=self._history,
                rules=Rules(),
                forming=False,
                bell=self._bell,
            )
            self._channels[key] = channel
            hub.expect(channel.stream)
            fresh.append(channel)
            self._say(f"{rule.symbol} {rule.interval}: rule {rule.number}, {rule.text}")
        for channel in fresh:
            hub.join(channel)

    def _turn(self, key: _Series) -> None:
        channel = self._channels[key]
        while channel.queue:
            item = channel.queue.popleft()
            if isinstance(item, Failure):
                self._leave_out(key, item.error)
                return
            if isinstance(item, Turn):
                reason = f" ({item.reason})" if item.reason else ""
                self._say(f"{channel.symbol} {channel.grid.interval}: {item.phase.value}{reason}")
            elif isinstance(item, Delivery):
                for row in item.rows:
                    told = BarTold(
                        channel.symbol, channel.grid.interval, int(row[0]), row[1:], is_live=item.live
                    )
                    self._desk.bar(told)

    def _leave_out(self, key: _Series, error: Exception) -> None:
        """Go on without a series that the exchange does not know; raises all other errors, and for the last."""
        if not isinstance(error, UnknownSymbol) or len(self._channels) == 1:
            raise error
        del self._channels[key]
        self._unknown[key] = error
        self.left_out = (*self.left_out, str(error))
        self._say(f"{error} Its rules are left out.")
