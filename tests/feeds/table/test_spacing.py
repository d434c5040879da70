"""Distances between bars tell the interval and what is missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.market import Interval
from feeds.table.spacing import find_interval, fits, missing_bars, open_from_close

DAY = 86_400_000


def days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[ms]").astype(np.int64)


@given(
    st.sampled_from(["1s", "1m", "3m", "15m", "1h", "4h", "12h", "1d", "3d", "1w"]),
    st.integers(3, 60),
    st.data(),
)
def test_the_interval_is_found_through_gaps(text: str, length: int, data: st.DataObject) -> None:
    """Bars may be missing: the most common distance is the interval, and what is missing is counted."""
    interval = Interval.parse(text)
    times = 1_600_041_600_000 + np.arange(length) * (interval.milliseconds or 0)
    hole = data.draw(st.integers(1, length - 2))
    holed = np.delete(times, hole) if length > 5 else times

    assert interval == find_interval(times)
    assert interval == find_interval(holed)
    assert len(times) - len(holed) == missing_bars(holed, interval).sum()


def test_months_are_told_from_days() -> None:
    """Distances of 28 to 31 days that vary are months; quarters and years are months too; 30d stays 30d."""
    months = days("2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30")
    quarters = days("2024-01-01", "2024-04-01", "2024-07-01", "2024-10-01")
    years = days("2021-01-01", "2022-01-01", "2023-01-01", "2024-01-01", "2025-01-01")

    assert ["1M", "3M", "12M"] == [str(find_interval(times)) for times in (months, quarters, years)]
    assert "30d" == str(find_interval(np.arange(10) * 30 * DAY))
    assert [0, 0, 0] == missing_bars(months, Interval(1, "M")).tolist()


def test_too_few_bars_and_odd_distances_have_no_interval() -> None:
    """One bar has no distance, and half a second is no interval."""
    assert find_interval(np.array([5])) is None
    assert find_interval(np.arange(5) * 500) is None


@pytest.mark.parametrize(
    ("interval", "true"), [("1d", True), ("24h", True), ("1h", False), ("2d", False), ("1M", False)]
)
def test_fits(interval: str, true: bool) -> None:
    """An interval fits under any name, but no other does."""
    assert true is fits(np.arange(10) * DAY, Interval.parse(interval))


def test_a_thin_market_fits_its_shortest_distance() -> None:
    """Where most bars are missing, the shortest distance is the interval."""
    assert fits(np.array([0, 1, 3, 5, 7, 9]) * 60_000, Interval.parse("1m"))


def test_bars_off_the_grid_are_not_gaps() -> None:
    """An outage may shift the bars by minutes; that is no missing bar."""
    times = np.array([0, 2, 4, 8.47, 10.47, 12]) * 3_600_000

    assert [0, 0, 1, 0, 0] == missing_bars(times.astype(np.int64), Interval.parse("2h")).tolist()


def test_close_times() -> None:
    """Closes at ...999 and on the full second give the same opens; months go back by the calendar."""
    assert (
        days("2024-01-01").tolist()
        == open_from_close(days("2024-01-01T23:59:59.999"), Interval.parse("1d")).tolist()
    )
    assert days("2024-01-01").tolist() == open_from_close(days("2024-01-02"), Interval.parse("1d")).tolist()
    assert (
        days("2024-02-01").tolist()
        == open_from_close(days("2024-02-29T23:59:59.999"), Interval.parse("1M")).tolist()
    )
