"""Bars grow at their end without being copied."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest
from exchange_market import make_bars

from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS
from feeds.live.tail import Tail

MINUTE = Interval.parse("1m")
T0 = 1_767_225_600_000


def rows_of(bars):
    return list(zip(*(getattr(bars, name).tolist() for name in BAR_COLUMNS), strict=True))


def same(found, bars):
    return all(np.array_equal(getattr(found, name), getattr(bars, name)) for name in BAR_COLUMNS)


@pytest.fixture(scope="module")
def made():
    """Give more bars than fit in at first."""
    return make_bars(MINUTE, T0, 3000)


def test_what_is_appended_is_there(made):
    """In pieces of any size; every array is contiguous and of its type."""
    tail, rows = Tail(), rows_of(made)
    for first, end in ((0, 0), (0, 1), (1, 1024), (1024, 1025), (1025, 3000)):
        if first < end:
            tail.extend(rows[first:end])
        assert end == len(tail) == len(tail.bars())
    found = tail.bars()

    assert same(found, made)
    assert found is tail.bars()
    for name in BAR_COLUMNS:
        array = getattr(found, name)
        assert array.flags.c_contiguous
        assert array.dtype == (np.int64 if name == "open_time" else np.float64)


def test_one_more_bar_copies_nothing(made):
    """The views share the memory, until the arrays double."""
    tail, rows = Tail(), rows_of(made)
    tail.extend(rows[:100])
    before = tail.bars()
    tail.extend(rows[100:101])

    assert np.shares_memory(before.close, tail.bars().close)
    assert 100 == len(before)


def test_earlier_views_stay_as_they_were(made):
    """Also when the arrays have grown."""
    tail, rows = Tail(), rows_of(made)
    tail.extend(rows[:1000])
    before = tail.bars()
    tail.extend(rows[1000:])

    assert same(before, made[:1000])


def test_a_forming_bar_stands_at_the_end_until_it_is_closed(made):
    """It does not count as a closed one, and its place is taken by whichever closed bar comes."""
    tail, rows = Tail(), rows_of(made)
    tail.extend(rows[:2])
    tail.form(rows[2])
    tail.form(rows[3])

    assert (2, 3, True) == (len(tail), len(tail.bars()), tail.is_forming)
    assert made.close[3] == tail.bars().close[2]
    tail.extend(rows[2:3])
    assert (3, False) == (len(tail), tail.is_forming)
    assert same(tail.bars(), made[:3])


def test_line_values_are_what_backtrader_would_hold(made):
    """The open time to the very float of date2num."""
    tail = Tail()
    tail.extend(rows_of(made[:2]))
    day, *values = tail.line_values(1)

    assert bt.date2num(bt.num2date(day)) == day
    assert np.datetime64(T0 + 60_000, "ms").astype("datetime64[us]").item() == bt.num2date(day)
    assert [getattr(made, name)[1] for name in BAR_COLUMNS[1:]] == values
    assert T0 + 60_000 == tail.open_time(1)
