"""The bars that a strategy sees where they arrive one by one: whole, exact and copied once."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest

from bt_run.core.errors import StrategyError
from bt_run.core.market import BAR_COLUMNS, Interval
from feeds import ArrayFeed
from strategies.base import Signals, SignalStrategy
from strategies.line_history import LineHistory


class OneByOne(ArrayFeed):
    """Deliver bars as a live feed does, and hold nothing beforehand."""

    def islive(self):
        return True


def watch(feed, cerebro=None, how=None):
    """Run a feed and take the history at each bar."""
    taken = []

    class Watcher(bt.Strategy):
        def start(self):
            self.history = LineHistory(self.data, wanted_by="Watcher")

        def next(self):
            taken.append(self.history.bars())

    cerebro = cerebro or bt.Cerebro(stdstats=False)
    if feed is not None:
        cerebro.adddata(feed)
    cerebro.addstrategy(Watcher)
    cerebro.run(**(how or {}))
    return taken


def check_same(expected, found):
    """Every column is the same, the times too."""
    for name in BAR_COLUMNS:
        np.testing.assert_array_equal(getattr(expected, name), getattr(found, name), err_msg=name)


def test_each_bar_adds_one_and_leaves_the_others(walk):
    """What was given at a bar is still what it was when the run is over."""
    bars = walk(n=200)
    taken = watch(OneByOne(bars, interval=Interval.parse("1d")))

    assert 200 == len(taken)
    for size, found in enumerate(taken, start=1):
        check_same(bars[:size], found)


def test_a_bar_is_copied_once(walk):
    """The memory doubles now and then; between that, more bars are more of the same memory."""
    taken = watch(OneByOne(walk(n=500), interval=Interval.parse("1d")))
    memories = {found.close.__array_interface__["data"][0] for found in taken}

    assert len(memories) <= 10


@pytest.mark.parametrize("how", [{}, {"runonce": False}, {"runonce": False, "preload": False}])
def test_a_stock_feed_has_all_its_bars(walk, feed_of, how):
    """Loaded beforehand they are there at once; what it has no line for is NaN."""
    bars = walk(n=60)
    taken = watch(feed_of(bars), how=how)

    assert (1 if "preload" in how else 60) == len(taken[0])
    for name in ("open_time", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(bars, name), getattr(taken[-1], name))
    assert np.isnan(taken[-1].trades).all()


def test_a_strategy_that_begins_late_has_the_bars_before(walk):
    """Where an indicator or a second feed holds the strategy back, no bar is missed."""
    bars = walk(n=80)
    late = bars.between(int(bars.open_time[30]), None)
    cerebro = bt.Cerebro(stdstats=False)
    for part in (bars, late):
        cerebro.adddata(OneByOne(part, interval=Interval.parse("1d")))
    taken = watch(None, cerebro)

    assert list(range(31, 81)) == [len(found) for found in taken]
    check_same(bars, taken[-1])


def test_a_run_that_forgets_is_refused(walk):
    """The error names who wants the bars."""
    with pytest.raises(StrategyError, match=r"Watcher needs every bar.*without exactbars"):
        watch(ArrayFeed(walk(n=30), interval=Interval.parse("1d")), how={"exactbars": 1})


class UpWeek(SignalStrategy):
    """Buy in a week that stands above its open, sell in one that stands below; write down what it saw."""

    @staticmethod
    def signals(bars, p):
        up = bars.close > bars.open
        return Signals(long_entry=up, long_exit=~up, panels={"close": bars.close})

    def next(self):
        super().next()
        seen = self.computed.panels["close"]
        self.seen = [*getattr(self, "seen", []), (len(self.data), len(seen), seen[-1], self.data.close[0])]


def test_a_bar_that_is_replayed_is_decided_anew(walk):
    """A week grows day by day: each day the signals are those of the week as it stands then."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.replaydata(ArrayFeed(walk(n=140), interval=Interval.parse("1d")), timeframe=bt.TimeFrame.Weeks)
    cerebro.addstrategy(UpWeek)
    (done,) = cerebro.run()

    assert len(done.seen) > 130
    assert len({length for length, *_ in done.seen}) < 25
    assert all(length == count and last == close for length, count, last, close in done.seen)


def test_bars_that_a_feed_holds_ahead_are_computed_once(walk):
    """Signals of bars to come are looked up by position; then each new bar is computed as it comes."""
    bars, sizes = walk(n=100), []

    class Warm(OneByOne):
        """A live feed after its warm-up: 60 bars are held before the first is delivered."""

        @property
        def loaded(self):
            return self.bars[: max(60, len(self))]

        @loaded.setter
        def loaded(self, _):
            """Stay as it is."""

        def load(self):
            return bt.feed.DataBase.load(self)

    class Looker(SignalStrategy):
        @staticmethod
        def signals(bars, p):
            sizes.append(len(bars))
            up = bars.close > bars.open
            return Signals(long_entry=up, long_exit=~up)

    def fills(feed):
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.adddata(feed)
        cerebro.addstrategy(Looker)
        (done,) = cerebro.run()
        return [(order.created.dt, order.size) for order in done.broker.orders]

    warm = fills(Warm(bars, interval=Interval.parse("1d")))
    expected = list(sizes)
    sizes.clear()

    assert fills(ArrayFeed(bars, interval=Interval.parse("1d"))) == warm
    assert [60, *range(61, 101)] == expected
    assert [100] == sizes


def test_a_feed_that_holds_less_than_it_delivered_is_refused(walk):
    """Signals of other bars than the current one must not decide."""

    class Short(OneByOne):
        """Hold one bar for ever."""

        @property
        def loaded(self):
            return self.bars[:1]

        @loaded.setter
        def loaded(self, _):
            """Stay as it is."""

        def load(self):
            return bt.feed.DataBase.load(self)

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(Short(walk(n=5), interval=Interval.parse("1d")))
    cerebro.addstrategy(UpWeek)

    with pytest.raises(StrategyError, match="stands at bar 1, and `loaded` of its feed holds 1"):
        cerebro.run()
