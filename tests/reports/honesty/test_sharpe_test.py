"""Tests of Sharpe ratios, against the numbers that their papers print."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.reports.honesty.sharpe_test import (
    Moments,
    deflated_sharpe,
    expected_best_sharpe,
    independent_trials,
    moments_of,
    needed_periods,
    probabilistic_sharpe,
)

YEAR = 250
CROOKED = Moments(2.5 / math.sqrt(YEAR), 1250, skew=-3.0, kurtosis=10.0)
"""The example of "The Deflated Sharpe Ratio", 2014: an annual 2.5 over five years of days."""

VARIANCE = 0.5 / YEAR
FUND = Moments(0.458, 24, skew=-2.448, kurtosis=10.164)
"""The example of "The Sharpe Ratio Efficient Frontier", 2012: two years of a hedge fund's months."""


def test_the_best_of_a_hundred_is_expected_to_show_what_the_paper_says():
    """Bailey and López de Prado, 2014: about 0.1132 a day for a variance of one half a year."""
    assert pytest.approx(0.1132, abs=5e-5) == expected_best_sharpe(100, variance=VARIANCE)


@pytest.mark.parametrize(("trials", "printed"), [(100, 0.9004), (46, 0.9505)])
def test_the_deflated_sharpe_ratio_is_the_papers(trials, printed):
    """0.9004 after a hundred trials; after 46 it would have passed 95 %."""
    assert pytest.approx(printed, abs=5e-5) == deflated_sharpe(CROOKED, trials=trials, variance=VARIANCE)


def test_normal_returns_would_have_passed_with_88_trials():
    """The same paper: without skew and fat tails 88 trials give 0.9505."""
    straight = CROOKED._replace(skew=0.0, kurtosis=3.0)

    assert pytest.approx(0.9505, abs=5e-5) == deflated_sharpe(straight, trials=88, variance=VARIANCE)


@pytest.mark.parametrize(("fund", "printed"), [(FUND._replace(skew=0.0, kurtosis=3.0), 0.982), (FUND, 0.913)])
def test_the_probabilistic_sharpe_ratio_is_the_papers(fund, printed):
    """Bailey and López de Prado, 2012: 0.982 as if normal, 0.913 with the moments that the fund has."""
    assert pytest.approx(printed, abs=5e-4) == probabilistic_sharpe(fund)


@pytest.mark.parametrize(("a_year", "years"), [(250, 2.73), (52, 2.83), (12, 3.24)])
def test_the_minimum_track_record_is_the_papers(a_year, years):
    """The same paper: a Sharpe ratio of 2 proves to be above 1 after so many years of normal returns."""
    root = math.sqrt(a_year)
    found = needed_periods(Moments(2.0 / root, 1, 0.0, 3.0), benchmark=1.0 / root)

    assert pytest.approx(years, abs=5e-3) == found / a_year


def test_crooked_returns_need_a_longer_track_record():
    """The same paper: monthly returns with skew -0.72 and kurtosis 5.78 need 4.99 years in place of 3.24."""
    root = math.sqrt(12)
    found = needed_periods(Moments(2.0 / root, 1, -0.72, 5.78), benchmark=1.0 / root)

    assert pytest.approx(4.99, abs=5e-3) == found / 12


def test_a_ratio_below_its_benchmark_is_proven_by_no_length():
    """Losing money for longer proves nothing good."""
    assert needed_periods(FUND._replace(sharpe=-0.1)) is None
    assert needed_periods(FUND, benchmark=0.458) is None


def test_a_single_trial_is_not_deflated():
    """Luck shows nothing when nothing was chosen, whatever the variance."""
    assert 0.0 == expected_best_sharpe(1, variance=4.0)
    assert probabilistic_sharpe(FUND) == deflated_sharpe(FUND, trials=1, variance=4.0)


@given(fewer=st.integers(1, 10_000), more=st.integers(1, 10_000), variance=st.floats(0.0, 1.0))
def test_more_trials_never_make_a_result_more_certain(fewer, more, variance):
    """The bar rises with the number of trials."""
    fewer, more = sorted((fewer, more))
    first, second = (deflated_sharpe(CROOKED, trials=n, variance=variance) for n in (fewer, more))

    assert second <= first + 1e-12


def test_the_expected_best_is_that_of_drawn_trials():
    """The best of fifty normal numbers is on average what the formula says, to 2 %."""
    best = np.random.default_rng(4).normal(size=(20_000, 50)).max(axis=1)

    assert pytest.approx(np.mean(best), rel=0.02) == expected_best_sharpe(50, variance=1.0)


def test_moments_are_those_of_the_sample():
    """By hand: 0, 0, 3 has mean 1, deviation root 3, skewness 1 / root 2 and kurtosis 1.5."""
    found = moments_of(np.array([0.0, 0.0, 3.0]))

    assert pytest.approx((1 / math.sqrt(3.0), 3, 1 / math.sqrt(2.0), 1.5)) == tuple(found)


@pytest.mark.parametrize("returns", [[], [0.1, 0.2], [0.1] * 30])
def test_too_few_or_equal_returns_have_no_moments(returns):
    """What does not vary has no Sharpe ratio to test."""
    assert moments_of(np.array(returns)) is None


def test_a_certain_gamble_has_no_spread():
    """One loss and one gain whose Sharpe ratio leaves nothing under the root: undefined, not an error."""
    assert probabilistic_sharpe(Moments(1.0, 10, skew=2.0, kurtosis=5.0)) is None


def test_trials_that_are_the_same_count_as_one():
    """A thousand copies of one trial are one independent trial; unlike ones count in full."""
    draw = np.random.default_rng(1)
    one = draw.normal(size=(400, 1))

    assert pytest.approx(1.0) == independent_trials(np.repeat(one, 30, axis=1), trials=1000)
    assert independent_trials(draw.normal(size=(400, 30)), trials=1000) > 980


def test_half_correlated_trials_count_half():
    """The mean correlation of the pairs is the formula's only input, as numpy measures it."""
    draw = np.random.default_rng(2)
    returns = draw.normal(size=(500, 1)) + draw.normal(size=(500, 8))
    pairs = np.corrcoef(returns.T)[np.triu_indices(8, 1)]
    mean = float(np.mean(pairs))

    assert pytest.approx(mean + (1 - mean) * 100) == independent_trials(returns, trials=100)


def test_trials_that_never_trade_say_nothing_about_alikeness():
    """Flat columns are left out; where fewer than two are left all trials count."""
    assert 7.0 == independent_trials(np.zeros((50, 3)), trials=7)
    assert 7.0 == independent_trials(np.empty((50, 0)), trials=7)
