"""A series keeps its bars in order, whatever is put in front of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.market import Bars
from bt_run.run.desk.series import MOST_BARS, Series, SeriesKey

MINUTE = 60_000
KEY = SeriesKey("BTCUSDT", "1m")


def rows(first, count):
    return [((first + number) * MINUTE, *([float(first + number)] * 9)) for number in range(count)]


def bars(first, count):
    values = np.arange(first, first + count, dtype=float)
    columns = dict.fromkeys(("open", "high", "low", "close", "volume"), values)
    return Bars.of((np.arange(first, first + count)) * MINUTE, **columns)


def test_the_open_bar_is_seen_and_then_closed():
    """Its state takes the place of the last; the closed bar takes the place of it."""
    series = Series(KEY)
    series.close(rows(0, 3))
    series.form(rows(3, 1)[0])
    assert 4 == len(series.bars())
    assert 3 == len(series) == len(series.closed())
    series.close(rows(3, 1))

    assert series.forming is None
    assert [0, MINUTE, 2 * MINUTE, 3 * MINUTE] == series.bars().open_time.tolist()


@given(st.integers(50, 99), st.integers(1, 80), st.booleans())
def test_older_bars_join_without_a_double(first, count, forming):
    """What overlaps is left out; what was there keeps its values, the open bar too."""
    series = Series(KEY)
    series.close(rows(100, 5))
    if forming:
        series.form(rows(105, 1)[0])
    put = series.put_in_front(bars(first, count))
    times = series.bars().open_time

    assert min(count, 100 - first) == put
    assert (np.diff(times) > 0).all()
    assert (times[-1] == 105 * MINUTE) == forming
    assert (series.bars().close == times / MINUTE).all()
    assert series.edition == int(put > 0)


def test_a_series_does_not_grow_without_limit():
    """A page that pans back for ever must not fill the memory."""
    series = Series(KEY)
    series.close(rows(MOST_BARS + 10, 5))

    assert MOST_BARS - 5 == series.put_in_front(bars(0, MOST_BARS + 10))
    assert MOST_BARS == len(series)


def test_nothing_can_be_put_before_nothing():
    """A caller's mistake."""
    with pytest.raises(ValueError, match="no bars"):
        Series(KEY).put_in_front(bars(0, 3))
