"""Rsi against Wilder's definition, written out, and against Backtrader."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd

from strategies.rsi import Rsi


def _wilder_rsi(close, period):
    """Compute RSI with pandas: the first average is simple, the others are smoothed by 1/period."""
    change = pd.Series(close).diff()
    averages = []
    for part in (change.clip(lower=0), -change.clip(upper=0)):
        seeded = part.copy()
        seeded.iloc[:period] = np.nan
        seeded.iloc[period] = part.iloc[1 : period + 1].mean()
        averages.append(seeded.ewm(alpha=1 / period, adjust=False).mean())
    return (100 * averages[0] / (averages[0] + averages[1])).to_numpy()


def test_thresholds_decide_as_wilders_formula_says(walk):
    """Weak buys and covers, strong closes and sells short."""
    bars = walk(seed=31, n=600)
    found = Rsi.compute(bars, period=10, oversold=35.0, overbought=60.0)
    rsi = _wilder_rsi(bars.close, 10)

    assert found.long_entry.sum() > 20
    np.testing.assert_allclose(found.panels["RSI"], rsi, rtol=1e-9)
    np.testing.assert_array_equal(rsi < 35, found.long_entry)
    np.testing.assert_array_equal(rsi > 60, found.long_exit)
    np.testing.assert_array_equal(found.long_exit, found.short_entry)
    np.testing.assert_array_equal(found.long_entry, found.short_exit)


def test_it_equals_backtraders_talib_indicator(walk, by_backtrader):
    """The curve is bit for bit that of bt.talib.RSI in a backtest."""
    bars = walk(seed=32)
    theirs = by_backtrader(bars, lambda data: {"rsi": bt.talib.RSI(data, timeperiod=14)})["rsi"]

    np.testing.assert_array_equal(theirs, Rsi.compute(bars).panels["RSI"])


def test_a_price_that_never_moved_counts_as_oversold(bars_from):
    """TA-Lib's convention for nothing divided by nothing, as the docstring warns."""
    found = Rsi.compute(bars_from([5.0] * 20, wick=0.0))

    assert [14, 15, 16, 17, 18, 19] == np.flatnonzero(found.long_entry).tolist()
