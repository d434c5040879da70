"""Run one strategy over one file of bars and reckon what came of it."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import TYPE_CHECKING

from brokers.ledger import round_trips
from bt_run.core.results import RunResult
from bt_run.reports.metrics import compute_metrics
from bt_run.run.engines import run_engine
from strategies.base import SignalStrategy

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.market import BarFile
    from bt_run.core.settings import BacktestSettings
    from strategies.loader import LoadedStrategy

__all__ = ["run_backtest"]


def run_backtest(
    strategy: LoadedStrategy,
    data: BarFile,
    settings: BacktestSettings,
    *,
    progress: Callable[[int], None] | None = None,
) -> RunResult:
    """
    Backtest a strategy, ours or hand-written.

    Args:
        strategy: From `strategies.loader.load_strategy`, parameters included.
        data: At least one bar.
        settings: Cash, costs, stake, protection.
        progress: Called now and then with the number of bars done.

    Returns:
        The result; its trades are closed ones only, what is still held is `open_position`.

    Raises:
        NotCovered: the engine asked for by name cannot run this strategy.
        StrategyError: the strategy raised; with its traceback and the time of the bar.
        ParamError: a parameter is wrong.
    """
    settings.stake.check_symbol(data.symbol)
    ran = run_engine(strategy, data, settings, progress=progress)
    outcome = ran.outcome
    if len(outcome.curve.equity) < len(data.bars):
        data = dataclasses.replace(data, bars=data.bars[: len(outcome.curve.equity)])
    data = _remarked(strategy, data)
    trades, open_position = round_trips(outcome.fills, data.bars)
    metrics = compute_metrics(
        curve=outcome.curve,
        bars=data.bars,
        trades=trades,
        fills=outcome.fills,
        cash=settings.cash,
        interval=data.interval,
    )
    return RunResult(
        strategy=strategy.name,
        params=dict(strategy.params),
        data=data,
        settings=settings,
        engine=ran.engine,
        engine_note=ran.note,
        curve=outcome.curve,
        trades=trades,
        fills=outcome.fills,
        rejected=outcome.rejected,
        open_position=open_position,
        panels=outcome.panels,
        overlays=outcome.overlays,
        metrics=metrics,
        defaults=strategy.defaults,
    )


def _remarked(strategy: LoadedStrategy, data: BarFile) -> BarFile:
    """Add to what is known about the data what the strategy says about it."""
    if not issubclass(strategy.cls, SignalStrategy):
        return data
    remark = strategy.cls.remark(data.bars, SimpleNamespace(**{**strategy.defaults, **strategy.params}))
    return data if remark is None else dataclasses.replace(data, warnings=(*data.warnings, remark))
