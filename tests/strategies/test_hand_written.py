"""Hand-written Backtrader strategies, in the styles that tutorials teach, load and run unchanged."""

from __future__ import annotations

import importlib

import pytest

from strategies.description import describe
from strategies.loader import load_strategy

QUICKSTART_STYLE = """
from __future__ import absolute_import, division, print_function, unicode_literals

import datetime
import os.path
import sys

import backtrader as bt


class TestStrategy(bt.Strategy):
    params = (
        ("maperiod", 15),
        ("printlog", True),
    )

    def log(self, txt, dt=None, doprint=False):
        if self.params.printlog or doprint:
            dt = dt or self.datas[0].datetime.date(0)
            print("%s, %s" % (dt.isoformat(), txt))

    def __init__(self):
        self.dataclose = self.datas[0].close
        self.order = None
        self.buyprice = None
        self.buycomm = None
        self.sma = bt.indicators.SimpleMovingAverage(self.datas[0], period=self.params.maperiod)
        bt.indicators.MACDHisto(self.datas[0])
        rsi = bt.indicators.RSI(self.datas[0])
        bt.indicators.SmoothedMovingAverage(rsi, period=10)

    def notify_order(self, order):
        if order.status in [order.Submitted, order.Accepted]:
            return
        if order.status in [order.Completed]:
            if order.isbuy():
                self.log("BUY EXECUTED, Price: %.2f" % order.executed.price)
                self.buyprice = order.executed.price
                self.buycomm = order.executed.comm
            else:
                self.log("SELL EXECUTED, Price: %.2f" % order.executed.price)
            self.bar_executed = len(self)
        elif order.status in [order.Canceled, order.Margin, order.Rejected]:
            self.log("Order Canceled/Margin/Rejected")
        self.order = None

    def notify_trade(self, trade):
        if trade.isclosed:
            self.log("OPERATION PROFIT, GROSS %.2f, NET %.2f" % (trade.pnl, trade.pnlcomm))

    def next(self):
        if self.order:
            return
        if not self.position:
            if self.dataclose[0] > self.sma[0]:
                self.log("BUY CREATE, %.2f" % self.dataclose[0])
                self.order = self.buy()
        else:
            if self.dataclose[0] < self.sma[0]:
                self.log("SELL CREATE, %.2f" % self.dataclose[0])
                self.order = self.sell()

    def stop(self):
        value = self.broker.getvalue()
        self.log("(MA Period %2d) Ending Value %.2f" % (self.params.maperiod, value), doprint=True)


if __name__ == "__main__":
    cerebro = bt.Cerebro()
    cerebro.addstrategy(TestStrategy)
    cerebro.adddata(bt.feeds.YahooFinanceCSVData(dataname="there-is-no-such-file.txt"))
    cerebro.run()
    cerebro.plot()
"""

TALIB_STYLE = '''
import backtrader as bt


class RsiTalib(bt.Strategy):
    """Buy below, close above.

    Source: a notebook."""

    params = dict(period=14, low=30, high=70)

    def __init__(self):
        self.rsi = bt.talib.RSI(self.data.close, timeperiod=self.p.period)

    def next(self):
        if not self.position:
            if self.rsi[0] < self.p.low:
                self.buy()
        elif self.rsi[0] > self.p.high:
            self.close()
'''

VIDEO_STYLE = """
import backtrader as bt
import datetime


class RSIStrategy(bt.Strategy):

    def __init__(self):
        self.rsi = bt.talib.RSI(self.data, period=14)

    def next(self):
        if self.rsi < 30 and not self.position:
            self.buy(size=1)

        if self.rsi > 70 and self.position:
            self.close()
"""

STYLES = {"quickstart": QUICKSTART_STYLE, "talib": TALIB_STYLE, "video": VIDEO_STYLE}


@pytest.fixture
def load(tmp_path):
    """Give a function that loads a style's file with parameters."""

    def load_style(style, *, params=()):
        path = tmp_path / f"{style}_style_of_test.py"
        path.write_text(STYLES[style])
        return load_strategy(str(path), params=params)

    return load_style


@pytest.mark.parametrize("style", STYLES)
def test_it_loads_runs_and_trades(load, walk, run_plain, style):
    """The file's one class is found and runs in a stock Cerebro."""
    loaded = load(style)
    done = run_plain(loaded.cls, walk(seed=12, n=1000), **loaded.params)

    assert len(done.fills) >= 4
    assert type(done.strategy) is loaded.cls


@pytest.mark.parametrize("style", STYLES)
def test_the_loaded_class_does_what_the_imported_class_does(load, walk, run_plain, monkeypatch, style):
    """Loading through bt-run changes no fill."""
    loaded = load(style)
    monkeypatch.syspath_prepend(str(loaded.source.parent))
    plain = getattr(importlib.import_module(loaded.source.stem), loaded.name)
    bars = walk(seed=13, n=600)

    assert run_plain(plain, bars).fills == run_plain(loaded.cls, bars).fills


def test_its_parameters_can_be_given_as_text(load, walk, run_plain):
    """By the types of its own defaults, and with effect."""
    loaded = load("quickstart", params=["maperiod=50", "printlog=false"])
    bars = walk(seed=12, n=600)

    assert {"maperiod": 50, "printlog": False} == loaded.params
    assert run_plain(loaded.cls, bars, **loaded.params).fills != run_plain(loaded.cls, bars).fills


def test_it_prints_what_it_prints(load, walk, run_plain, capsys):
    """The user's own log stays the user's."""
    run_plain(load("quickstart").cls, walk(seed=12, n=100))

    assert "(MA Period 15) Ending Value" in capsys.readouterr().out


def test_it_can_be_described(load):
    """Docstring and parameters, in either way of declaring them."""
    info = describe(load("talib").cls)

    assert ("Buy below, close above.", "a notebook.") == (info.summary, info.source)
    assert [("period", 14), ("low", 30), ("high", 70)] == [(param.name, param.default) for param in info.params]
