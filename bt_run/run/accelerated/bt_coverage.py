"""What the accelerated run loop does not cover, in words; Backtrader's own loop runs those strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

from bt_run.run.accelerated.bt_broker import AcceleratedBroker
from feeds.bt_feed import ArrayFeed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find_lines", "find_own_hook", "find_reason"]

_HOOKS = (
    "_addnotification",
    "_getminperstatus",
    "_next_analyzers",
    "_next_observers",
    "_notify",
    "_once",
    "_oncepost",
    "advance",
    "clear",
    "forward",
    "reset",
)
_PLAIN_ADVANCES = (bt.Indicator.advance, bt.LineSeries.advance, bt.linebuffer.LineBuffer.advance)
_IND, _OBS = bt.LineIterator.IndType, bt.LineIterator.ObsType


def find_own_hook(cls: type[Any]) -> str | None:
    """Name a method of Backtrader's inner workings that a strategy class replaces; None where it has none."""
    return next((name for name in _HOOKS if getattr(cls, name) is not getattr(bt.Strategy, name)), None)


def find_reason(cerebro: Any, strategies: list[Any]) -> str | None:
    """
    Say why Backtrader's own loop must run this; None where the accelerated one can.

    Asked after `start()` of the strategy, when all that it set up is known, and before the first bar.
    """
    reason = next((reason for is_so, reason in _reasons(cerebro, strategies) if is_so), None)
    if reason is not None:
        return reason
    hook = find_own_hook(type(strategies[0]))
    return None if hook is None else f"the strategy has a {hook}() of its own"


def _reasons(cerebro: Any, strategies: list[Any]) -> Iterator[tuple[Any, str]]:
    """Ask one thing after the other; the later questions rely on what the earlier ones found."""
    strategy, broker = strategies[0], cerebro.broker
    yield len(cerebro.datas) != 1, "it has several data feeds"
    yield len(strategies) != 1, "it has several strategies"
    yield not _is_loaded(cerebro.datas[0]), "its feed delivers the bars one by one"
    yield not isinstance(broker, AcceleratedBroker), "it has a broker of its own"
    yield cerebro.p.cheat_on_open or broker.p.coo, "it cheats on open"
    yield broker.p.filler is not None, "it has a volume filler"
    yield broker._userhist or broker._fundhist, "it replays orders"
    yield _has_own_costs(broker), "it has a commission scheme of its own"
    yield cerebro.p.quicknotify, "it wants quick notifications"
    yield cerebro._timers or cerebro._timerscheat, "it has timers"
    yield cerebro.stores, "it has a store"
    yield cerebro.runwriters, "it has writers"
    yield len(strategy.analyzers) or strategy._slave_analyzers, "it has analyzers"
    yield strategy._lineiterators[_OBS], "it has observers"
    yield cerebro._event_stop, "it stopped before the first bar"


def _is_loaded(feed: Any) -> bool:
    return isinstance(feed, ArrayFeed) and feed.loaded is not None and len(feed) == 0


def _has_own_costs(broker: Any) -> bool:
    """Tell whether costs are reckoned by a class of the user's, which may look at anything."""
    return any(not type(costs).__module__.startswith("backtrader.") for costs in broker.comminfo.values())


def find_lines(strategy: Any, feed: Any) -> list[Any] | None:
    """
    Give every line that Backtrader moves one step a bar; None where one of them moves otherwise.

    Those are the lines of the feed, of the strategy, and of each indicator of the strategy whose clock is one
    of the lines before it. Lines of indicators within indicators stay where they are, as in Backtrader.
    """
    lines: list[Any] = list(feed.lines.lines)
    known = {id(line) for line in lines}
    for owner in (*strategy._lineiterators[_IND], strategy):
        in_step = owner is strategy or (_moves_plainly(owner) and id(owner._clock.lines[0]) in known)
        if not in_step:
            return None
        for line in _lines_of(owner):
            if id(line) in known:
                return None
            known.add(id(line))
            lines.append(line)
    stands = all(line.lencount == 0 and line._idx == -1 and line.mode == line.UnBounded for line in lines)
    return lines if stands else None


def _moves_plainly(indicator: Any) -> bool:
    return type(indicator).advance in _PLAIN_ADVANCES


def _lines_of(owner: Any) -> list[Any]:
    """Give the line buffers of an indicator, or of a line that is one itself."""
    lines = owner.lines
    return list(getattr(lines, "lines", lines))
