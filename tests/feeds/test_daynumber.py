"""Day numbers are the very floats of Backtrader."""

from __future__ import annotations

import datetime

import backtrader as bt
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feeds.daynumber import day_number, day_numbers

LATEST = 4_102_444_800_000


def truth(time_ms: int) -> float:
    moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(milliseconds=time_ms)
    return float(bt.date2num(moment))


@given(st.lists(st.integers(min_value=-2_208_988_800_000, max_value=LATEST), min_size=1, max_size=50))
def test_any_time(times: list[int]) -> None:
    """Any time from 1900 to 2100, to the millisecond, gives the same float."""
    expected = [truth(time) for time in times]

    assert expected == day_numbers(np.array(times, dtype=np.int64)).tolist()
    assert expected == [day_number(time) for time in times]


def test_every_minute_of_a_year_and_many_random_times() -> None:
    """Bars on the grid and off it give the same floats."""
    minutes = 1_577_836_800_000 + 420_000 * np.arange(75_000)
    random = np.random.default_rng(3).integers(0, LATEST, 50_000)
    for times in (minutes, random):
        assert [truth(int(time)) for time in times] == day_numbers(times).tolist()


def test_no_times() -> None:
    """No times give no numbers."""
    assert [] == day_numbers(np.empty(0, dtype=np.int64)).tolist()
