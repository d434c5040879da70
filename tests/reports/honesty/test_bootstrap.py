"""The stationary bootstrap, against arch 8.0.0 and against what is known of its series."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bt_run.reports.honesty.bootstrap import block_length, bootstrap_intervals
from bt_run.reports.returns import sharpe

PLACE = np.arange(200)


def _following(follows, n, seed=5):
    """Give returns each of which keeps a part of the one before."""
    draw = np.random.default_rng(seed).normal(size=n)
    series = np.zeros(n)
    for place in range(1, n):
        series[place] = follows * series[place - 1] + draw[place]
    return series * 0.01


@pytest.mark.parametrize(
    ("returns", "length"),
    [
        (_following(0.3, 500), 6.063417311186106),
        (_following(0.9, 1000), 42.06505506109338),
        (_following(-0.4, 365), 5.1390201252340875),
        (_following(0.99, 60), 10.671217447313245),
        (np.sin(PLACE * 0.1) + 0.5 * np.cos(1.7 * PLACE), 17.844270092436002),
        (np.sin(2.3 * np.arange(60)), 20.0),
    ],
)
def test_the_block_length_is_that_of_arch(returns, length):
    """optimal_block_length of arch 8.0.0, stationary, on the same series."""
    assert pytest.approx(length) == block_length(returns)


def test_a_block_is_at_least_a_day():
    """Independent returns want no blocks (arch gives 0.636 here), and equal ones have none."""
    assert 1.0 == block_length(_following(0.0, 250))
    assert 1.0 == block_length(np.full(100, 0.01))


def test_the_interval_of_a_sharpe_ratio_is_as_wide_as_theory_says():
    """For independent normal returns its standard error is about the root of periods over days (Lo, 2002)."""
    returns = np.random.default_rng(7).normal(0.0005, 0.01, 2000)
    found = bootstrap_intervals(returns, periods=365.0).sharpe
    error = math.sqrt(365.0 / 2000)

    assert pytest.approx(2 * 1.96 * error, rel=0.1) == found.high - found.low
    assert found.low < found.value < found.high
    assert pytest.approx(sharpe(returns, periods=365.0)) == found.value


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Of 200 series with a known Sharpe ratio some 90 % have it inside their 90 % interval."""
    draw, true = np.random.default_rng(2), 0.05 * math.sqrt(365)
    held = 0
    for series in draw.normal(0.0005, 0.01, size=(200, 250)):
        found = bootstrap_intervals(series, periods=365.0, resamples=300, confidence=0.9).sharpe
        held += found.low <= true <= found.high

    assert 165 <= held <= 195


def test_returns_that_hang_together_have_wider_intervals():
    """Long blocks keep long runs of losses: the same days shuffled look safer than they are."""
    together = _following(0.9, 1000)
    shuffled = np.random.default_rng(1).permutation(together)
    wide, narrow = (bootstrap_intervals(series, periods=365.0).sharpe for series in (together, shuffled))

    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_measured_numbers_are_those_of_the_run():
    """Return and drawdown by hand: up 10 %, down 20 %, then nothing."""
    returns = np.concatenate([[0.1, -0.2], np.zeros(30)])
    found = bootstrap_intervals(returns, periods=365.0, resamples=50)

    assert pytest.approx(-12.0) == found.return_pct.value
    assert pytest.approx(20.0) == found.drawdown_pct.value
    assert found.return_pct.low <= found.return_pct.value <= found.return_pct.high


def test_a_loss_on_the_first_day_is_a_drawdown():
    """The start counts as a peak, as in the metrics of a run."""
    found = bootstrap_intervals(np.array([-0.5] + [0.0] * 30), periods=365.0, resamples=10)

    assert pytest.approx(50.0) == found.drawdown_pct.value


def test_the_same_seed_gives_the_same_numbers():
    """And another seed others."""
    returns = _following(0.3, 300)
    first, again, other = (bootstrap_intervals(returns, periods=365.0, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_memory_does_not_grow_with_the_number_of_resamples(monkeypatch):
    """Drawn in pieces the numbers are as many, and each piece is small."""
    from bt_run.reports.honesty import bootstrap

    seen = []
    draw = np.random.default_rng(1)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 1_000)
    for index in bootstrap._indices(100, 5.0, 37, draw):
        seen.append(index.shape)
        follows = (index[:, 1:] - index[:, :-1]) % 100 == 1

        assert 0.6 < follows.mean() < 0.95
    assert [(10, 100), (10, 100), (10, 100), (7, 100)] == seen


def test_few_days_or_a_flat_account_give_what_they_can():
    """Below twenty days nothing; where nothing moves a return of 0 and no Sharpe ratio."""
    assert bootstrap_intervals(np.full(19, 0.01), periods=365.0) is None
    flat = bootstrap_intervals(np.zeros(50), periods=365.0, resamples=10)

    assert flat.sharpe is None
    assert (0.0, 0.0) == (flat.return_pct.low, flat.return_pct.high)
    assert 0.0 == flat.loss_probability
