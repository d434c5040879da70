"""Drawdowns run from the peak to its recovery."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.reports import drawdown
from bt_run.reports.drawdown import deepest_falls, find_drawdowns

DAY = 86_400_000


def found_in(equity, *, start):
    return find_drawdowns(np.array(equity, dtype=float), np.arange(len(equity)) * DAY, start=start)


def test_a_rising_curve_has_no_drawdown():
    """Nothing fell: depth and duration are zero, and there is no mean of none."""
    found = found_in([100, 101, 101, 102], start=100.0)

    assert (0.0, None, 0.0, None) == (
        found.max_pct,
        found.avg_pct,
        found.max_duration_s,
        found.avg_duration_s,
    )


def test_each_fall_counts_from_its_last_peak_to_its_recovery():
    """100, 90, 80, 100 is 20 % over three days; 120, 108, 130 is 10 % over two."""
    found = found_in([100, 90, 80, 100, 120, 108, 130], start=100.0)

    assert pytest.approx([20.0, 10.0]) == found.depth_pct
    assert [3 * 86_400.0, 2 * 86_400.0] == found.duration_s.tolist()
    assert pytest.approx(15.0) == found.avg_pct


def test_a_fall_that_does_not_recover_lasts_to_the_end():
    """Half a loss is still open on the last bar."""
    found = found_in([100, 110, 60, 55, 58], start=100.0)

    assert pytest.approx([50.0]) == found.depth_pct
    assert [3 * 86_400.0] == found.duration_s.tolist()


def test_the_starting_cash_is_a_peak():
    """An account that only loses has fallen from what it began with."""
    found = found_in([90, 95, 80], start=100.0)

    assert pytest.approx(20.0) == found.max_pct


def test_an_account_below_zero_has_lost_more_than_all():
    """A short that goes wrong can cost more than the account."""
    assert pytest.approx(150.0) == found_in([100, -50], start=100.0).max_pct


def test_depths_and_durations_agree_with_backtesting_py():
    """compute_stats of backtesting.py 0.6.6 on this curve; it rounds the mean duration up to days."""
    step = np.arange(500)
    curve = 10_000.0 * np.cumprod(1.001 + 0.03 * np.sin(1.7 * step) * np.cos(0.3 * step * step))

    found = found_in(curve, start=10_000.0)

    assert pytest.approx(18.52132935413865) == found.max_pct
    assert pytest.approx(3.575588090390689) == found.avg_pct
    assert 151 * 86_400.0 == found.max_duration_s
    assert 13 == np.ceil(found.avg_duration_s / 86_400)


def test_depth_agrees_with_r_performance_analytics(shared):
    """maxDrawdown(geometric=TRUE) of the published monthly returns."""
    published = json.loads((shared / "realdata/results/metrics-reference-bacon_monthly.json").read_text())
    wealth = np.cumprod(1.0 + np.array(published["fixtures"]["bacon_monthly"]["returns"]))

    found = found_in(wealth, start=1.0)

    assert pytest.approx(-100.0 * published["metrics"]["max_drawdown"]["bacon_monthly"]) == found.max_pct


@given(st.lists(st.floats(1.0, 100.0), min_size=1, max_size=60))
def test_the_deepest_fall_is_that_of_the_plain_definition(values):
    """Every value against the highest before it, the slow way."""
    peak, deepest = 50.0, 0.0
    for value in values:
        peak = max(peak, value)
        deepest = max(deepest, (peak - value) / peak * 100.0)

    assert pytest.approx(deepest, abs=1e-9) == found_in(values, start=50.0).max_pct


@given(values=st.lists(st.floats(1.0, 100.0) | st.integers(1, 4).map(float), min_size=1, max_size=60))
def test_falls_are_the_same_however_many_bars_are_looked_at_at_once(values):
    """A fall that reaches over the edge of a piece is one fall."""
    whole = found_in(values, start=3.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawdown, "_BARS_AT_ONCE", 3)
        found = found_in(values, start=3.0)

    assert whole.depth_pct.tolist() == found.depth_pct.tolist()
    assert whole.duration_s.tolist() == found.duration_s.tolist()


def test_the_deepest_falls_come_first_with_their_bars():
    """A fall knows its peak, its lowest bar, its recovery; one from the start has its peak before the bars."""
    equity = np.array([90.0, 100, 90, 80, 100, 120, 108, 130, 120])
    falls = deepest_falls(equity, np.arange(len(equity)) * DAY, start=100.0)

    assert [(1, 3, 4), (-1, 0, 1), (5, 6, 7), (7, 8, None)] == [
        (fall.peak, fall.trough, fall.recovered) for fall in falls
    ]
    assert pytest.approx([20.0, 10.0, 10.0, 100 / 13]) == [fall.depth_pct for fall in falls]


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=80))
def test_the_deepest_fall_is_the_maximum_drawdown(values):
    """Both are read from the same falls."""
    equity = np.array(values)
    times = np.arange(len(equity)) * DAY
    falls = deepest_falls(equity, times, start=values[0], most=1)

    assert find_drawdowns(equity, times, start=values[0]).max_pct == (falls[0].depth_pct if falls else 0.0)
