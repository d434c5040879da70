"""Bars begin and end where Binance's do, also in time zones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.interval import BINANCE_INTERVALS, Interval
from bt_run.practice.market.grid import bounds, parse_interval
from bt_run.practice.refusal import Refusal
from feeds.resample import bar_bounds

HOUR = 3_600_000


@given(st.sampled_from((*BINANCE_INTERVALS, "2w", "3M", "2d")), st.integers(0, 4_000_000_000_000))
def test_bounds_are_those_of_resampling(text: str, time: int) -> None:
    interval = Interval.parse(text)
    opens, ends = bar_bounds(np.array([time], dtype=np.int64), interval)

    assert bounds(interval, time) == (int(opens[0]), int(ends[0]))


@given(st.sampled_from(BINANCE_INTERVALS), st.integers(0, 4_000_000_000_000), st.integers(-48, 56))
def test_a_time_zone_moves_the_bounds_with_its_midnight(text: str, time: int, quarters: int) -> None:
    interval, offset = Interval.parse(text), quarters * HOUR // 4
    first, end = bounds(interval, time, offset)

    assert first <= time < end
    assert (first + offset, end + offset) == bounds(interval, time + offset)


@pytest.mark.parametrize("text", ["1x", "1D", "60m", "", "1mo", "7m"])
def test_other_intervals_are_refused(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_interval(text)
    assert caught.value.code == -1120


def test_the_interval_of_the_data_is_allowed() -> None:
    assert parse_interval("10m", Interval(10, "m")) == Interval(10, "m")
