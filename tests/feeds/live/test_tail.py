"""Bars grow at their end without being copied."""

from __future__ import annotations

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


def test_one_bar_at_a_time_or_many_is_the_same(made):
    """To the bit, and while the arrays grow; each bar can be read back, the newest and the forming one too."""
    tail, rows = Tail(), rows_of(made)
    for number, row in enumerate(rows):
        tail.form((*row[:1], *(value / 3 for value in row[1:])))
        assert (row[0], tuple(value / 3 for value in row[1:])) == tail.row(number)
        tail.extend([row])
        assert (row[0], row[1:]) == tail.row(number)

    assert same(tail.bars(), made)
    assert [(row[0], row[1:]) for row in rows] == [tail.row(number) for number in range(len(rows))]


def test_a_bar_is_read_back_as_it_came(made):
    """Whichever came last, and in how large a piece."""
    tail, rows = Tail(), rows_of(made[:6])
    tail.extend(rows[:3])
    tail.extend([])
    tail.extend(rows[3:4])
    tail.form(rows[5])

    assert [(row[0], row[1:]) for row in (*rows[:4], rows[5])] == [tail.row(number) for number in range(5)]
    tail.extend(rows[4:])
    assert [(row[0], row[1:]) for row in rows] == [tail.row(number) for number in range(6)]
    assert T0 + 60_000 == tail.open_time(1)
    assert all(type(value) is float for value in tail.row(5)[1])
