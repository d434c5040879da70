"""What the accelerated loop leaves to Backtrader's own: found before the first bar, said, and run."""

from __future__ import annotations

import datetime

import backtrader as bt
import pytest

from bt_run.core.errors import NotCovered
from bt_run.core.settings import BacktestSettings
from bt_run.run.accelerated.bt_coverage import find_own_hook
from bt_run.run.engines import run_engine


@pytest.fixture(scope="module")
def bars(draw_bars):
    """Give 60 bars."""
    return draw_bars(3, 60)


class Heikin(bt.Indicator):
    """An indicator that cannot be computed at once, as some of Backtrader's."""

    lines = ("mean",)
    _nextforce = True

    def next(self):
        self.lines.mean[0] = (self.data.close[0] + self.data.open[0]) / 2


class Dear(bt.CommInfoBase):
    """A commission scheme of a user's."""

    def _getcommission(self, size, price, pseudoexec):
        return 1.0


def add_analyzer(me):
    me.cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)


def add_observer(me):
    me.cerebro.addobserver(bt.observers.Broker)


def add_timer(me):
    me.add_timer(when=datetime.time(3), cheat=True)


def add_writer(me):
    me.cerebro.runwriters.append(Silent())


def cheat_on_open(me):
    me.cerebro.p.cheat_on_open = True


def be_quick(me):
    me.cerebro.p.quicknotify = True


def fill_by_volume(me):
    me.broker.set_filler(bt.broker.fillers.FixedSize(size=1))


def set_own_costs(me):
    me.broker.addcommissioninfo(Dear())


def replay_orders(me):
    me.broker.add_order_history([[datetime.datetime(2021, 1, 2, tzinfo=None), 1, 100.0]])  # noqa: DTZ001


def compute_one_by_one(me):
    me.slow = Heikin(me.data)


def use_a_clock_that_stands_still(me):
    me.outer = bt.ind.MACD(me.data)
    me.inner = bt.ind.SMA(me.outer.getindicators()[0], period=2)


def use_a_number_as_a_line(me):
    me.mean = bt.ind.SMA(me.data, period=2)
    me.number = bt.linebuffer.LineNum(5.0)


class Silent(bt.WriterBase):
    """A writer that writes nothing."""

    params = (("csv", False),)

    def start(self):
        """Open nothing."""

    def writedict(self, _):
        """Take what Backtrader tells at the end."""

    def stop(self):
        """Close nothing."""


CASES = {
    add_analyzer: "it has analyzers",
    add_observer: "it has observers",
    add_timer: "it has timers",
    add_writer: "it has writers",
    cheat_on_open: "it cheats on open",
    be_quick: "it wants quick notifications",
    fill_by_volume: "it has a volume filler",
    set_own_costs: "it has a commission scheme of its own",
    replay_orders: "it replays orders",
    compute_one_by_one: "an indicator or a setting makes Backtrader compute bar by bar",
    use_a_clock_that_stands_still: "a line of the strategy does not move in step with the data",
    use_a_number_as_a_line: "a line of the strategy does not move in step with the data",
}


@pytest.fixture
def odd_class(recorded):
    """Give a function that makes a strategy with something in its `__init__`."""

    def make(sets_up):
        class Odd(recorded):
            def __init__(self):
                self.made = sets_up(self)

            def notify_timer(self, timer, when, *args, **kwargs):
                self.note("timer", when)

            def next_open(self):
                self.note("open")

            def next(self):
                self.note("next")
                self.close() if self.position else self.buy()

        return Odd

    return make


@pytest.mark.parametrize(("sets_up", "reason"), CASES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_not_covered_runs_in_backtraders_own_loop(same, bars, odd_class, sets_up, reason):
    """The same strategy object goes on, so that nothing of its `__init__` happens twice."""
    _, found = same(odd_class(sets_up), bars, fallback=reason)

    assert 60 >= sum(entry[1] == "next" for entry in found["log"]) > 20


@pytest.mark.parametrize(("sets_up", "reason"), CASES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_an_engine_asked_for_by_name_says_why_it_cannot(as_loaded, bars, odd_class, sets_up, reason):
    """Before the first bar."""
    log = []
    strategy, data = as_loaded(odd_class(sets_up), bars, log=log)

    with pytest.raises(NotCovered, match=rf"The accelerated engine cannot run this: {reason}\."):
        run_engine(strategy, data, BacktestSettings(engine="accelerated"))
    assert [] == log


def test_auto_tells_the_user_why_another_engine_ran(as_loaded, bars, odd_class):
    """And names the engine that did."""
    ran = run_engine(*as_loaded(odd_class(add_timer), bars, log=[]), BacktestSettings())

    assert "backtrader" == ran.engine
    assert "not the accelerated engine, because it has timers." == ran.note


def test_auto_needs_no_word_where_nothing_is_odd(as_loaded, bars, odd_class):
    """A hand-written strategy runs in the accelerated loop."""
    ran = run_engine(*as_loaded(odd_class(lambda me: None), bars, log=[]), BacktestSettings())

    assert ("accelerated", "") == (ran.engine, ran.note)


def test_strategies_with_hooks_of_their_own_show_before_the_run(as_loaded, bars, recorded):
    """Backtrader's SignalStrategy is one."""

    class Crossing(bt.SignalStrategy):
        params = (("log", None),)

        def __init__(self):
            self.signal_add(bt.SIGNAL_LONG, bt.ind.CrossOver(self.data, bt.ind.SMA(period=5)))

    ran = run_engine(*as_loaded(Crossing, bars, log=[]), BacktestSettings())

    assert "backtrader" == ran.engine
    assert "not the accelerated engine, because the strategy has a _notify() of its own." == ran.note


@pytest.mark.parametrize("hook", ["_oncepost", "_addnotification", "clear", "advance"])
def test_every_hook_counts(recorded, hook):
    """A class that replaces a part of Backtrader's loop is not covered, one that does not is."""
    meddler = type("Meddler", (recorded,), {hook: lambda self, *args: None})

    assert hook == find_own_hook(meddler)
    assert find_own_hook(recorded) is None
