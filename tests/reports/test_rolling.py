"""Rolling ratios are the plain ratios of each window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.reports.returns import sharpe, volatility
from bt_run.reports.rolling import rolling_sharpe, rolling_volatility


@given(st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=60), st.integers(2, 20))
def test_each_window_has_the_ratio_of_its_returns(values, window):
    """The last window - 1 values and the current one, reckoned as for a whole run."""
    returns = np.array(values)
    ratio = rolling_sharpe(returns, window=window, periods=365.0)
    swing = rolling_volatility(returns, window=window, periods=365.0)

    assert len(returns) == len(ratio) == len(swing)
    assert np.isnan(ratio[: window - 1]).all()
    for end in range(window, len(returns) + 1):
        part = returns[end - window : end]
        assert pytest.approx(volatility(part, periods=365.0)) == swing[end - 1]
        expected = sharpe(part, periods=365.0)
        if expected is not None and abs(expected) < 1e6:
            assert pytest.approx(expected, rel=1e-6, abs=1e-9) == ratio[end - 1]


def test_a_window_without_variation_has_no_sharpe_ratio():
    """Dividing by nothing gives no number."""
    assert np.isnan(rolling_sharpe(np.full(5, 0.01), window=3, periods=365.0)).all()
