"""Bars, feeds and runs that the tests of strategies share."""

from __future__ import annotations

from dataclasses import dataclass, field

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from bt_run.core.market import Bars

DAY_MS = 86_400_000


class TakerData(bt.feeds.PandasData):
    """Backtrader's own feed, with one line more."""

    lines = ("taker_buy_volume",)
    params = (("taker_buy_volume", -1),)


@pytest.fixture(scope="session")
def bars_from():
    """Give a function that builds daily bars around closes; each opens where the last one closed."""

    def build(closes, *, wick=0.01):
        close = np.array(closes, dtype=np.float64)
        opens = np.concatenate([close[:1], close[:-1]])
        bought = 5.0 + 5.0 * np.clip((close / opens - 1.0) * 10.0, -0.9, 0.9)  # who bought moved the price
        return Bars.of(
            np.arange(len(close)) * DAY_MS + 1_577_836_800_000,
            open=opens,
            high=np.maximum(opens, close) * (1 + wick),
            low=np.minimum(opens, close) * (1 - wick),
            close=close,
            volume=np.full(len(close), 10.0),
            taker_buy_volume=bought,
        )

    return build


@pytest.fixture(scope="session")
def walk(bars_from):
    """Give a function that makes a seeded random walk of n bars."""

    def make(seed=1, n=400, *, start=100.0, spread=0.02):
        return bars_from(start * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, spread, n))))

    return make


@pytest.fixture(scope="session")
def feed_of():
    """Give a function that puts bars into a stock Backtrader feed."""

    def make(bars):
        index = pd.DatetimeIndex(bars.open_time.astype("datetime64[ms]"))
        columns = ("open", "high", "low", "close", "volume", "taker_buy_volume")
        return TakerData(dataname=pd.DataFrame({c: getattr(bars, c) for c in columns}, index=index))

    return make


@dataclass
class Run:
    """What a plain Cerebro did: the strategy, and its fills as (bar, size, price)."""

    strategy: bt.Strategy | None = None
    fills: list[tuple[int, float, float]] = field(default_factory=list)
    equity: float = 0.0


@pytest.fixture(scope="session")
def run_plain(feed_of):
    """Give a function that runs a strategy class in a stock Cerebro with a million in cash."""

    def run(cls, bars, *, sizer=None, cerebro_args=None, **params):
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.broker.setcash(1e6)
        cerebro.adddata(feed_of(bars))
        if sizer is not None:
            cerebro.addsizer(sizer)
        cerebro.addstrategy(cls, **params)
        done = Run()

        class Fills(bt.Analyzer):
            def notify_order(self, order):
                if order.status == order.Completed:
                    done.fills.append((len(self.data) - 1, order.executed.size, order.executed.price))

        cerebro.addanalyzer(Fills)
        (done.strategy,) = cerebro.run(**(cerebro_args or {}))
        done.equity = cerebro.broker.getvalue()
        return done

    return run


@pytest.fixture(scope="session")
def by_backtrader(run_plain):
    """Give a function that computes lines with Backtrader's own indicators, NaN while they warm up."""

    def compute(bars, build):
        class Recorder(bt.Strategy):
            def __init__(self):
                self.found = build(self.data)
                self.rows = {name: np.full(len(bars), np.nan) for name in self.found}

            def next(self):
                for name, line in self.found.items():
                    self.rows[name][len(self) - 1] = line[0]

        return run_plain(Recorder, bars).strategy.rows

    return compute
