"""The account against buy and hold, and below its peak."""

from __future__ import annotations

import numpy as np

from bt_run.reports.account import buy_and_hold, drawdown_of


def test_buy_and_hold_starts_with_the_cash():
    """All cash at the first close, without costs."""
    np.testing.assert_allclose([1000.0, 1500.0, 500.0], buy_and_hold(1000.0, np.array([2.0, 3.0, 1.0])))


def test_drawdown_is_percent_below_the_highest_so_far():
    """Zero at a peak; below minus one hundred when equity is negative."""
    fall = drawdown_of(np.array([100.0, 80.0, 120.0, 60.0, -12.0]))

    np.testing.assert_allclose([0.0, -20.0, 0.0, -50.0, -110.0], fall)


def test_drawdown_without_a_peak_above_zero_is_unknown():
    """An account that never had anything has no percent to lose; holes stay holes."""
    np.testing.assert_array_equal([np.nan, np.nan], drawdown_of(np.array([0.0, -5.0])))
    np.testing.assert_array_equal([0.0, np.nan, -50.0], drawdown_of(np.array([10.0, np.nan, 5.0])))
