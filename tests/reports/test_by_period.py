"""Returns by month, year, weekday and hour."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.reports.by_period import by_hour, by_weekday, month_table, year_returns

HOUR = 3_600_000
DAY = 24 * HOUR
NEW_YEAR_2024 = 1_704_067_200_000  # a Monday


def test_a_month_counts_from_the_close_of_the_month_before():
    """100 at the start, 110 at the end of January and 99 at the end of February: +10 %, -10 %."""
    times = NEW_YEAR_2024 + np.array([0, 30, 31, 59]) * DAY
    table = month_table(np.array([105.0, 110.0, 120.0, 99.0]), times, start=100.0)

    assert [2024] == table.years.tolist()
    assert pytest.approx([10.0, -10.0]) == table.pct[0, :2]
    assert np.isnan(table.pct[0, 2:]).all()
    assert pytest.approx([-1.0]) == table.year_pct


def test_a_year_without_bars_has_no_return_and_the_next_one_bridges_it():
    """An outage of a year is no loss and no gain."""
    times = NEW_YEAR_2024 + np.array([0, 800]) * DAY
    found = year_returns(np.array([100.0, 150.0]), times, start=100.0)

    assert pytest.approx([0.0, np.nan, 50.0], nan_ok=True) == found


@given(st.lists(st.floats(0.9, 1.1), min_size=1, max_size=900), st.integers(0, 3000))
def test_the_months_of_a_run_compound_to_its_return(steps, first_day):
    """No day is lost or counted twice."""
    equity = 100.0 * np.cumprod(steps)
    times = (first_day + np.arange(len(equity))) * DAY
    table = month_table(equity, times, start=100.0)

    assert pytest.approx(equity[-1] / 100.0) == np.prod(1 + table.pct[~np.isnan(table.pct)] / 100)
    assert pytest.approx(equity[-1] / 100.0) == np.prod(1 + table.year_pct / 100)


def test_weekdays_begin_on_monday():
    """2024 began on one."""
    found = by_weekday(np.array([101.0, 101.0, 102.01]), NEW_YEAR_2024 + np.arange(3) * DAY, start=100.0)

    assert pytest.approx([1.0, 0.0, 1.0]) == found.mean_pct[:3]
    assert [1, 1, 1, 0, 0, 0, 0] == found.count.tolist()
    assert np.isnan(found.mean_pct[3:]).all()


def test_an_hour_of_several_bars_has_one_return():
    """Four bars of 15 minutes make an hour; the mean is over hours, not bars."""
    equity = np.array([101.0, 102.0, 101.0, 110.0, 99.0])
    found = by_hour(equity, NEW_YEAR_2024 + np.arange(5) * HOUR // 4, start=100.0)

    assert pytest.approx([10.0, -10.0]) == found.mean_pct[:2]
    assert [1, 1, *([0] * 22)] == found.count.tolist()
