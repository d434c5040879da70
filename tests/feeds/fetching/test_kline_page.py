"""Pages come out in order, whatever order they came in."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from exchange_market import Series, make_bars
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import FrameError
from bt_run.core.interval import Interval
from feeds.fetching.kline_page import tidy_page
from feeds.wire.codec_rest import parse_klines

MINUTE = Interval.parse("1m")
START = 1_577_836_800_000
ROWS = [json.loads(row) for row in Series(MINUTE, make_bars(MINUTE, START, 40)).rows]
END = ROWS[-1][0]


def tidy(rows, start=START, end=END):
    return tidy_page(parse_klines(rows), start=start, end=end)


def test_a_page_in_order_is_left_alone():
    """The arrays are the very ones that came."""
    page = parse_klines(ROWS)

    assert tidy_page(page, start=START, end=END).bars.close is page.bars.close


@given(seed=st.integers(0, 10_000), repeats=st.integers(0, 10))
def test_order_and_repeats_do_not_matter(seed, repeats):
    """Any shuffle with any repeats gives the same bars."""
    draw = random.Random(seed)
    mixed = ROWS + draw.choices(ROWS, k=repeats)
    draw.shuffle(mixed)
    page, honest = tidy(mixed), tidy(ROWS)

    assert np.array_equal(honest.bars.open_time, page.bars.open_time)
    assert np.array_equal(honest.bars.close, page.bars.close)
    assert np.array_equal(honest.close_time, page.close_time)
    assert len(mixed) == page.rows


def test_rows_outside_the_range_are_dropped():
    """A page that overlaps the one before it loses the overlap."""
    page = tidy(ROWS, start=ROWS[5][0], end=ROWS[9][0])

    assert [row[0] for row in ROWS[5:10]] == page.bars.open_time.tolist()


def test_rows_that_contradict_each_other_are_refused():
    """Nobody can tell which of two closes is right."""
    other = [*ROWS[3][:4], ROWS[3][3], *ROWS[3][5:]]
    with pytest.raises(FrameError, match="differ"):
        tidy([*ROWS, other])


def test_an_empty_page_is_empty():
    """No rows, no bars, no error."""

    assert 0 == len(tidy([]).bars)
