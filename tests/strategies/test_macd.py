"""Macd against exponential averages written out, and against Backtrader's crossover."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from bt_run.core.errors import ParamError
from strategies.macd import Macd


def _ema(values, period, *, first):
    """Compute an EMA with pandas, seeded by the simple mean of the `period` values that end at `first`."""
    series = pd.Series(values, dtype=float)
    series.iloc[first] = series.iloc[first - period + 1 : first + 1].mean()
    series.iloc[:first] = np.nan
    return series.ewm(span=period, adjust=False).mean()


def test_the_line_crosses_its_signal_as_the_formula_says(walk):
    """Fast minus slow average, its own average, and the change of side between the two."""
    bars = walk(seed=41, n=500)
    found = Macd.compute(bars, fast=6, slow=13, signal=5)
    line = _ema(bars.close, 6, first=12) - _ema(bars.close, 13, first=12)
    signal = _ema(line.to_numpy(), 5, first=16)
    side = np.sign(line - signal)
    up = ((side == 1) & (side.shift() == -1)).to_numpy()
    down = ((side == -1) & (side.shift() == 1)).to_numpy()

    assert up.sum() > 10
    np.testing.assert_array_equal(up, found.long_entry)
    np.testing.assert_array_equal(down, found.long_exit)
    np.testing.assert_array_equal(down, found.short_entry)
    np.testing.assert_array_equal(up, found.short_exit)


def test_it_equals_backtraders_crossover_of_talib_lines(walk, by_backtrader):
    """What a hand-written bt.talib strategy would trade."""
    bars = walk(seed=42)

    def build(data):
        macd = bt.talib.MACD(data, fastperiod=12, slowperiod=26, signalperiod=9)
        return {"cross": bt.ind.CrossOver(macd.macd, macd.macdsignal), "line": macd.macd}

    theirs, found = by_backtrader(bars, build), Macd.compute(bars)

    np.testing.assert_array_equal(theirs["cross"] == 1, found.long_entry)
    np.testing.assert_array_equal(theirs["cross"] == -1, found.long_exit)
    known = ~np.isnan(theirs["line"])
    np.testing.assert_array_equal(theirs["line"][known], found.panels["MACD"][known])


def test_fast_must_be_faster_than_slow():
    """TA-Lib would swap them without a word."""
    with pytest.raises(ParamError, match="Macd: fast is 26 and slow is 26; fast must be less than slow"):
        Macd.check_params({"fast": 26})
