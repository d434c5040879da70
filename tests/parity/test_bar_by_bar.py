"""
Bar by bar as at once: the same orders, fills, cash and equity where bars arrive as in a live run.

Both sides are plain Backtrader (``conftest.py``). On one all bars are loaded and computed beforehand; on the
other the feed says that it is live, and then Backtrader delivers and computes one bar at a time.
"""

from __future__ import annotations

from pathlib import Path

import backtrader as bt
import numpy as np
import pytest
import talib

from bt_run.core.market import BarFile, Interval
from bt_run.core.settings import BacktestSettings
from bt_run.run.backtest import run_backtest
from feeds import ArrayFeed, read_bars
from strategies.bt_talib_live import mend_talib
from strategies.loader import LoadedStrategy, load_strategy
from strategies.registry import BUILT_IN

DAY = Interval.parse("1d")
SPECS = {
    "rsi": ("rsi", "rsi:period=7,oversold=35,overbought=65"),
    "macd": ("macd", "macd:fast=8"),
    "ma_cross": ("ma_cross:fast=5,slow=20", "ma_cross:kind=ema,fast=8,slow=21"),
    "sar": ("sar", "sar:acceleration=0.03"),
    "bollinger": ("bollinger", "bollinger:period=10"),
    "combined": ("combined", "combined:votes=1"),
    "order_flow": ("order_flow:window=20", "order_flow:window=10,confirm=1,hold=5"),
}


class OneByOne(ArrayFeed):
    """Deliver bars as a live feed does."""

    def islive(self):
        return True


class Held(OneByOne):
    """A live feed that holds its warm-up, 500 bars, before it delivers the first."""

    @property
    def loaded(self):
        return self.bars[: max(500, len(self))]

    @loaded.setter
    def loaded(self, _):
        """Stay as it is."""

    def load(self):
        return bt.feed.DataBase.load(self)


@pytest.fixture(scope="session")
def sample(root):
    """Give the shipped daily bars."""
    return read_bars(root / "data" / "btc_1d.csv").bars


def account(plain, feed, cls, **params):
    """Run with costs and half of the account as the stake; give all that a broker could tell."""
    done = plain.run(
        feed, cls, commission=0.001, slippage=0.0005, sizer=(plain.percent, {"percent": 50.0}), **params
    )
    orders = [
        (
            order.created.dt,
            order.isbuy(),
            order.size,
            order.exectype,
            order.created.price,
            order.getstatusname(),
        )
        for order in done.strategy.broker.orders
    ]
    return {
        "orders": orders,
        "fills": done.fills,
        "trades": done.trades,
        "refused": done.refused,
        "equity": done.equity,
        "cash": done.cash,
        "final": done.final,
    }


def check_same(plain, bars, spec, *, feed, allow_short):
    """Compare one strategy of ours, everything by ``==``."""
    loaded = load_strategy(spec)
    params = {**loaded.params, "allow_short": allow_short}
    at_once = account(plain, ArrayFeed(bars, interval=DAY), loaded.cls, **params)
    one_by_one = account(plain, feed(bars, interval=DAY), loaded.cls, **params)

    assert len(at_once["fills"]) >= 2
    assert len(bars) == len(at_once["equity"])
    for name, expected in at_once.items():
        assert expected == one_by_one[name], name


def test_every_shipped_strategy_is_compared():
    """A strategy that is added must be added here."""
    assert set(BUILT_IN) == set(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_a_shipped_strategy_trades_the_same_bar_by_bar(plain, sample, name):
    """Two years, long only with a feed that holds nothing, with shorts and a warm-up."""
    bars = sample[900:1630]
    first, second = SPECS[name]
    check_same(plain, bars, first, feed=OneByOne, allow_short=False)
    check_same(plain, bars, second, feed=Held, allow_short=True)


@pytest.mark.slow
@pytest.mark.parametrize("feed", [OneByOne, Held])
@pytest.mark.parametrize("allow_short", [False, True])
@pytest.mark.parametrize("spec", [spec for specs in SPECS.values() for spec in specs])
def test_a_shipped_strategy_over_the_whole_sample(plain, sample, spec, allow_short, feed):
    """Every bar of the shipped file."""
    check_same(plain, sample, spec, feed=feed, allow_short=allow_short)


class TalibSigns(bt.Strategy):
    """Hand-written: MACD's side and OBV above its average buy, TEMA below the close by a limit sells."""

    def __init__(self):
        self.macd = bt.talib.MACD(self.data)
        self.obv = bt.talib.OBV(self.data.close, self.data.volume)
        self.mean = bt.talib.SMA(self.obv, timeperiod=20)
        self.tema = bt.talib.TEMA(self.data.close, timeperiod=12)

    def next(self):
        if not self.position:
            if self.macd.macd[0] > self.macd.macdsignal[0] and self.obv[0] > self.mean[0]:
                self.buy()
        elif self.tema[0] > self.data.close[0]:
            self.sell(exectype=bt.Order.Limit, price=self.tema[0], size=self.position.size)


@pytest.fixture(params=["TalibMix", "TalibSigns"])
def by_hand(request, hand_written):
    """Give hand-written strategies that use bt.talib."""
    return TalibSigns if request.param == "TalibSigns" else hand_written(request.param)[1]


@pytest.mark.parametrize("feed", [OneByOne, Held])
def test_a_hand_written_strategy_trades_the_same_bar_by_bar(plain, sample, by_hand, feed):
    """With `mend_talib`, whether or not the feed holds its warm-up."""
    bars = sample[600:1400]
    expected = account(plain, ArrayFeed(bars, interval=DAY), by_hand)
    with mend_talib():
        found = account(plain, feed(bars, interval=DAY), by_hand)

    assert len(expected["fills"]) >= 4
    assert expected == found


def test_without_the_mending_it_trades_otherwise(plain, sample, by_hand):
    """What the comparison would miss if it compared nothing."""
    bars = sample[600:1400]
    expected = account(plain, ArrayFeed(bars, interval=DAY), by_hand)
    found = account(plain, OneByOne(bars, interval=DAY), by_hand)

    assert expected["fills"] != found["fills"]


def test_a_backtest_that_backtrader_runs_bar_by_bar_has_the_right_values(sample):
    """Heikin Ashi makes Backtrader run so; run_backtest mends bt.talib there."""

    class Both(bt.Strategy):
        def __init__(self):
            self.candles = bt.ind.HeikinAshi(self.data)
            self.macd = bt.talib.MACD(self.data.close)

        def next(self):
            pass

    loaded = LoadedStrategy("both", Both, {}, Path(__file__))
    data = BarFile(Path("sample"), "BTCUSDT", DAY, sample, sha256="")
    result = run_backtest(loaded, data, BacktestSettings())
    name = next(name for name in result.panels if name.endswith(": macd"))

    assert np.array_equal(result.panels[name], talib.MACD(result.data.bars.close)[0], equal_nan=True)
