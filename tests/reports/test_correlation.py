"""Correlation of the days of several runs."""

from __future__ import annotations

import numpy as np
import pytest

from bt_run.reports.correlation import daily_correlation


def test_a_run_is_like_itself_and_unlike_its_mirror(make):
    """1 on the diagonal, -1 for returns of the other sign."""
    data = make.bar_file(60)
    steps = np.random.default_rng(3).normal(0, 0.01, 60)
    up, down = (make.result(data, equity=10_000.0 * np.cumprod(1 + sign * steps)) for sign in (1, -1))

    assert pytest.approx(np.array([[1.0, -1.0], [-1.0, 1.0]])) == daily_correlation([up, down])


def test_runs_that_share_no_day_or_never_move_have_no_correlation(make):
    """Unknown is an answer."""
    moving = make.result(make.bar_file(40))
    still = make.result(make.bar_file(40), equity=np.full(40, 10_000.0))

    assert np.isnan(daily_correlation([moving, still])[0, 1])
