"""Reading a strategy's decisions off bars: our own by their signals, hand-written ones by their orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from bt_run.core.market import BarFile
from bt_run.core.money import Stake
from bt_run.run.signals.decisions import FLAT, Decision, decide, stance_after
from strategies.base import SignalStrategy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars, FloatArray
    from bt_run.core.results import Outcome, PlacedOrder
    from bt_run.run.signals.decisions import Stance
    from strategies.loader import LoadedStrategy

__all__ = ["OrderReader", "Reading", "SignalReader", "StrategyReader", "reader_for"]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """
    What was read: the decisions on bars that are new, and the curves of all bars, each of shape (n,).

    `panels` are drawn below the price, `overlays` on it.
    """

    decisions: tuple[Decision, ...]
    panels: Mapping[str, FloatArray] = field(default_factory=dict)
    overlays: Mapping[str, FloatArray] = field(default_factory=dict)

    def values_at(self, position: int) -> dict[str, float]:
        """Give every curve's value at a bar; NaN while it warms up."""
        curves = {**self.panels, **self.overlays}
        return {name: float(curve[position]) for name, curve in curves.items() if len(curve) > position}


_PLENTY = 1e9
_STAKE = Stake(1.0, "percent")


class StrategyReader(Protocol):
    """Anything that reads decisions; it remembers how far it has read, and what would be held."""

    def read(self, bars: Bars) -> Reading:
        """
        Read all bars so far, of which those that were read before are the beginning.

        Raises StrategyError.
        """

    def remark(self, bars: Bars) -> str | None:
        """Say what must be known of signals on these bars; None where nothing."""


class SignalReader:
    """
    Reads one of our strategies by the signals of all bars so far, as a live run does.

    Args:
        strategy: Whose class derives from `SignalStrategy`.
        allow_short: Whether shorts are opened.
    """

    def __init__(self, strategy: LoadedStrategy, *, allow_short: bool = False) -> None:
        self._strategy = strategy
        self._allow_short = allow_short
        self._walked = 0
        self._stance: Stance = FLAT

    def read(self, bars: Bars) -> Reading:
        """Compute the signals of all bars and walk over the new ones."""
        found = self._strategy.cls.compute(bars, **self._strategy.params)
        decided = decide(found, allow_short=self._allow_short, first=self._walked, stance=self._stance)
        if decided:
            self._stance = stance_after(decided[-1])
        self._walked = len(bars)
        return Reading(tuple(decided), found.panels, found.overlays)

    def remark(self, bars: Bars) -> str | None:
        """Ask the strategy."""
        params = SimpleNamespace(**{**self._strategy.defaults, **self._strategy.params})
        said: str | None = self._strategy.cls.remark(bars, params)
        return said


class OrderReader:
    """
    Reads a hand-written strategy by the orders that it sends in a backtest over all bars so far.

    A market order that opens, closes or turns a position is a decision at the bar where it was made. Limit and
    stop orders are decisions when they are filled, at that bar. Each reading runs the whole backtest again: a
    strategy that was not written for it cannot be asked about one more bar. The account is so large that no
    order is refused for want of money.

    Args:
        strategy: Any Backtrader strategy.
        symbol: Of the bars.
        interval: Of the bars.
        allow_short: Whether shorts are opened.
        place: What the bars are called where they have no file.
    """

    def __init__(
        self,
        strategy: LoadedStrategy,
        *,
        symbol: str,
        interval: Interval,
        place: Path,
        allow_short: bool = False,
    ) -> None:
        self._strategy = strategy
        self._symbol = symbol
        self._interval = interval
        self._allow_short = allow_short
        self._place = place
        self._walked = 0

    def read(self, bars: Bars) -> Reading:
        """Run the backtest and take the orders on the new bars."""
        outcome = self._run(bars)
        new = tuple(one for one in decisions_of_orders(outcome) if one.position >= self._walked)
        self._walked = len(bars)
        return Reading(new, outcome.panels, outcome.overlays)

    def remark(self, bars: Bars) -> str | None:
        """Say nothing: the class was not written for it."""
        return None

    def _run(self, bars: Bars) -> Outcome:
        from bt_run.core.settings import BacktestSettings  # noqa: PLC0415  # only where a class is hand-written
        from bt_run.run.bt_cerebro import ReplayTerms, run_cerebro  # noqa: PLC0415  # as above

        data = BarFile(self._place, self._symbol, self._interval, bars, "")
        settings = BacktestSettings(cash=_PLENTY, stake=_STAKE, allow_short=self._allow_short, commission=0.0)
        everywhere = ReplayTerms(np.ones(len(bars), dtype=np.bool_))
        return run_cerebro(self._strategy, data, settings, replay=everywhere)


def decisions_of_orders(outcome: Outcome) -> list[Decision]:
    """Turn the orders of a run into decisions, oldest first; what was refused is none."""
    held = 0.0
    decided: list[Decision] = []
    for order in sorted(outcome.orders, key=lambda order: _moment(order, outcome)):
        waits = order.kind == "market" and not order.fills
        if order.reason or not (order.fills or waits):
            continue
        size = order.size if order.side == "buy" else -order.size
        decided += _told(_moment(order, outcome), held, held + size)
        held += size
        if abs(held) < 1e-9 * order.size:
            held = 0.0
    return decided


def _moment(order: PlacedOrder, outcome: Outcome) -> int:
    """Give the bar at which it is known that the order trades."""
    return order.bar if order.kind == "market" or not order.fills else outcome.fills[order.fills[0]].bar


def _told(position: int, before: float, after: float) -> list[Decision]:
    tiny = 1e-9 * max(abs(before), abs(after), 1e-9)
    decided: list[Decision] = []
    if abs(before) > tiny and (abs(after) <= tiny or before * after < 0):
        decided.append(Decision(position, "long exit" if before > 0 else "short exit"))
    if abs(after) > tiny and (abs(before) <= tiny or before * after < 0):
        decided.append(Decision(position, "long entry" if after > 0 else "short entry"))
    return decided


def reader_for(
    strategy: LoadedStrategy, *, symbol: str, interval: Interval, place: Path, allow_short: bool = False
) -> StrategyReader:
    """Choose the reader that fits the class."""
    if issubclass(strategy.cls, SignalStrategy):
        return SignalReader(strategy, allow_short=allow_short)
    return OrderReader(strategy, symbol=symbol, interval=interval, place=place, allow_short=allow_short)
