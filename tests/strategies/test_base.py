"""The rules by which every SignalStrategy turns signals into orders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import ParamError, StrategyError
from bt_run.core.market import Interval
from feeds import ArrayFeed
from strategies.base import Signals, SignalStrategy, decision_code, decision_codes
from strategies.rsi import Rsi


@pytest.fixture
def act(walk, run_plain):
    """Give a function that trades scripted decisions and returns (bar of fill, size) of each fill."""

    def run(*, n=12, allow_short=False, sizer=None, **decisions):
        def rows(name):
            array = np.zeros(n, dtype=bool)
            array[list(decisions.get(name, ()))] = True
            return array

        class Scripted(SignalStrategy):
            @staticmethod
            def signals(bars, p):
                return Signals(rows("long_entry"), rows("long_exit"), rows("short_entry"), rows("short_exit"))

        done = run_plain(Scripted, walk(n=n), allow_short=allow_short, sizer=sizer)
        return [(bar, size) for bar, size, _ in done.fills]

    return run


def test_a_decision_at_a_close_trades_at_the_next_open(walk, run_plain):
    """The fill of a signal at bar i is at bar i+1, at its open price."""

    class Third(SignalStrategy):
        @staticmethod
        def signals(bars, p):
            return Signals(np.arange(len(bars)) == 3, np.zeros(len(bars), dtype=bool))

    bars = walk(n=8)

    assert [(4, 1, float(bars.open[4]))] == run_plain(Third, bars).fills


def test_an_entry_and_an_exit_make_a_round_trip(act):
    """The plain case, long only."""
    assert [(2, 1), (6, -1)] == act(long_entry=[1], long_exit=[5])


def test_an_exit_beats_an_entry_of_the_same_side(act):
    """On one bar, flat stays flat and a holding is closed."""
    assert [] == act(long_entry=[1], long_exit=[1])
    assert [(2, 1), (5, -1)] == act(long_entry=[1, 4], long_exit=[4])
    assert [(2, -1), (5, 1)] == act(short_entry=[1, 4], short_exit=[4], allow_short=True)


def test_entries_of_both_sides_cancel_out(act):
    """Flat stays flat, and neither a long nor a short is reversed."""
    assert [] == act(long_entry=[1], short_entry=[1], allow_short=True)
    assert [(2, 1)] == act(long_entry=[1, 4], short_entry=[4], allow_short=True)
    assert [(2, -1)] == act(short_entry=[1, 4], long_entry=[4], allow_short=True)


def test_an_entry_that_its_own_exit_cancels_does_not_hold_up_a_reversal(act):
    """The long entry is void, so the short entry stands alone: it reverses, as it would open when flat."""
    decisions = {"long_entry": [1, 4], "long_exit": [4], "short_entry": [4]}

    assert [(2, 1), (5, -1), (5, -1)] == act(allow_short=True, **decisions)


def test_the_short_side_is_not_looked_at_unless_allowed(act):
    """Short entries neither open nor cancel, and short exits do nothing."""
    assert [] == act(short_entry=[1, 5])
    assert [(3, 1)] == act(long_entry=[2], short_entry=[2, 5], short_exit=[7])


def test_an_opposite_entry_reverses_in_two_orders(act):
    """Close, then enter: two fills at the same open, in both directions."""
    fills = act(long_entry=[1, 8], short_entry=[4], allow_short=True)

    assert [(2, 1), (5, -1), (5, -1), (9, 1), (9, 1)] == fills


def test_a_second_entry_while_holding_adds_nothing(act):
    """One position at a time, of one size."""
    assert [(2, 1), (9, -1)] == act(long_entry=[1, 2, 3, 4], long_exit=[8])


def test_the_sizer_learns_that_a_sale_is_an_entry_while_reversing(act):
    """`reversing` is true for the entry of a reversal only, when a long is still held."""
    asked = []

    class Watcher(bt.Sizer):
        def _getsizing(self, comminfo: Any, cash: float, data: Any, isbuy: Any) -> int:
            asked.append((bool(isbuy), self.strategy.reversing))
            return 1

    act(long_entry=[1], short_entry=[4], allow_short=True, sizer=Watcher)

    assert [(True, False), (False, True)] == asked


def test_a_sizer_that_gives_nothing_makes_no_order(act):
    """Nothing is bought and the next signal is free to try again."""

    class Nothing(bt.Sizer):
        def _getsizing(self, *_: Any) -> int:
            return 0

    assert [] == act(long_entry=[1, 4], sizer=Nothing)


def test_signals_are_passed_over_while_an_order_waits(walk, feed_of):
    """An order that the broker has not filled yet keeps the strategy from sending another."""
    sent = []

    class Always(SignalStrategy):
        @staticmethod
        def signals(bars, p):
            return Signals(np.ones(len(bars), dtype=bool), np.zeros(len(bars), dtype=bool))

        def buy(self, **_):
            order = super().buy(exectype=bt.Order.Limit, price=0.01)
            sent.append(order)
            return order

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(feed_of(walk(n=20)))
    cerebro.addstrategy(Always)
    cerebro.run()

    assert 1 == len(sent)


def test_a_rejected_entry_is_tried_again(walk, feed_of):
    """A refused order is over; the signal that still holds sends the next."""
    refused = []

    class Always(SignalStrategy):
        @staticmethod
        def signals(bars, p):
            return Signals(np.ones(len(bars), dtype=bool), np.zeros(len(bars), dtype=bool))

        def notify_order(self, order):
            refused.append(order.getstatusname())

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(1.0)
    cerebro.adddata(feed_of(walk(n=5)))
    cerebro.addstrategy(Always)
    cerebro.run()

    assert ["Margin"] * 4 == [name for name in refused if name == "Margin"]


def test_no_attribute_of_ours_hides_one_of_backtraders(walk, run_plain):
    """Backtrader keeps its own lists on the strategy, such as `_orders`; a clash would corrupt them."""

    class Plain(bt.Strategy):
        pass

    bars = walk(n=20)
    theirs = vars(run_plain(Plain, bars).strategy)
    ours = vars(run_plain(Rsi, bars).strategy)
    methods = {
        name
        for name, value in vars(SignalStrategy).items()
        if getattr(getattr(value, "__func__", value), "__module__", "") == "strategies.base"
    }

    signals = {"_own_params", "_history", "_codes", "_codes_from", "_codes_to", "computed"}
    assert {*signals, "_waiting", "reversing"} == set(ours) - set(theirs)
    assert {"start", "next"} == methods & set(dir(bt.Strategy))


def test_bad_parameters_stop_a_plain_cerebro_too(walk, run_plain):
    """The check runs before the first bar, in anybody's script."""
    with pytest.raises(ParamError, match="must lie in 2 to 200"):
        run_plain(Rsi, walk(n=5), period=1)


def test_parameters_are_checked_with_the_nearest_name():
    """A slip of the pen is met with a guess, and the types and limits are named."""
    with pytest.raises(ParamError, match=r"no parameter 'oversld'. Did you mean 'oversold'\? It has: period"):
        Rsi.check_params({"oversld": 20})
    with pytest.raises(ParamError, match=r"period is 14\.5; it must be of type int"):
        Rsi.check_params({"period": 14.5})
    with pytest.raises(ParamError, match="period is True"):
        Rsi.check_params({"period": True})
    with pytest.raises(ParamError, match="oversold is nan"):
        Rsi.check_params({"oversold": float("nan")})


def test_numpy_numbers_are_numbers():
    """A grid made by numpy passes."""
    checked = Rsi.check_params({"period": np.int64(10), "oversold": np.float64(25.0)})

    assert (10, 25.0, 70.0) == (checked.period, checked.oversold, checked.overbought)


def test_a_range_for_an_unknown_parameter_is_refused():
    """A slip in `ranges` must not leave a parameter unchecked."""

    class Slip(Rsi):
        ranges = {"perido": (2, 3)}

    with pytest.raises(ParamError, match=r"ranges or choices.*'perido'. Did you mean 'period'"):
        Slip.check_params({})


def test_parameters_that_do_not_fit_each_other_are_refused():
    """find_conflict speaks after each parameter passed its own range."""

    class Ordered(Rsi):
        @staticmethod
        def find_conflict(p):
            return "they cross." if p.oversold >= p.overbought else None

    with pytest.raises(ParamError, match="Ordered: they cross"):
        Ordered.check_params({"oversold": 50.0, "overbought": 50.0})

    assert 30.0 == Ordered.check_params({}).oversold


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda n: None, "returned NoneType; it must return Signals"),
        (
            lambda n: Signals(np.zeros(n - 1, dtype=bool), np.zeros(n, dtype=bool)),
            r"long_entry of shape \(4,\)",
        ),
        (lambda n: Signals(np.zeros(n, dtype=bool), np.full(n, np.nan)), "long_exit of type float64"),
        (lambda n: Signals(*[np.zeros(n, dtype=bool)] * 2, panels={"X": np.zeros(2)}), r"X of shape \(2,\)"),
    ],
)
def test_signals_of_the_wrong_kind_are_refused(walk, returned, message):
    """A NaN among floats would count as true; a short array would trade the wrong bar."""

    class Wrong(SignalStrategy):
        @staticmethod
        def signals(bars, p):
            return returned(len(bars))

    with pytest.raises(StrategyError, match=message):
        Wrong.compute(walk(n=5))


@given(
    flags=st.lists(st.tuples(*[st.booleans()] * 4), min_size=1, max_size=20),
    sides=st.sampled_from([2, 4]),
    allow_short=st.booleans(),
)
def test_a_bar_alone_is_weighed_as_among_others(flags, sides, allow_short):
    """The newest bar of a live run, with a short side and without, and whether or not it is looked at."""
    found = Signals(*np.array(flags, dtype=np.bool_).T[:sides])
    expected = decision_codes(found, allow_short=allow_short).tobytes()

    assert expected == b"".join(
        decision_code(found, position, allow_short=allow_short) for position in range(len(flags))
    )


def test_a_run_that_forgets_old_bars_is_refused(walk, run_plain):
    """Such a run keeps a window only, over which the indicators would come out wrong."""
    with pytest.raises(StrategyError, match="Run it without exactbars"):
        run_plain(Rsi, walk(n=80), cerebro_args={"exactbars": 1})


def test_the_strategy_sees_the_bars_of_the_feed(walk, run_plain):
    """Times and prices arrive exactly; what the feed does not have is NaN."""
    bars = walk(n=30)
    seen = []

    class Looker(SignalStrategy):
        @staticmethod
        def signals(bars, p):
            seen.append(bars)
            return Signals(*[np.zeros(len(bars), dtype=bool)] * 2)

    run_plain(Looker, bars)
    (found,) = seen

    np.testing.assert_array_equal(bars.open_time, found.open_time)
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(bars, name), getattr(found, name))
    assert np.isnan(found.quote_volume).all()


def test_bars_that_a_feed_of_ours_loaded_are_not_copied(walk):
    """A million bars then exist once in memory; a feed cut by dates gives those it loaded."""
    bars = walk(n=30)
    seen = []

    class Looker(SignalStrategy):
        @staticmethod
        def signals(bars, p):
            seen.append(bars)
            return Signals(*[np.zeros(len(bars), dtype=bool)] * 2)

    for dates in ({}, {"fromdate": datetime(2020, 1, 11, tzinfo=UTC)}):
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.adddata(ArrayFeed(bars, interval=Interval.parse("1d"), **dates))
        cerebro.addstrategy(Looker)
        cerebro.run()

    assert seen[0] is bars
    np.testing.assert_array_equal(bars.open_time[10:], seen[1].open_time)
    np.testing.assert_array_equal(bars.close[10:], seen[1].close)
