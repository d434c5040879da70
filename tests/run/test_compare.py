"""When a comparison takes more than one process."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bt_run.core.market import Bars
from bt_run.core.settings import BacktestSettings
from bt_run.run import compare
from bt_run.run.compare import run_comparison
from feeds import read_bars

HAND_WRITTEN = "import backtrader as bt\n\n\nclass Hand(bt.Strategy):\n    pass\n"


@pytest.fixture
def processes(monkeypatch):
    """Give the list of how many workers each comparison asked for; nothing is run."""
    asked = []
    monkeypatch.setattr(compare, "_run_in_processes", lambda todo, workers, progress: asked.append(workers))
    monkeypatch.setattr(compare, "_run_here", lambda todo, progress: asked.append(1))
    monkeypatch.setattr(compare.os, "cpu_count", lambda: 4)
    return asked


@pytest.fixture
def long_data(root):
    """Give 200,000 bars."""
    count = 200_000
    price = np.full(count, 10.0)
    bars = Bars.of(np.arange(count) * 60_000, open=price, high=price, low=price, close=price)
    return [dataclasses.replace(read_bars(root / "data/btc_1d.csv"), bars=bars)]


@pytest.fixture
def hand_written(tmp_path):
    """Give the spec of a class that the fast engine does not take."""
    path = tmp_path / "hand.py"
    path.write_text(HAND_WRITTEN)
    return str(path)


@pytest.mark.parametrize(
    ("engine", "jobs", "expected"), [("auto", None, 1), ("auto", 2, 2), ("backtrader", None, 2)]
)
def test_runs_of_the_fast_engine_take_one_process(processes, long_data, engine, jobs, expected):
    """It is done before another process has been given the bars; who asks for two gets two."""
    run_comparison(["rsi", "sar"], long_data, BacktestSettings(engine=engine), jobs=jobs)

    assert [expected] == processes


def test_long_runs_of_hand_written_strategies_take_more(processes, long_data, hand_written):
    """They take a minute where the others take a second."""
    run_comparison(["rsi", hand_written], long_data, BacktestSettings())

    assert [2] == processes
