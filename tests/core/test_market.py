"""Bars and intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import ConfigError
from bt_run.core.market import BAR_COLUMNS, BINANCE_INTERVALS, Bars, Interval, iso_utc


@pytest.mark.parametrize("text", BINANCE_INTERVALS)
def test_every_binance_interval_survives_a_round_trip(text: str):
    """Parsing and printing are inverse."""
    assert text == str(Interval.parse(text))


def test_minutes_and_months_differ_by_case_and_the_archive_spells_months_mo():
    """1m is a minute, 1M and 1mo a month without a fixed length."""
    assert Interval.parse("1m").milliseconds == 60_000
    assert Interval.parse("1M").milliseconds is None
    assert Interval.parse("1M") == Interval.parse("1mo")


@pytest.mark.parametrize("text", ["", "m", "0m", "1x", "1.5h", "-1h", "h1"])
def test_nonsense_is_no_interval(text: str):
    """The message lists what Binance serves."""
    with pytest.raises(ConfigError, match="1m"):
        Interval.parse(text)


def test_columns_that_are_not_given_are_unknown():
    """Unknown is NaN, not zero."""
    bars = Bars.of([0, 1], open=[1, 2], high=[1, 2], low=[1, 2], close=[1, 2])

    assert np.isnan(bars.volume).all()
    assert bars.close.dtype == np.float64


@given(
    times=st.lists(st.integers(0, 10_000), min_size=1, max_size=50, unique=True).map(sorted),
    start=st.none() | st.integers(-10, 10_010),
    end=st.none() | st.integers(-10, 10_010),
)
def test_between_keeps_exactly_the_bars_of_the_range(times: list[int], start: int | None, end: int | None):
    """Both ends are inclusive, None leaves a side open."""
    ones = np.ones(len(times))
    bars = Bars.of(times, **dict.fromkeys(BAR_COLUMNS[1:], ones))
    expected = [t for t in times if (start is None or t >= start) and (end is None or t <= end)]

    assert expected == bars.between(start, end).open_time.tolist()


def test_iso_times_are_utc_and_short():
    """Milliseconds are shown only where there are any."""
    assert iso_utc(0) == "1970-01-01T00:00:00Z"
    assert iso_utc(1) == "1970-01-01T00:00:00.001Z"
