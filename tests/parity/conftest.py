"""
Plain Backtrader, as anybody would write it, to compare with.

Nothing of ours is used in this file: stock Cerebro, stock broker, stock feeds, files read by pandas, and sizers
written here. A test holds it to that.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

import backtrader as bt
import pandas as pd
import pytest

COLUMNS = ["open", "high", "low", "close", "volume"]
KLINE = ["time", *COLUMNS, "close_time", "quote_volume", "trades", "taker_base", "taker_quote", "ignore"]


def round_lot(size):
    """Round a size down to eight decimals, taking the float for the decimal number it is written as."""
    return float(Decimal(repr(float(size))).quantize(Decimal("1e-8"), rounding=ROUND_DOWN))


class EquityShare(bt.Sizer):
    """Some percent of the account at the last close; with `sell_leaves`, an order in a position leaves it."""

    params = (("percent", 95.0), ("sell_leaves", False))

    def _getsizing(self, comminfo, cash, data, isbuy):
        held = self.broker.getposition(data).size
        if self.p.sell_leaves and held:
            return abs(held)
        return round_lot(max(self.broker.getvalue(), 0.0) * self.p.percent / 100.0 / data.close[0])


class QuoteAmount(bt.Sizer):
    """As many units as an amount of money buys at the last close."""

    params = (("amount", 100.0),)

    def _getsizing(self, comminfo, cash, data, isbuy):
        return round_lot(self.p.amount / data.close[0])


@dataclass
class Plain:
    """What a plain run did: trades as rows, the account at every close, refused orders."""

    trades: list[tuple] = field(default_factory=list)
    equity: list[float] = field(default_factory=list)
    cash: list[float] = field(default_factory=list)
    fills: list[tuple] = field(default_factory=list)
    refused: list[tuple] = field(default_factory=list)
    final: float = 0.0
    strategy: bt.Strategy | None = None


class Recorder(bt.Analyzer):
    """Write down what Backtrader tells."""

    params = (("into", None),)

    def next(self):
        self.p.into.equity.append(self.strategy.broker.getvalue())
        self.p.into.cash.append(self.strategy.broker.getcash())

    def notify_order(self, order):
        bar = len(self.data) - 1
        if order.status == order.Completed:
            (bit,) = order.executed.exbits
            self.p.into.fills.append((bar, bit.size, bit.price, order.executed.comm))
        elif order.status == order.Margin:
            self.p.into.refused.append((bar, "buy" if order.isbuy() else "sell", abs(order.size)))

    def notify_trade(self, trade):
        if not trade.isclosed:
            return
        entries, last = trade.history[:-1], trade.history[-1]
        self.p.into.trades.append(
            (
                trade.baropen - 1,
                trade.barclose - 1,
                "long" if trade.long else "short",
                max(abs(entry.status.size) for entry in trade.history),
                trade.price if len(entries) > 1 else entries[0].event.price,
                last.event.price,
                trade.pnlcomm,
                trade.commission,
            )
        )


def run(feed, cls, *, cash=10_000.0, commission=0.0, slippage=0.0, sizer=None, **params):
    """Run a strategy class as Backtrader's documentation shows it, with trade history and no observers."""
    done = Plain()
    cerebro = bt.Cerebro(stdstats=False, tradehistory=True)
    cerebro.adddata(feed)
    cerebro.addstrategy(cls, **params)
    cerebro.broker.setcash(cash)
    cerebro.broker.setcommission(commission=commission)
    if slippage:
        cerebro.broker.set_slippage_perc(slippage)
    if sizer is not None:
        cerebro.addsizer(sizer[0], **sizer[1])
    cerebro.addanalyzer(Recorder, into=done)
    (done.strategy,) = cerebro.run()
    done.final = cerebro.broker.getvalue()
    return done


def read_texts(path, **how):
    """Read a CSV file as texts: older versions of pandas do not always find the nearest float by themselves."""
    return pd.read_csv(path, dtype=str, **how)


def read_klines(path, *, unit):
    """Read Binance klines without a header."""
    frame = read_texts(path, header=None, names=KLINE)
    return frame.set_index(pd.to_datetime(frame["time"].astype("float64").astype("int64"), unit=unit))


def read_table(path):
    """Read a CSV file with a header, its first column the time."""
    frame = read_texts(path)
    return frame.set_index(pd.to_datetime(frame.iloc[:, 0])).rename(columns=str.lower)


def read_freqtrade(path):
    """Read freqtrade's JSON: one list of [ms, open, high, low, close, volume]."""
    frame = pd.DataFrame(pd.read_json(path, precise_float=True).to_numpy(), columns=["time", *COLUMNS])
    return frame.set_index(pd.to_datetime(frame["time"].astype("int64"), unit="ms"))


READERS = {
    "seconds": lambda path: read_klines(path, unit="s"),
    "microseconds": lambda path: read_klines(path, unit="us"),
    "table": read_table,
    "freqtrade": read_freqtrade,
}


@dataclass(frozen=True)
class PlainSide:
    """The plain side's tools, as one fixture."""

    run = staticmethod(run)
    percent = EquityShare
    quote = QuoteAmount

    @staticmethod
    def read(path, reader, *, start=None, end=None):
        """Read a file with pandas; `start` and `end` are texts as pandas slices them."""
        frame = READERS[reader](path)[COLUMNS].astype("float64")
        frame.index = frame.index.tz_localize(None)
        return frame.loc[start:end]

    @staticmethod
    def feed(frame):
        """Put a frame into a stock feed."""
        return bt.feeds.PandasData(dataname=frame)


@pytest.fixture(scope="session")
def plain() -> PlainSide:
    """Give plain Backtrader: readers, feed, sizers and a run."""
    return PlainSide()


QUICKSTART = """
import backtrader as bt


class SmaStop(bt.Strategy):
    params = (("maperiod", 15),)

    def __init__(self):
        self.dataclose = self.datas[0].close
        self.order = None
        self.sma = bt.indicators.SimpleMovingAverage(self.datas[0], period=self.params.maperiod)
        bt.indicators.ExponentialMovingAverage(self.datas[0], period=25)
        bt.indicators.StochasticSlow(self.datas[0])
        bt.indicators.MACDHisto(self.datas[0])
        self.atr = bt.indicators.ATR(self.datas[0])

    def notify_order(self, order):
        if order.status in [order.Submitted, order.Accepted]:
            return
        self.order = None

    def next(self):
        if self.order:
            return
        if not self.position:
            if self.dataclose[0] > self.sma[0]:
                self.order = self.buy()
        elif self.dataclose[0] < self.sma[0] - 0.5 * self.atr[0]:
            self.order = self.sell()
"""

TALIB = """
import backtrader as bt


class TalibMix(bt.Strategy):
    params = dict(period=14, low=35, high=65)

    def __init__(self):
        self.rsi = bt.talib.RSI(self.data, timeperiod=self.p.period)
        self.macd = bt.talib.MACD(self.data)
        self.bands = bt.talib.BBANDS(self.data, timeperiod=20)

    def next(self):
        if not self.position:
            if self.rsi < self.p.low or self.macd.macd[0] > self.macd.macdsignal[0]:
                self.buy(exectype=bt.Order.Limit, price=self.bands.middleband[0], valid=None)
        elif self.rsi > self.p.high:
            self.close()
"""

ARITHMETIC = """
import backtrader as bt


class Lines(bt.Strategy):
    def __init__(self):
        self.gap = bt.ind.EMA(self.data, period=8) - bt.ind.EMA(self.data, period=21)
        self.up = bt.And(self.gap > 0, self.data.close > self.data.open)
        self.turn = bt.ind.CrossOver(self.gap, 0.0)
        self.range = bt.Max(self.data.high - self.data.low, 0.001 * self.data.close)

    def next(self):
        if not self.position and self.up[0] and self.range[0] < 0.08 * self.data.close[0]:
            self.buy()
        elif self.position and self.turn[0] < 0:
            self.close()
"""

HAND_WRITTEN = {"SmaStop": QUICKSTART, "TalibMix": TALIB, "Lines": ARITHMETIC}


@pytest.fixture
def hand_written(tmp_path, monkeypatch):
    """Give a function that writes a strategy's file and imports its class as Python does."""

    def write(name):
        path = tmp_path / f"{name.lower()}_of_parity.py"
        path.write_text(HAND_WRITTEN[name])
        monkeypatch.syspath_prepend(str(tmp_path))
        return path, getattr(importlib.import_module(path.stem), name)

    return write
