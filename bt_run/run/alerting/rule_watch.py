"""Evaluate the indicator rules of a journal at each closed bar."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.alerts.happening import Happening
from bt_run.alerts.rules.evaluate import curves_at, firings
from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from bt_run.run.alerting.telling import clock_words, values_words
from feeds.live.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bt_run.alerts.rules.syntax import Rule
    from bt_run.core.market import Bars
    from bt_run.run.alerting.bars import BarBook
    from bt_run.run.alerting.rules import AlertRule

__all__ = ["RuleWatch"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """A rule, read, with the last bar at which it was evaluated."""

    rule: AlertRule
    parsed: Rule
    interval: Interval
    seen: int = -1


class RuleWatch:
    """For one thread; `take` the rules whenever they may have changed."""

    def __init__(self) -> None:
        self._watched: dict[int, _Watched] = {}
        self._unusable: set[tuple[int, str]] = set()

    def take(self, rules: Sequence[AlertRule]) -> None:
        """Take the rules as they are now; those that are switched off are left out."""
        watched: dict[int, _Watched] = {}
        for rule in rules:
            known = self._watched.get(rule.number)
            if known is not None and known.rule == rule:
                watched[rule.number] = known
            elif rule.is_on and (made := self._read(rule)) is not None:
                watched[rule.number] = made
        self._watched = watched

    def at_bar(self, book: BarBook, symbol: str) -> Iterator[Happening]:
        """Give the rules that begin to hold at the symbol's newest bar."""
        for item in self._watched.values():
            if item.rule.symbol != symbol:
                continue
            try:
                bars = book.bars(symbol, item.interval)
            except ConfigError as error:
                self._say_unusable(item.rule, str(error))
                continue
            if bars is None or not len(bars) or int(bars.open_time[-1]) <= item.seen:
                continue
            item.seen = int(bars.open_time[-1])
            if bool(firings(item.parsed, bars)[-1]):
                yield _told(item, bars)

    def _read(self, rule: AlertRule) -> _Watched | None:
        try:
            return _Watched(rule, rule.parsed, Interval.parse(rule.interval))
        except ConfigError as error:
            self._say_unusable(rule, str(error))
            return None

    def _say_unusable(self, rule: AlertRule, why: str) -> None:
        if (rule.number, why) not in self._unusable:
            self._unusable.add((rule.number, why))
            _log.warning("Alert rule %d is not watched here: %s", rule.number, why)


def _told(item: _Watched, bars: Bars) -> Happening:
    rule, open_time = item.rule, int(bars.open_time[-1])
    time_ms = Grid(item.interval).end_of(open_time)
    close = float(bars.close[-1])
    values = {"close": close, **curves_at(item.parsed, bars, -1)}
    return Happening(
        kind="rule",
        key=f"rule:{rule.number}:{rule.symbol}:{rule.interval}:{open_time}:{rule.text}"[:160],
        time_ms=time_ms,
        symbol=rule.symbol,
        title=f"{rule.symbol} {rule.interval}: {rule.text}",
        text=f"{values_words(values)}\n{clock_words(time_ms)}",
        rule=rule.number,
        cooldown_s=float(rule.cooldown_s),
    )
