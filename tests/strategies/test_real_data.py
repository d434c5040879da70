"""Each strategy on three years of real bars: a sane number of trades."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bt_run.core.market import Bars
from strategies.loader import load_strategy
from strategies.registry import registered_names

# Round trips on 1,227 daily bars, counted by a loop over the signals without Backtrader.
ROUND_TRIPS = {
    "rsi": 5,
    "macd": 38,
    "ma_cross": 19,
    "sar": 44,
    "bollinger": 17,
    "combined": 43,
    "order_flow": 60,
}


@pytest.fixture(scope="module")
def bitcoin(shared):
    """Read the daily bars of BTCUSDT, 2017 to 2020."""
    path = shared / "realdata" / "klines" / "python-binance" / "BTCUSDT-2017-2020-1d.csv.gz"
    table = pd.read_csv(path, header=None)
    names = ("open", "high", "low", "close", "volume")
    columns = {name: table[i + 1] for i, name in enumerate(names)}
    return Bars.of(table[0] * 1000, **columns, taker_buy_volume=table[9])


def test_every_strategy_of_ours_is_looked_at():
    """A new strategy gets its number here."""
    assert list(ROUND_TRIPS) == registered_names()[: len(ROUND_TRIPS)]


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_round_trips_on_real_bars(bitcoin, run_plain, name):
    """Long only, one unit, no costs: the count, and never more than one unit held."""
    fills = run_plain(load_strategy(name).cls, bitcoin).fills
    holdings = np.cumsum([size for _, size, _ in fills])

    assert ROUND_TRIPS[name] == len(fills) // 2
    assert set(holdings.tolist()) == {0, 1}
