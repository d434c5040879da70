"""Bollinger against rolling deviations and against Backtrader's bands."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from strategies.bollinger import Bollinger


def _bands(close, period, width):
    series = pd.Series(close)
    middle, spread = series.rolling(period).mean(), series.rolling(period).std(ddof=0)
    return [curve.to_numpy() for curve in (middle + width * spread, middle, middle - width * spread)]


@pytest.mark.parametrize("start", [50_000.0, 1.0, 1e-5, 1e-8])
def test_bands_stay_open_for_tiny_prices(walk, start):
    """Entries outside the bands and exits at the middle are the same for a coin of any price."""
    bars = walk(seed=71, n=500, start=start)
    found = Bollinger.compute(bars, period=20, width=1.8)
    upper, middle, lower = _bands(bars.close, 20, 1.8)

    assert found.long_entry.sum() > 10
    np.testing.assert_array_equal(bars.close < lower, found.long_entry)
    np.testing.assert_array_equal(bars.close >= middle, found.long_exit)
    np.testing.assert_array_equal(bars.close > upper, found.short_entry)
    np.testing.assert_array_equal(bars.close <= middle, found.short_exit)


def test_it_equals_backtraders_own_bands(walk, by_backtrader):
    """Backtrader computes them without TA-Lib."""
    bars = walk(seed=72)

    def build(data):
        bands = bt.ind.BollingerBands(data, period=20, devfactor=2.0)
        return {"low": data.close < bands.bot, "high": data.close > bands.top}

    theirs, found = by_backtrader(bars, build), Bollinger.compute(bars)

    np.testing.assert_array_equal(theirs["low"] == 1, found.long_entry)
    np.testing.assert_array_equal(theirs["high"] == 1, found.short_entry)


def test_a_stay_of_weeks_at_one_price_enters_nothing(bars_from):
    """Bands of no width lie on the price, give or take rounding noise, and that is not outside."""
    walk = 30_000 * np.exp(np.cumsum(np.random.default_rng(7).normal(0, 0.01, 5_000)))
    found = Bollinger.compute(bars_from(np.concatenate([walk, np.full(300, 30_000.1)])))

    assert not np.any((found.long_entry | found.short_entry)[-270:])
