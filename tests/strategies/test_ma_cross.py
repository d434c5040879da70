"""MaCross against rolling means and against Backtrader's crossover."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from bt_run.core.errors import ParamError
from strategies.ma_cross import MaCross


def test_simple_averages_cross_as_rolling_means_do(walk):
    """The default kind, recomputed with pandas."""
    bars = walk(seed=51, n=600)
    close = pd.Series(bars.close)
    found = MaCross.compute(bars, fast=5, slow=20)
    side = np.sign(close.rolling(5).mean() - close.rolling(20).mean())
    up = ((side == 1) & (side.shift() == -1)).to_numpy()
    down = ((side == -1) & (side.shift() == 1)).to_numpy()

    assert up.sum() > 10
    np.testing.assert_array_equal(up, found.long_entry)
    np.testing.assert_array_equal(down, found.long_exit)
    np.testing.assert_array_equal(down, found.short_entry)
    np.testing.assert_array_equal(up, found.short_exit)


@pytest.mark.parametrize("kind", ["sma", "ema"])
def test_it_equals_backtraders_crossover_of_its_own_averages(walk, by_backtrader, kind):
    """Neither average comes from TA-Lib here: Backtrader has its own of both kinds."""
    bars = walk(seed=52, n=500)
    average = {"sma": bt.ind.SMA, "ema": bt.ind.EMA}[kind]

    def build(data):
        return {"cross": bt.ind.CrossOver(average(data, period=8), average(data, period=21))}

    cross, found = by_backtrader(bars, build)["cross"], MaCross.compute(bars, fast=8, slow=21, kind=kind)

    assert found.long_entry.sum() > 5
    np.testing.assert_array_equal(cross == 1, found.long_entry)
    np.testing.assert_array_equal(cross == -1, found.long_exit)


def test_the_curves_are_named_by_kind_and_period(walk):
    """The legend of a plot tells which line is which."""
    assert ["EMA 8", "EMA 21"] == list(MaCross.compute(walk(n=50), fast=8, slow=21, kind="ema").overlays)


def test_fast_must_be_faster_than_slow():
    """Turned round it would buy every fall."""
    with pytest.raises(ParamError, match="fast must be less than slow"):
        MaCross.check_params({"fast": 40})
