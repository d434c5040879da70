"""Mean and standard deviation are numpy's to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.reports.moments import mean, standard_deviation


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(2, 1_000),
    middle=st.sampled_from([0.0, 1e-3, -50.0, 1e9]),
    spread=st.sampled_from([0.0, 1e-9, 1.0, 1e6]),
)
def test_they_are_the_floats_of_numpy(seed, count, middle, spread):
    """Few values and many, near each other and far apart; numpy adds otherwise from 8 and from 128 on."""
    values = np.random.default_rng(seed).normal(middle, spread, count)

    assert np.mean(values) == mean(values)
    assert np.std(values) == standard_deviation(values, ddof=0)
    assert np.std(values, ddof=1) == standard_deviation(values, ddof=1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_stays_none(value):
    """As numpy has it, and with its warnings."""
    values = np.array([1.0, value])
    with np.errstate(invalid="ignore"):
        assert np.isnan(standard_deviation(values, ddof=1))
    assert not np.isfinite(mean(values))
