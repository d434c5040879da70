"""Buy and hold stands once beside the runs on the same bars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bt_run.core.interval import Interval
from bt_run.core.market import BarFile, Bars
from bt_run.core.results import EquityCurve, RunResult
from bt_run.core.settings import BacktestSettings
from bt_run.reports.benchmark import find_holds


def run_on(path, closes, *, cash=100.0) -> RunResult:
    closes = np.asarray(closes, dtype=float)
    bars = Bars.of(np.arange(len(closes)) * 86_400_000, open=closes, high=closes, low=closes, close=closes)
    return RunResult(
        strategy="rsi", params={}, data=BarFile(Path(path), "BTCUSDT", Interval(1, "d"), bars, "ab"),
        settings=BacktestSettings(cash=cash), engine="backtrader",
        curve=EquityCurve(closes, closes, closes), trades=(), fills=(), rejected=(), open_position=None,
    )  # fmt: skip


def test_runs_on_the_same_bars_share_one_hold():
    """Three runs on two files give two holds, in the order of the runs."""
    holds = find_holds([run_on("b.csv", [1, 2]), run_on("a.csv", [1, 3]), run_on("b.csv", [1, 2])])

    assert ["b.csv", "a.csv"] == [str(hold.data.path) for hold in holds]
    assert pytest.approx([100.0, 200.0]) == [hold.metrics["return_pct"] for hold in holds]


def test_a_strategy_that_stopped_early_does_not_shorten_the_hold():
    """The longest run on a file says how far holding goes."""
    (hold,) = find_holds([run_on("a.csv", [1, 2]), run_on("a.csv", [1, 2, 4])])

    assert 3 == len(hold.data.bars)
    assert pytest.approx(300.0) == hold.metrics["return_pct"]


def test_a_hold_starts_with_the_cash_of_the_runs():
    """Final equity can be compared."""
    (hold,) = find_holds([run_on("a.csv", [10, 15], cash=5_000.0)])

    assert 5_000.0 == hold.cash
    assert pytest.approx(7_500.0) == hold.metrics["equity_final"]
    assert hold.metrics["trades"] == 0
