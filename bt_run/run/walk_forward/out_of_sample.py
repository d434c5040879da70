"""
Trade the chosen parameters on the bars of a test window.

The strategy sees the training bars too, so that its indicators are warm, but trades only from the first test
bar on: a decision at its close is filled at the next open. What is held at the end of the window is sold at its
last close, with slippage and commission, because the next window may choose other parameters.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from brokers.ledger import round_trips
from bt_run.core.errors import StrategyError
from bt_run.core.results import EquityCurve, Fill, RunResult
from bt_run.reports.metrics import compute_metrics
from bt_run.run.bt_cerebro import ReplayTerms, run_cerebro
from bt_run.run.engines import Ran, run_engine
from strategies.base import Signals, SignalStrategy

if TYPE_CHECKING:
    from bt_run.core.market import BarFile, Bars
    from bt_run.core.results import Outcome
    from bt_run.core.settings import BacktestSettings
    from bt_run.reports.walk_forward.result import Window
    from strategies.base import BoolArray
    from strategies.loader import LoadedStrategy

__all__ = ["WINDOW_END", "run_idle", "run_test"]

WINDOW_END = "window_end"
"""The exit reason of what was sold because its window ended."""


def run_test(strategy: LoadedStrategy, data: BarFile, settings: BacktestSettings, window: Window) -> RunResult:
    """
    Run a strategy on the test bars of a window.

    Args:
        strategy: With the parameters that the window chose.
        data: All bars.
        settings: `cash` is what the account holds when the window begins.
        window: Which bars warm up and which are traded.

    Raises StrategyError: the strategy raised, or stopped its run.
    """
    seen = dataclasses.replace(data, bars=data.bars[window.train : window.end])
    skipped = window.test - window.train
    ran = _run_warm(strategy, seen, settings, first_ms=int(data.bars.open_time[window.test]))
    if len(ran.outcome.curve.equity) < len(seen.bars):
        raise StrategyError(
            f"{strategy.name} stopped its run in window {window.number}, before the data ended."
        )
    traded = dataclasses.replace(data, bars=data.bars[window.test : window.end])
    return _result(strategy, traded, settings, _sold(_from(ran, skipped), traded.bars, settings))


def run_idle(strategy: LoadedStrategy, data: BarFile, settings: BacktestSettings, window: Window) -> RunResult:
    """Give the account of a window in which nothing could be chosen and nothing is traded."""
    traded = dataclasses.replace(data, bars=data.bars[window.test : window.end])
    count = len(traded.bars)
    money = np.full(count, settings.cash)
    idle = _Account(EquityCurve(money, money, np.zeros(count)), (), (), "", "")
    return _result(strategy, traded, settings, idle)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Account:
    """What came of the test bars, positions counted from the first of them."""

    curve: EquityCurve
    fills: tuple[Fill, ...]
    rejected: tuple[Any, ...]
    engine: str
    note: str


def _run_warm(strategy: LoadedStrategy, seen: BarFile, settings: BacktestSettings, *, first_ms: int) -> Ran:
    """Run on all bars seen, and trade from `first_ms` on: signals are silenced before, or orders refused."""
    cls = strategy.cls
    if issubclass(cls, SignalStrategy) and cls.next is SignalStrategy.next:
        silenced = dataclasses.replace(strategy, cls=_silent_before(cls, first_ms))
        return run_engine(silenced, seen, settings)
    terms = ReplayTerms(tradable=seen.bars.open_time >= first_ms)
    return Ran(run_cerebro(strategy, seen, settings, replay=terms), "backtrader")


def _silent_before(cls: type[SignalStrategy], first_ms: int) -> type[SignalStrategy]:
    """Make a class that decides as `cls` does from a time on; only `signals` differs: any engine takes it."""

    def signals(bars: Bars, p: Any) -> Signals:
        found = cls.signals(bars, p)
        late = bars.open_time >= first_ms
        return _masked(found, late) if isinstance(found, Signals) else found  # what does not fit is told later

    body: dict[str, Any] = {
        "signals": staticmethod(signals),
        "__doc__": cls.__doc__,
        "__module__": cls.__module__,
    }
    silent: type[SignalStrategy] = type(cls.__name__, (cls,), body)
    return silent


def _masked(found: Signals, late: BoolArray) -> Signals:
    """Take away the decisions that are not late; what is no array of booleans stays, to be told later."""
    masked: dict[str, Any] = {}
    for name in ("long_entry", "long_exit", "short_entry", "short_exit"):
        array = np.asarray(getattr(found, name))
        if array.dtype == np.bool_ and array.shape == late.shape:
            masked[name] = array & late
    return dataclasses.replace(found, **masked)


def _from(ran: Ran, skipped: int) -> _Account:
    """Cut off the bars that only warmed up."""
    outcome: Outcome = ran.outcome
    curve = EquityCurve(*(getattr(outcome.curve, name)[skipped:] for name in ("equity", "cash", "position")))
    fills = tuple(dataclasses.replace(fill, bar=fill.bar - skipped) for fill in outcome.fills)
    refused = tuple(
        dataclasses.replace(order, bar=order.bar - skipped)
        for order in outcome.rejected
        if order.bar >= skipped
    )
    return _Account(curve, fills, refused, ran.engine, ran.note)


def _sold(found: _Account, bars: Bars, settings: BacktestSettings) -> _Account:
    """Sell at the last close what is held there."""
    size = -float(found.curve.position[-1])
    if not found.fills or abs(size) <= 1e-12 * max(abs(fill.position) for fill in found.fills):
        return found
    worse = 1.0 + settings.slippage if size > 0 else 1.0 - settings.slippage
    price = float(bars.close[-1]) * worse
    fee = abs(size) * price * settings.commission
    last = len(bars) - 1
    fill = Fill(last, int(bars.open_time[-1]), size, price, fee, 0.0, WINDOW_END)
    cash, equity, position = (getattr(found.curve, name).copy() for name in ("cash", "equity", "position"))
    equity[-1] -= abs(size) * abs(price - float(bars.close[-1])) + fee
    cash[-1], position[-1] = equity[-1], 0.0
    return dataclasses.replace(found, curve=EquityCurve(equity, cash, position), fills=(*found.fills, fill))


def _result(strategy: LoadedStrategy, data: BarFile, settings: BacktestSettings, found: _Account) -> RunResult:
    trades, held = round_trips(found.fills, data.bars)
    metrics = compute_metrics(
        curve=found.curve, bars=data.bars, trades=trades, fills=found.fills, cash=settings.cash,
        interval=data.interval,
    )  # fmt: skip
    return RunResult(
        strategy=strategy.name, params=dict(strategy.params), data=data, settings=settings, engine=found.engine,
        engine_note=found.note, curve=found.curve, trades=trades, fills=found.fills, rejected=found.rejected,
        open_position=held, metrics=metrics, defaults=strategy.defaults,
    )  # fmt: skip
