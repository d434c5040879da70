"""What the accelerated run loop does not cover, in words; Backtrader's own loop runs those strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

from bt_run.run.accelerated.bt_broker import AcceleratedBroker
from feeds.bt_feed import ArrayFeed

if TYPE_CHECKING:
    from collections.abc import Callable

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
    for reason, is_so in _QUESTIONS:
        if is_so(cerebro, strategies):
            return reason
    hook = find_own_hook(type(strategies[0]))
    return None if hook is None else f"the strategy has a {hook}() of its own"


_QUESTIONS: tuple[tuple[str, Callable[[Any, list[Any]], bool]], ...] = (
    ("it has several data feeds", lambda cerebro, _: len(cerebro.datas) != 1),
    ("it has several strategies", lambda _, strategies: len(strategies) != 1),
    ("its feed delivers the bars one by one", lambda cerebro, _: not _is_loaded(cerebro.datas[0])),
    ("it has a broker of its own", lambda cerebro, _: not isinstance(cerebro.broker, AcceleratedBroker)),
    ("it cheats on open", lambda cerebro, _: bool(cerebro.p.cheat_on_open or cerebro.broker.p.coo)),
    ("it has a volume filler", lambda cerebro, _: cerebro.broker.p.filler is not None),
    ("it replays orders", lambda cerebro, _: bool(cerebro.broker._userhist or cerebro.broker._fundhist)),
    ("it has costs of its own", lambda cerebro, _: _has_own_costs(cerebro.broker)),
    ("it wants quick notifications", lambda cerebro, _: bool(cerebro.p.quicknotify)),
    ("it has timers", lambda cerebro, _: bool(cerebro._timers or cerebro._timerscheat)),
    ("it has a store", lambda cerebro, _: bool(cerebro.stores)),
    ("it has writers", lambda cerebro, _: bool(cerebro.runwriters)),
    ("it has analyzers", lambda _, strategies: bool(len(strategies[0].analyzers) or strategies[0]._slave_analyzers)),
    ("it has observers", lambda _, strategies: bool(strategies[0]._lineiterators[_OBS])),
    ("it stopped before the first bar", lambda cerebro, _: bool(cerebro._event_stop)),
)


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
    for indicator in (*strategy._lineiterators[_IND], strategy):
        if indicator is not strategy and not (_moves_plainly(indicator) and _first_line(indicator._clock) in known):
            return None
        for line in _lines_of(indicator):
            if id(line) in known:
                return None
            known.add(id(line))
            lines.append(line)
    stands = all(line.lencount == 0 and line._idx == -1 and line.mode == line.UnBounded for line in lines)
    return lines if stands else None


def _moves_plainly(indicator: Any) -> bool:
    return type(indicator).advance in _PLAIN_ADVANCES


def _first_line(clock: Any) -> int:
    return id(clock.lines[0])


def _lines_of(owner: Any) -> list[Any]:
    """Give the line buffers of an indicator, or of a line that is one itself."""
    lines = owner.lines
    return list(getattr(lines, "lines", lines))
