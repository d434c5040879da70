"""Signals made from a curve and two levels."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import StrategyError
from bt_run.fast.decisions import weigh_levels
from strategies.base import decision_codes
from strategies.levels import Levels, from_levels, levels_of
from strategies.macd import Macd
from strategies.rsi import Rsi

CURVES = st.lists(st.floats(0.0, 100.0) | st.just(np.nan) | st.sampled_from([30.0, 70.0]), min_size=1)


@given(curve=CURVES, low=st.sampled_from([0.0, 30.0, 70.0]), high=st.sampled_from([30.0, 70.0, 100.0]))
def test_the_kernel_weighs_levels_as_the_signals_that_they_make(curve, low, high):
    """Where a bar is both weak and strong too, at a level itself, and while warming up."""
    levels = Levels("X", np.array(curve), low, high)
    for sides in (2, 4):
        codes = np.empty(len(curve), dtype=np.uint8)
        weigh_levels(levels.curve, low, high, sides, codes)

        assert decision_codes(levels.signals(), allow_short=sides == 4).tolist() == codes.tolist()


def test_weak_buys_and_strong_sells():
    """A value at its level is neither; NaN is neither."""
    found = Levels("X", np.array([np.nan, 10.0, 20.0, 80.0, 90.0]), low=20, high=80).signals()

    assert [False, True, False, False, False] == found.long_entry.tolist() == found.short_exit.tolist()
    assert [False, False, False, False, True] == found.long_exit.tolist() == found.short_entry.tolist()
    assert ["X", "X oversold", "X overbought"] == [*found.panels]
    assert {20.0} == {*found.panels["X oversold"].tolist()}


def test_a_sweep_can_ask_for_the_levels(walk):
    """They are those of the signals; other strategies have none."""
    bars, p = walk(seed=5, n=100), SimpleNamespace(period=5, oversold=40.0, overbought=60.0)
    levels = levels_of(Rsi)(bars, p)

    np.testing.assert_array_equal(levels.curve, Rsi.signals(bars, p).panels["RSI"])
    assert (40.0, 60.0) == (levels.low, levels.high)
    assert levels_of(Macd) is None


def test_a_class_that_replaces_the_signals_has_no_levels():
    """Else a sweep would trade what its parent says."""

    class Own(Rsi):
        @staticmethod
        def signals(bars, p):
            return Rsi.signals(bars, p)

    assert levels_of(Own) is None


def test_what_is_not_levels_is_refused():
    """With the name of the function."""

    @from_levels
    def signals(bars, p):
        return bars

    with pytest.raises(StrategyError, match=r"signals returned int; it must return Levels"):
        signals(1, None)


def test_curves_of_other_floats_are_compared_as_float64():
    """In every engine alike."""
    assert Levels("X", np.array([0.1], dtype=np.float32), 0.1, 1.0).curve.dtype == np.float64
