"""Strategies as people write them: the accelerated loop gives what stock Backtrader gives, by ==."""

from __future__ import annotations

import datetime

import backtrader as bt
import pytest

from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from strategies.registry import find_class


@pytest.fixture(scope="module")
def bars(draw_bars):
    """Give 400 bars."""
    return draw_bars(11, 400)


def test_an_rsi_strategy(same, bars, recorded):
    """Two lookups a bar and market orders."""

    class RsiCross(recorded):
        def __init__(self):
            self.rsi = bt.talib.RSI(self.data.close, timeperiod=7)

        def next(self):
            if not self.position:
                if self.rsi[0] < 40:
                    self.buy()
            elif self.rsi[0] > 60:
                self.close()

    outcome, found = same(RsiCross, bars)

    assert outcome.fills
    assert [0] == found["done"]


def test_warm_up_is_told_apart(same, bars, recorded, facts_of_account):
    """prenext() before the longest indicator has values, nextstart() once, next() from then on."""

    class Phases(recorded):
        def __init__(self):
            self.fast = bt.ind.EMA(self.data, period=5)
            self.slow = bt.ind.SMA(self.fast, period=30)

        def prenext(self):
            self.note("prenext", self.fast[0], facts_of_account(self))
            if len(self) == 10:
                self.buy(size=2)

        def nextstart(self):
            self.note("nextstart", self.slow[0])
            self.close()

        def next(self):
            self.note("next", self.slow[0], self.slow[-1])

    _, found = same(Phases, bars)

    assert 33 == sum(entry[1] == "prenext" for entry in found["log"])
    assert 1 == sum(entry[1] == "nextstart" for entry in found["log"])


def test_everybody_who_listens_is_told(same, bars, recorded):
    """notify_cashvalue and notify_fund at every bar, orders and trades before next()."""

    class Listener(recorded):
        def notify_cashvalue(self, cash, value):
            self.note("cashvalue", cash, value)

        def notify_fund(self, cash, value, fundvalue, shares):
            self.note("fund", cash, value, fundvalue, shares)

        def next(self):
            self.note("next")
            if len(self) % 9 == 0:
                self.sell() if self.position else self.buy()

    _, found = same(Listener, bars)

    assert 400 == sum(entry[1] == "cashvalue" for entry in found["log"])


def test_orders_made_in_notify_order(same, bars, recorded):
    """A stop that is placed when the entry fills works from the next bar on."""

    class StopAfterFill(recorded):
        def notify_order(self, order):
            super().notify_order(order)
            if order.status == order.Completed and order.isbuy():
                self.stopped = self.sell(exectype=bt.Order.Stop, price=order.executed.price * 0.97)

        def next(self):
            if not self.position and len(self) % 5 == 0:
                self.buy()

    outcome, _ = same(StopAfterFill, bars)

    assert "stop" in {fill.tag for fill in outcome.fills}


def test_lines_of_all_kinds(same, bars, recorded):
    """Line arithmetic, delays, crossings, lines of the strategy's own, slices, times."""

    class Lines(recorded):
        lines = ("mine", "unused")

        def __init__(self):
            self.gap = bt.ind.EMA(self.data, period=4) - bt.ind.EMA(self.data, period=9)
            self.up = bt.And(self.gap > 0, self.data.close > self.data.close(-1))
            self.turn = bt.ind.CrossOver(self.gap, 0.0)
            self.width = bt.Max(self.data.high - self.data.low, 0.001 * self.data.close)
            self.macd = bt.ind.MACDHisto(self.data)

        def next(self):
            self.lines.mine[0] = self.gap[0] * 2
            self.note(
                self.up[0],
                self.turn[0],
                self.width[-1],
                self.lines.mine[-1],
                len(self.data),
                self.data.buflen(),
                self.buflen(),
                self.datetime.datetime(),
                self.data.datetime.date(),
                self.data.datetime.time(-1),
                list(self.data.close.get(ago=-1, size=3)),
                list(self.gap.get(size=2)),
                self.macd.macd[0] if self.macd > 0 else self.macd.l.signal[0],
                self.data.tick_close,
            )
            if self.turn[0] > 0:
                self.buy(
                    exectype=bt.Order.Limit, price=self.data.close[0] * 0.99, valid=datetime.timedelta(hours=9)
                )
            elif self.turn[0] < 0:
                self.close()

    same(Lines, bars)


def test_a_next_that_is_exchanged(same, bars, recorded):
    """Some write a state machine as methods that take each other's place."""

    class States(recorded):
        def next(self):
            if self.data.close[0] < self.data.open[0]:
                self.buy()
                self.next = self.holding

        def holding(self):
            if self.data.close[0] > self.data.open[0]:
                self.close()
                del self.next

    outcome, _ = same(States, bars)

    assert outcome.fills


@pytest.mark.parametrize("at", [1, 2, 57, 400])
@pytest.mark.parametrize("where", ["next", "notify_order"])
def test_a_run_that_is_stopped_early(same, bars, recorded, at, where):
    """runstop() ends the run after that bar."""

    class Stopper(recorded):
        def next(self):
            if where == "next" and len(self) == at:
                self.env.runstop()
            self.buy() if len(self) % 2 else self.close()

        def notify_order(self, order):
            super().notify_order(order)
            if where == "notify_order" and len(self) >= at:
                self.env.runstop()

    outcome, _ = same(Stopper, bars)

    assert at + (where == "notify_order" and at == 1) == len(outcome.curve.equity)


def test_a_run_that_start_stops(same, bars, recorded):
    """Backtrader works one bar all the same; its own loop does it."""

    class Never(recorded):
        def start(self):
            self.env.runstop()

    same(Never, bars, fallback="it stopped before the first bar")


@pytest.mark.parametrize("at", [1, 2, 133, 400])
def test_an_error_names_its_bar(same, bars, at, tmp_path):
    """The same words from both engines."""
    path = tmp_path / "raises.py"
    path.write_text(
        "import backtrader as bt\n"
        "class Raises(bt.Strategy):\n"
        "    params = (('log', None),)\n"
        "    def next(self):\n"
        "        self.buy() if len(self) % 7 == 0 else None\n"
        f"        if len(self) == {at}: raise ValueError('no')\n"
    )
    from strategies.loader import load_strategy

    _, found = same(load_strategy(str(path)).cls, bars, source=path)

    assert f"Raises raised ValueError at bar {at - 1}, 2021-01-" in found["error"]


def test_a_line_that_is_moved_by_hand(same, bars, recorded, facts_of_account):
    """Rewinding the data makes its bar come again; Backtrader's own loop goes on from there."""

    class Again(recorded):
        def __init__(self):
            self.mean = bt.ind.SMA(self.data, period=3)
            self.rewound = False

        def next(self):
            self.note(self.data.close[0], self.mean[0], facts_of_account(self))
            if len(self) == 20:
                self.buy(size=2)
            if len(self) == 50 and not self.rewound:
                self.rewound = True
                self.data.rewind()
                self.note(self.data.close[0], self.mean[0])

    same(Again, bars)


def test_sizers_and_costs_that_a_strategy_sets(same, bars, recorded):
    """setsizer() and the broker's settings are the strategy's to choose."""

    class Own(recorded):
        def __init__(self):
            self.setsizer(bt.sizers.PercentSizer(percents=40))
            self.broker.setcommission(commission=0.0, interest=0.05, leverage=2.0)
            self.broker.set_coc(True)

        def next(self):
            if len(self) % 6 == 0:
                self.close() if self.position else self.sell()

    outcome, _ = same(Own, bars)

    assert outcome.fills


def test_a_strategy_that_is_skipped(same, bars, recorded):
    """StrategySkipError before the first bar is an error with both."""

    class Skips(recorded):
        def __init__(self):
            raise bt.errors.StrategySkipError

    _, found = same(Skips, bars)

    assert "StrategySkipError" in found["error"]


@pytest.mark.parametrize("allow_short", [False, True])
@pytest.mark.parametrize("name", ["rsi", "macd", "ma_cross", "sar", "bollinger", "combined"])
def test_our_own_strategies(same, draw_bars, name, allow_short):
    """The classes that the fast engine runs are Backtrader strategies too."""
    account = BacktestSettings(
        cash=10_000.0, commission=0.001, stake=Stake.parse("60%"), allow_short=allow_short
    )

    class Logged(find_class(name)):
        pass

    same(Logged, draw_bars(5, 700), settings=account)
