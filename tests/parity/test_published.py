"""
Results that Backtrader and backtesting.py publish for themselves, through our API.

``docs/parity.md`` lists them beside what cannot be reproduced and why. Sizes that the published rule reckons at
the open of the fill bar are reckoned here by looking one bar ahead, as Backtrader allows where data are loaded
beforehand; our own stakes never look ahead.
"""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from bt_run.core.clock import parse_time
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from bt_run.run.backtest import run_backtest
from feeds import CsvFeed, read_bars
from strategies.loader import LoadedStrategy


@pytest.fixture(scope="module")
def results(shared):
    """Give the folder of published results."""
    return shared / "realdata/results"


@pytest.fixture(scope="module")
def published(results):
    """Give a function from the name of a publication to what it says."""
    listed = json.loads((results / "expected.json").read_text())["results"]
    return lambda name: next(item for item in listed if item["id"] == name)


def run_ours(cls, file, *, cash, stake=1.0, commission=0.0, **params):
    """Run a hand-written class through our API."""
    settings = BacktestSettings(cash=cash, commission=commission, stake=Stake(stake, "base"))
    return run_backtest(LoadedStrategy(cls.__name__, cls, params, Path(__file__)), file, settings)


def test_every_publication_is_accounted_for(results):
    """What is added to the folder must be reproduced, or listed with the reason."""
    listed = {item["id"] for item in json.loads((results / "expected.json").read_text())["results"]}

    assert {
        "lth-elm-grid",  # test_published_grid.py
        "backtesting.py-smacross-goog",
        "backtesting.py-counts",
        "backtesting.py-README-stale",
        "backtrader-test-strategy",
        "backtrader-test-optimized",
        "backtrader-quickstart",
    } == listed


class TwoPrices(bt.Strategy):
    """Backtrader's test_strategy: in above the average, out below it; notes prices of signals and fills."""

    params = (("period", 15), ("forgets", True))

    def __init__(self):
        self.order = None
        self.cross = bt.ind.CrossOver(self.data.close, bt.ind.SMA(self.data, period=self.p.period))
        self.told = {name: [] for name in ("buy_created", "sell_created", "buy_executed", "sell_executed")}

    def notify_order(self, order):
        if order.status == order.Completed:
            side = "buy" if order.isbuy() else "sell"
            self.told[f"{side}_executed"].append(f"{order.executed.price:.2f}")
        if not order.alive() and self.p.forgets:
            self.order = None

    def next(self):
        if self.order is not None:
            return
        if not self.position and self.cross > 0.0:
            self.told["buy_created"].append(f"{self.data.close[0]:.2f}")
            self.order = self.buy()
        elif self.position and self.cross < 0.0:
            self.told["sell_created"].append(f"{self.data.close[0]:.2f}")
            self.order = self.close()


def futures_cerebro(results, **params):
    """Set a plain Cerebro up with our feed and a commission a contract, which our settings do not know."""
    cerebro = bt.Cerebro()
    cerebro.adddata(CsvFeed(results / "backtrader/2006-day-001.txt"))
    cerebro.addstrategy(TwoPrices, **params)
    cerebro.broker.setcash(10_000.0)
    cerebro.broker.setcommission(commission=2.0, mult=10.0, margin=1000.0)
    return cerebro


def test_backtraders_own_strategy_test_is_reproduced(results, published):
    """Final value, cash, and the price of every signal and fill."""
    item = published("backtrader-test-strategy")
    found = {}

    class Told(TwoPrices):
        def stop(self):
            found.update(self.told)

    result = run_ours(Told, read_bars(results / "backtrader/2006-day-001.txt"), cash=10_000.0)
    case = item["cases"][0]

    assert (case["final_value"], case["final_cash"]) == (
        f"{result.curve.equity[-1]:.2f}",
        f"{result.curve.cash[-1]:.2f}",
    )
    assert {name: item[name] for name in found} == found
    assert item["buy_executed"] == [f"{fill.price:.2f}" for fill in result.fills if fill.size > 0]
    assert item["sell_executed"] == [f"{fill.price:.2f}" for fill in result.fills if fill.size < 0]


def test_backtraders_futures_case_is_reproduced_with_our_feed(results, published):
    """Commission a contract is not among our settings; our feed in a plain script gives the published value."""
    case = published("backtrader-test-strategy")["cases"][1]
    cerebro = futures_cerebro(results)
    cerebro.run()

    assert case["final_value"] == f"{cerebro.broker.getvalue():.2f}"
    assert case["final_cash"] == f"{cerebro.broker.getcash():.2f}"


def test_backtraders_optimised_values_are_reproduced_with_our_feed(results, published):
    """Forty periods; the published class never forgets its first order, so each run makes one buy."""
    found = []
    for period in range(5, 45):
        cerebro = futures_cerebro(results, period=period, forgets=False)
        cerebro.run(stdstats=False)
        found.append(f"{cerebro.broker.getvalue():.2f}")

    assert published("backtrader-test-optimized")["final_values"] == found


class AboveAverage(bt.Strategy):
    """Backtrader's quickstart: in above the average, out below it."""

    params = (("period", 15),)

    def __init__(self):
        self.order = None
        self.sma = bt.indicators.SimpleMovingAverage(self.datas[0], period=self.p.period)

    def notify_order(self, order):
        if not order.alive():
            self.order = None

    def next(self):
        if self.order:
            return
        if not self.position and self.data.close[0] > self.sma[0]:
            self.order = self.buy()
        elif self.position and self.data.close[0] < self.sma[0]:
            self.order = self.sell()


class ThreeFalls(bt.Strategy):
    """Backtrader's quickstart: in after two falls in a row, out five bars after the fill."""

    def __init__(self):
        self.order = None

    def notify_order(self, order):
        if order.status == order.Completed:
            self.filled = len(self)
        if not order.alive():
            self.order = None

    def next(self):
        close = self.data.close
        if self.order:
            return
        if not self.position:
            if close[0] < close[-1] < close[-2]:
                self.order = self.buy()
        elif len(self) >= self.filled + 5:
            self.order = self.sell()


@pytest.fixture(scope="module")
def oracle(results, tmp_path_factory):
    """Adjust Oracle's prices as Backtrader's Yahoo feed did in 2015, write them, and read them by our feed."""
    path = tmp_path_factory.mktemp("published") / "ORCL-1d.csv"
    with gzip.open(results / "backtrader/orcl-1995-2014-yahoo2015.csv.gz", "rt", newline="") as source:
        rows = list(csv.DictReader(source))
    with path.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["date", "open", "high", "low", "close", "volume"])
        for row in rows:
            factor = float(row["Close"]) / float(row["Adj Close"])
            prices = [round(float(row[name]) / factor, 2) for name in ("Open", "High", "Low")]
            writer.writerow([row["Date"], *prices, row["Adj Close"], row["Volume"]])
    file = read_bars(path)
    return replace(file, bars=file.bars.between(parse_time("2000-01-01"), parse_time("2000-12-30")))


def test_the_quickstarts_averages_are_reproduced(oracle, published):
    """21 periods, ten shares."""
    expected = published("backtrader-quickstart")["cases"][0]["expected"]
    runs = {
        period: run_ours(AboveAverage, oracle, cash=1000.0, stake=10.0, period=int(period))
        for period in expected
    }

    assert expected == {period: f"{run.metrics['equity_final']:.2f}" for period, run in runs.items()}


@pytest.mark.parametrize("place", [1, 2, 3])
def test_the_quickstarts_three_falls_are_reproduced(oracle, published, place):
    """Without commission, with 0.1 %, and with ten shares."""
    case = published("backtrader-quickstart")["cases"][place]
    account = {"cash": 100_000.0, "stake": float(case.get("stake", 1.0)), "commission": case["commission"]}
    result = run_ours(ThreeFalls, oracle, **account)

    assert case["expected"] == f"{result.metrics['equity_final']:.2f}"
    if "closed_trades_gross_net" in case:
        gross_net = [[round(trade.pnl + trade.fees, 2), round(trade.pnl, 2)] for trade in result.trades]

        assert case["closed_trades_gross_net"] == gross_net


class SmaCross(bt.Strategy):
    """backtesting.py's example: always in the market after the first cross, with all equity, whole steps."""

    params = (("fast", 10), ("slow", 30), ("fee", 0.0), ("step", 1.0), ("finalize", True))

    def __init__(self):
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=self.p.fast), bt.ind.SMA(period=self.p.slow))

    def next(self):
        left = self.data.buflen() - len(self.data)
        if left == 1 and self.p.finalize:
            self.close()
        elif left and self.cross[0]:
            held, price = self.position.size, self.data.open[1]
            equity = self.broker.getcash() + held * price - abs(held) * price * self.p.fee
            size = equity * (1 - np.finfo(float).eps) // (price * (1 + self.p.fee) * self.p.step) * self.p.step
            if held:
                self.close(price=price)
            (self.buy if self.cross > 0 else self.sell)(size=size, price=price)


SAME = {
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
    "Kelly Criterion": "kelly",
}
"""The metrics whose definition we share; tests/reports/test_published.py treats the others one by one."""


def test_smacross_on_goog_is_reproduced(results, published):
    """66 trades and 51,422.99; metrics are equal up to the order in which floats are added."""
    expected = published("backtesting.py-smacross-goog")["expected"]
    found = run_ours(SmaCross, read_bars(results / "backtesting-py/GOOG.csv.gz"), cash=10_000.0)

    assert expected["# Trades"] == len(found.trades)
    assert f"{expected['Equity Final [$]']:.2f}" == f"{found.metrics['equity_final']:.2f}"
    for theirs, ours in SAME.items():
        assert pytest.approx(expected[theirs], rel=1e-12) == found.metrics[ours], theirs
    for theirs, ours in (("Max. Drawdown [%]", "max_drawdown_pct"), ("Avg. Drawdown [%]", "avg_drawdown_pct")):
        assert pytest.approx(-expected[theirs], rel=1e-12) == found.metrics[ours]
    assert not found.rejected


@pytest.mark.parametrize("finalize", [False, True])
def test_smacross_with_commission_is_reproduced(results, published, finalize):
    """What release 0.6.6 gives for its README's example, last trade left open or closed, 0.2 % a side."""
    name = "0.6.6, finalize_trades" if finalize else "0.6.6, last trade left open"
    expected = published("backtesting.py-README-stale")["expected"][name]
    file = read_bars(results / "backtesting-py/GOOG.csv.gz")
    found = run_ours(
        SmaCross, file, cash=10_000.0, commission=0.002, fast=10, slow=20, fee=0.002, finalize=finalize
    )

    assert expected["# Trades"] == len(found.trades)
    assert expected["Equity Final [$]"] == round(found.metrics["equity_final"], 5)
    assert expected["Commissions [$]"] == round(sum(trade.fees for trade in found.trades), 5)
    if not finalize:
        assert -expected["Max. Drawdown [%]"] == round(found.metrics["max_drawdown_pct"], 6)


def test_smacross_in_fractions_gives_the_published_count(results, published):
    """42 trades on monthly bitcoin with 100 in cash and steps of a millionth."""
    file = read_bars(results / "backtesting-py/BTCUSD.csv.gz")
    file = replace(file, bars=file.bars.between(parse_time("2015-01-01"), None))
    found = run_ours(SmaCross, file, cash=100.0, fast=2, slow=3, step=1e-6)

    assert published("backtesting.py-counts")["rows"][0]["expected"]["# Trades"] == len(found.trades)


def average_range(bars, window):
    """Average the true range over a window, the first value carried back, as backtesting.py does."""
    before = pd.Series(bars.close).shift(1)
    spans = (bars.high - bars.low, (before - bars.high).abs(), (before - bars.low).abs())
    return pd.Series(np.max(spans, axis=0)).rolling(window).mean().bfill().tolist()


class Trailing(bt.Strategy):
    """In above the average with all cash; a stop follows three ranges below the highest close."""

    params = (("range", ()),)

    def __init__(self):
        self.sma = bt.ind.SMA(period=10)
        self.stop_order, self.level = None, 0.0

    def next(self):
        left = self.data.buflen() - len(self.data)
        if self.stop_order is not None:
            self.cancel(self.stop_order)
            self.stop_order = None
        if left <= 1:
            self.close()
        elif self.position:
            self.level = max(self.level, self.data.close[0] - 3 * self.p.range[len(self.data) - 1])
            self.stop_order = self.sell(exectype=bt.Order.Stop, price=self.level)
        elif self.data.close[0] > self.sma[0]:
            self.level = 0.0
            self.buy(size=self.broker.getcash() // self.data.open[1], price=self.data.open[1])


def test_the_trailing_strategy_gives_the_published_count(results, published):
    """57 trades on GOOG."""
    file = read_bars(results / "backtesting-py/GOOG.csv.gz")
    found = run_ours(Trailing, file, cash=10_000.0, range=average_range(file.bars, 40))

    assert published("backtesting.py-counts")["rows"][1]["expected"]["# Trades"] == len(found.trades)
