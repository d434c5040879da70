"""Cross-validation of a search: the published example, the limits, and a search that found something."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from bt_run.reports.honesty.overfitting import measure_overfitting


def _noise(seed, days, trials):
    return np.random.default_rng(seed).normal(size=(days, trials))


def test_equal_trials_are_all_overfit_as_the_r_package_pbo_shows():
    """
    Every trial with the same result over all days: what wins on one half must lose on the other.

    The vignette of the R package pbo (100 trials, 8 blocks, riskless 3 %) prints p_bo 1 and p_loss 1.
    """
    raw = _noise(765, 2400, 100)
    returns = (raw - raw.mean(axis=0)) / raw.std(axis=0, ddof=1) / math.sqrt(252.0) - 0.03 / 252.0
    found = measure_overfitting(returns, blocks=8)

    assert 1.0 == found.probability
    assert 1.0 == found.loss_probability
    assert 70 == len(found.logits)
    assert pytest.approx(-1.0, abs=0.05) == found.slope


def test_a_trial_with_skill_is_found_again():
    """A trial of annual Sharpe 3 among a hundred without skill: the choice holds (the paper's second case)."""
    returns = _noise(1, 1000, 100)
    returns[:, 42] += 3.0 / math.sqrt(250.0)
    found = measure_overfitting(returns)

    assert found.probability <= 0.05
    assert found.loss_probability <= 0.05
    assert 12_870 == len(found.logits)


def test_noise_is_overfit_about_half_of_the_time():
    """Over many searches among noise the best of one half is a middling trial on the other."""
    found = [measure_overfitting(_noise(seed, 240, 20), blocks=6).probability for seed in range(60)]

    assert pytest.approx(0.5, abs=0.1) == np.mean(found)


def test_every_split_is_as_by_hand():
    """The same numbers from the definition, one split after the other."""
    returns = _noise(3, 83, 5)
    found = measure_overfitting(returns, blocks=4)
    edges = np.linspace(0, 83, 5).astype(int)
    parts = [returns[a:b] for a, b in itertools.pairwise(edges)]
    for place, chosen in enumerate(itertools.combinations(range(4), 2)):
        inside = np.concatenate([parts[block] for block in chosen])
        outside = np.concatenate([parts[block] for block in range(4) if block not in chosen])
        inner, outer = (part.mean(axis=0) / part.std(axis=0, ddof=1) for part in (inside, outside))
        best = inner.argmax()
        rank = (np.sum(outer < outer[best]) + 1) / 6
        span = np.ptp(returns[:, best])

        assert pytest.approx(inner[best]) == found.in_sample[place], span
        assert pytest.approx(outer[best]) == found.out_of_sample[place]
        assert pytest.approx(math.log(rank / (1 - rank))) == found.logits[place]


def test_trials_that_are_the_same_rank_in_the_middle():
    """Twenty copies of one trial: no choice was made, each rank is the middle, and the logit is 0."""
    found = measure_overfitting(np.repeat(_noise(5, 200, 1), 20, axis=1))

    assert 1.0 == found.probability
    assert not found.logits.any()


def test_a_trial_that_never_trades_has_ratio_nought():
    """Doing nothing beats trials that all lose."""
    returns = _noise(6, 200, 6) * 0.01 - 0.02
    returns[:, 3] = 0.0
    found = measure_overfitting(returns)

    assert 0.0 == found.probability
    assert not found.out_of_sample.any()


def test_tiny_returns_count_as_large_ones():
    """The size of the returns changes nothing: a stake of a thousandth is the same strategy."""
    returns = _noise(8, 160, 7)
    large, tiny = measure_overfitting(returns), measure_overfitting(returns * 1e-9)

    assert large.probability == tiny.probability
    np.testing.assert_allclose(large.logits, tiny.logits)


@pytest.mark.parametrize(("days", "trials"), [(39, 10), (500, 1), (0, 0)])
def test_too_little_to_split_is_undefined(days, trials):
    """Ten days to a block and four blocks are the least, and one trial was not chosen."""
    assert measure_overfitting(np.ones((days, trials))) is None


def test_short_data_are_cut_into_fewer_blocks():
    """Ninety days give eight blocks, an even number, of at least ten days."""
    assert 8 == measure_overfitting(_noise(2, 90, 4)).blocks
