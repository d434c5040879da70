"""
Numbers that other people published, reproduced from fills by our ledger and metrics.

GOOG is backtesting.py's own regression test (0.6.6). Each value whose definition we share is compared by its
key; those reached by our functions with their input say so; the rest is listed with the reason.
"""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime

import backtrader as bt
import numpy as np
import pytest
import talib

from brokers.ledger import round_trips
from bt_run.core.interval import Interval
from bt_run.core.market import Bars
from bt_run.core.results import EquityCurve, Fill
from bt_run.reports import trade_stats
from bt_run.reports.drawdown import find_drawdowns
from bt_run.reports.metrics import buy_and_hold_curve, compute_metrics

DAY = 86_400_000

SHARED = {
    "# Trades": "trades",
    "Equity Final [$]": "equity_final",
    "Return [%]": "return_pct",
    "Equity Peak [$]": "equity_peak",
    "Win Rate [%]": "win_rate_pct",
    "Best Trade [%]": "best_trade_pct",
    "Worst Trade [%]": "worst_trade_pct",
    "Avg. Trade [%]": "avg_trade_pct",
    "Expectancy [%]": "expectancy_pct",
    "CAGR [%]": "cagr_pct",
    "Avg. Drawdown [%]": "avg_drawdown_pct",
    "Max. Drawdown [%]": "max_drawdown_pct",
    "Kelly Criterion": "kelly",
}
"""Same definition; backtesting.py writes drawdowns with a minus."""

OTHERWISE = {
    "Profit Factor": "theirs adds up percentages, ours money",
    "SQN": "theirs divides by k - 1, ours by k as Backtrader does",
    "Max. Drawdown Duration": "same, theirs is rounded up to days",
    "Exposure Time [%]": "theirs counts the bar on which a trade ends, ours the position at the close",
    "Buy & Hold Return [%]": "theirs starts after the strategy's warm-up, ours at the first close",
}
"""Another definition, but reproduced below by our functions with their input."""

DIFFERENT = {
    "Return (Ann.) [%]": "theirs leaves out the first day's return: 2147 returns instead of 2148",
    "Volatility (Ann.) [%]": "theirs is the deviation of a compounded year, ours std * sqrt(days) as in R",
    "Sharpe Ratio": "theirs divides compounded return by compounded volatility",
    "Sortino Ratio": "theirs has the compounded annual return above the line, ours the mean as in R",
    "Calmar Ratio": "follows from the annual return",
    "Alpha [%]": "theirs is the whole range's return less beta * buy and hold, not annualised",
    "Beta": "theirs is of logarithmic returns bar by bar, ours of simple returns day by day",
}
"""Not reproduced, and why."""


def read_goog(shared) -> Bars:
    path = shared / "realdata/results/backtesting-py/GOOG.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.reader(file))[1:]
    times = [datetime.fromisoformat(row[0]).replace(tzinfo=UTC).timestamp() * 1000 for row in rows]
    prices = np.array([row[1:5] for row in rows], dtype=float).T
    return Bars.of(times, **dict(zip(("open", "high", "low", "close"), prices, strict=True)))


def trade_sma_cross(bars: Bars) -> tuple[list[Fill], EquityCurve]:
    """Always in the market after the first cross, long or short, whole shares for the whole equity."""
    fast, slow = talib.SMA(bars.close, 10), talib.SMA(bars.close, 30)
    above = fast - slow
    cash, held, wanted = 10_000.0, 0, 0
    fills: list[Fill] = []
    books = np.zeros((3, len(bars)))

    def trade(bar, size):
        nonlocal cash, held
        price = bars.open[bar]
        cash, held = cash - size * price, held + size
        fills.append(Fill(bar, int(bars.open_time[bar]), size, price, 0.0, held))

    for bar in range(len(bars)):
        if wanted:
            equity = cash + held * bars.open[bar]
            trade(bar, wanted * (equity // bars.open[bar]) - held)
            wanted = 0
        if bar == len(bars) - 1 and held:
            trade(bar, -held)
        if bar and above[bar - 1] * above[bar] < 0.0:
            wanted = 1 if above[bar] > 0.0 else -1
        books[:, bar] = cash + held * bars.close[bar], cash, held
    return fills, EquityCurve(*books)


@pytest.fixture(scope="module")
def goog(shared):
    """Run backtesting.py's SmaCross on GOOG; give the published values and ours."""
    listed = json.loads((shared / "realdata/results/expected.json").read_text())["results"]
    published = next(item for item in listed if item["id"] == "backtesting.py-smacross-goog")["expected"]
    bars = read_goog(shared)
    fills, curve = trade_sma_cross(bars)
    trades, held = round_trips(fills, bars)
    metrics = compute_metrics(
        curve=curve, bars=bars, trades=trades, fills=fills, cash=10_000.0, interval=Interval(1, "d")
    )
    assert held is None
    return published, bars, curve, trades, metrics


def test_every_published_value_is_accounted_for(goog):
    """Nothing of the published row is passed over in silence."""
    assert set(goog[0]) == {*SHARED, *OTHERWISE, *DIFFERENT}


@pytest.mark.parametrize("name", [*SHARED])
def test_backtesting_py_values_of_the_same_definition_are_equal(goog, name):
    """66 trades, 51,422.99, and what follows from them."""
    published, _, _, _, metrics = goog
    expected = abs(published[name]) if "Drawdown" in name else published[name]

    assert pytest.approx(expected, rel=1e-12) == metrics[SHARED[name]]


def test_backtesting_py_values_of_another_definition_are_reproduced(goog):
    """Given their input, our functions give their numbers."""
    published, bars, curve, trades, metrics = goog
    pct = np.array([trade.pnl_pct for trade in trades])
    covered = np.zeros(len(bars))
    for trade in trades:
        covered[trade.entry_bar : trade.exit_bar + 1] = 1
    after_warm_up = bars[int(np.flatnonzero(bars.close == 129.60)[0]) :]
    longest = find_drawdowns(curve.equity, bars.open_time, start=10_000.0).max_duration_s

    assert pytest.approx(published["Profit Factor"]) == trade_stats.profit_factor(pct)
    assert pytest.approx(published["SQN"]) == metrics["sqn"] * (65 / 66) ** 0.5
    assert published["Max. Drawdown Duration"] == f"{longest / 86_400:.0f} days"
    assert pytest.approx(published["Exposure Time [%]"]) == covered.mean() * 100
    assert pytest.approx(published["Buy & Hold Return [%]"]) == (
        buy_and_hold_curve(after_warm_up, 1.0).equity[-1] * 100 - 100
    )
    assert pytest.approx(published["Exposure Time [%]"], abs=0.05) == metrics["exposure_pct"]
    assert pytest.approx(published["Return (Ann.) [%]"], abs=0.02) == metrics["return_ann_pct"]


class Published(bt.Strategy):
    """The author's rules: a tenth of the account in, the same size out, one order at a time."""

    params = (("values", None), ("enter", None), ("leave", None))

    def start(self):
        self.order, self.size, self.fills, self.equity = None, 0.0, [], []

    def next(self):
        bar = len(self.data) - 1
        self.equity.append(self.broker.getvalue())
        value, close = self.p.values[bar], self.data.close[0]
        if self.order is not None or np.isnan(value):
            return
        if not self.position and self.p.enter(close, value):
            self.size = 0.10 * self.broker.getvalue() / close
            self.order = self.buy(size=self.size)
        elif self.position and self.p.leave(close, value):
            self.order = self.sell(size=self.size)

    def notify_order(self, order):
        if order.status == order.Completed:
            done, bar = order.executed, len(self.data) - 1
            self.fills.append(Fill(bar, 0, done.size, done.price, done.comm, self.position.size))
        if not order.alive():
            self.order = None


RULES = {
    "RSI": (talib.RSI, lambda _, rsi: rsi < 30, lambda _, rsi: rsi > 70),
    "SMA": (talib.SMA, lambda close, sma: close > sma, lambda close, sma: close < sma),
}


@pytest.mark.parametrize(
    ("name", "periods"),
    [
        ("RSI-BTCUSDT-20170101-20201231-1d", (10, 13)),
        ("SMA-BTCUSDT-20170101-20201231-1d", (10, 30)),
        ("SMA-ETHUSDT-20180301-20201115-3d", (10, 11, 20)),
        ("RSI-ETHUSDT-20170101-20201231-12h", (14,)),
    ],
)
def test_published_runs_are_found_from_fills(shared, name, periods):
    """Final value, closed profit, winners, losers and SQN of runs published in 2021, to their last digit."""
    kind, pair, start, end, interval = name.split("-")
    data = np.loadtxt(
        shared / f"realdata/klines/python-binance/{pair}-2017-2020-{interval}.csv.gz",
        delimiter=",", usecols=range(6), skiprows=1,  # the author's reader took the first bar for a header
    )  # fmt: skip
    first, last = (datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp() for day in (start, end))
    data = data[(data[:, 0] >= first) & (data[:, 0] <= last)]
    columns = dict(zip(("open", "high", "low", "close", "volume"), data[:, 1:6].T, strict=True))
    bars = Bars.of(data[:, 0] * 1000, **columns)
    table = (shared / f"realdata/results/lth-elm/{name}.csv").read_text().splitlines()
    rows = {int(row["Period"]): row for row in csv.DictReader(table)}
    for period in periods:
        row = rows[period]
        found, closed = run_published(kind, period, bars, Interval.parse(interval))

        assert float(row["Final value"]) == round(found["equity_final"], 3)
        assert float(row["%"]) == round(closed / 10_000 * 100, 3)
        assert float(row["SQN"]) == round(found["sqn"], 2)
        assert int(row["Total win"]) + int(row["Total loss"]) == found["trades"]
        assert int(row["Total win"]) == round(found["win_rate_pct"] / 100 * found["trades"])


def run_published(kind, period, bars, interval):
    import pandas as pd

    indicator, enter, leave = RULES[kind]
    frame = pd.DataFrame(
        {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")},
        index=pd.to_datetime(bars.open_time, unit="ms"),
    )
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(Published, values=indicator(bars.close, period), enter=enter, leave=leave)
    cerebro.broker.setcash(10_000.0)
    cerebro.broker.setcommission(commission=0.0004)
    (strategy,) = cerebro.run()
    trades, _ = round_trips(strategy.fills, bars)
    equity = np.array(strategy.equity)
    found = compute_metrics(
        curve=EquityCurve(equity, equity, np.zeros(len(equity))),
        bars=bars, trades=trades, fills=strategy.fills, cash=10_000.0, interval=interval,
    )  # fmt: skip
    return found, sum(trade.pnl for trade in trades)
