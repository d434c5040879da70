"""A test window: warm indicators, no trade before it, nothing held after it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bt_run.core.errors import StrategyError
from bt_run.core.settings import BacktestSettings
from bt_run.reports.walk_forward.result import Window
from bt_run.run.backtest import run_backtest
from bt_run.run.bt_cerebro import ReplayTerms, run_cerebro
from bt_run.run.walk_forward.out_of_sample import run_idle, run_test
from strategies.loader import load_strategy

WINDOW = Window(1, 0, 200, 300)

HAND = """
import backtrader as bt
class Mine(bt.Strategy):
    params = (("period", 50),)
    def __init__(self):
        self.ma = bt.ind.SMA(period=self.p.period)
    def next(self):
        if not self.position and self.data.close[0] > self.ma[0]:
            self.buy()
        elif self.position and self.data.close[0] < self.ma[0]:
            self.close()
"""

ALWAYS_IN = """
import numpy as np
from strategies.base import Signals, SignalStrategy
class Mine(SignalStrategy):
    @staticmethod
    def signals(bars, p):
        yes = np.ones(len(bars), dtype=bool)
        return Signals(long_entry=yes, long_exit=~yes)
"""


@pytest.fixture
def hand(tmp_path):
    """Load a strategy that acts by hand."""
    path = tmp_path / "hand.py"
    path.write_text(HAND)
    return load_strategy(str(path))


@pytest.fixture
def always_in(tmp_path):
    """Load a strategy that always wants to be long."""
    path = tmp_path / "always.py"
    path.write_text(ALWAYS_IN)
    return load_strategy(str(path))


@pytest.fixture(params=["ours", "by hand"])
def strategy(request, hand):
    """Give a strategy of ours, and one that acts by hand; both need fifty bars to warm up."""
    return hand if request.param == "by hand" else load_strategy("ma_cross", params=["fast=5", "slow=50"])


def test_trades_begin_in_the_window_and_indicators_are_warm(strategy, data_of):
    """The first fill may be at the second bar; without the training bars nothing happens for fifty."""
    data = data_of()
    run = run_test(strategy, data, BacktestSettings(), WINDOW)
    cold = run_test(strategy, data, BacktestSettings(), dataclasses.replace(WINDOW, train=199))

    assert 100 == len(run.data.bars) == len(run.curve.equity)
    assert 1 <= run.fills[0].bar < 49
    assert all(fill.bar > 49 for fill in cold.fills if fill.tag != "window_end")
    assert 10_000.0 == run.curve.equity[0]


def test_signals_are_those_of_the_whole_history(data_of):
    """Once flat in both, the run in the window trades as a run over all bars does."""
    data = data_of()
    strategy = load_strategy("ma_cross", params=["fast=5", "slow=30"])
    whole = run_backtest(strategy, dataclasses.replace(data, bars=data.bars[:300]), BacktestSettings())
    run = run_test(strategy, data, BacktestSettings(), WINDOW)
    entries = [trade.entry_bar - 200 for trade in whole.trades if trade.entry_bar > 201]

    assert len(entries) >= 2
    assert set(entries) <= {fill.bar for fill in run.fills}


def test_what_is_held_at_the_end_is_sold_there_with_costs(always_in, data_of):
    """By hand: bought at the second open, sold at the last close, commission and slippage on both sides."""
    data = data_of()
    settings = BacktestSettings(commission=0.002, slippage=0.001)
    run = run_test(always_in, data, settings, WINDOW)
    bought, sold = run.fills
    price = data.bars.close[299] * 0.999
    fee = bought.size * price * 0.002

    assert (99, -bought.size, pytest.approx(price), pytest.approx(fee)) == (
        sold.bar,
        sold.size,
        sold.price,
        sold.fee,
    )
    assert "window_end" == run.trades[0].exit_reason
    assert run.open_position is None
    expected = 10_000.0 + bought.size * (price - bought.price) - bought.fee - fee
    assert pytest.approx(expected) == run.curve.equity[-1] == run.curve.cash[-1]
    assert 0.0 == run.curve.position[-1]
    assert pytest.approx(expected - 10_000.0) == sum(trade.pnl for trade in run.trades)


def test_a_short_is_bought_back_dearer(data_of, tmp_path):
    """The same from the other side."""
    path = tmp_path / "short.py"
    path.write_text(
        ALWAYS_IN.replace("Signals(long_entry=yes, long_exit=~yes)", "Signals(~yes, ~yes, yes, ~yes)")
    )
    data = data_of()
    settings = BacktestSettings(slippage=0.001, allow_short=True)
    run = run_test(load_strategy(str(path)), data, settings, WINDOW)

    assert run.fills[0].size < 0 < run.fills[-1].size
    assert pytest.approx(data.bars.close[299] * 1.001) == run.fills[-1].price
    assert pytest.approx(run.curve.equity[-1] - 10_000.0) == sum(trade.pnl for trade in run.trades)


def test_bars_after_the_window_change_nothing(strategy, data_of):
    """The window ends the data."""
    data = data_of()
    first = run_test(strategy, data, BacktestSettings(), WINDOW)
    short = dataclasses.replace(data, bars=data.bars[:300])

    np.testing.assert_array_equal(
        first.curve.equity, run_test(strategy, short, BacktestSettings(), WINDOW).curve.equity
    )


def test_the_class_itself_stays_as_it_was(always_in, data_of):
    """Silencing makes another class: a later run of the strategy trades from its first bar."""
    data = data_of()
    run_test(always_in, data, BacktestSettings(), WINDOW)

    assert 1 == run_backtest(always_in, data, BacktestSettings()).fills[0].bar


def test_an_idle_window_keeps_the_money(always_in, data_of):
    """Where nothing could be chosen nothing is traded."""
    run = run_idle(always_in, data_of(), BacktestSettings(cash=777.0), WINDOW)

    assert (0, 777.0, 0.0) == (run.metrics["trades"], run.curve.equity[-1], run.metrics["return_pct"])


def test_a_strategy_that_raises_is_told(hand, data_of, tmp_path):
    """With its traceback, as in a backtest."""
    path = tmp_path / "raises.py"
    path.write_text(
        HAND.replace("if not self.position and", "if len(self) > 250: 1 / 0\n        if not self.position and")
    )
    with pytest.raises(StrategyError, match="ZeroDivisionError"):
        run_test(load_strategy(str(path)), data_of(), BacktestSettings(), WINDOW)


def test_a_strategy_that_stops_its_run_is_told(data_of, tmp_path):
    """Half a window would pass for a whole one."""
    path = tmp_path / "stops.py"
    path.write_text(
        HAND.replace(
            "if not self.position and",
            "if len(self) > 250: self.env.runstop()\n        if not self.position and",
        )
    )
    with pytest.raises(StrategyError, match="stopped its run in window 1"):
        run_test(load_strategy(str(path)), data_of(), BacktestSettings(), WINDOW)


@pytest.mark.parametrize("engine", ["fast", "accelerated", "backtrader"])
@pytest.mark.parametrize(("name", "seed"), [("rsi", 2), ("macd", 3), ("sar", 4), ("combined", 5)])
def test_silenced_signals_trade_as_refused_orders_do(name, seed, engine, data_of):
    """Two ways to trade only from a bar on, and three engines: the same account at every bar."""
    data = data_of(300, seed=seed)
    settings = BacktestSettings(allow_short=name in ("macd", "sar"), engine=engine)
    strategy = load_strategy(name)
    run = run_test(strategy, data, settings, WINDOW)
    terms = ReplayTerms(tradable=np.arange(300) >= 200)
    refused = run_cerebro(strategy, data, settings, replay=terms)
    ours = [fill for fill in run.fills if fill.tag != "window_end"]

    assert ours
    assert engine == run.engine
    assert [(fill.bar - 200, fill.size, fill.price) for fill in refused.fills] == [
        (fill.bar, fill.size, fill.price) for fill in ours
    ]
    np.testing.assert_allclose(refused.curve.equity[200:-1], run.curve.equity[:-1], rtol=1e-12)
