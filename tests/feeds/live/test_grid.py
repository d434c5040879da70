"""Bars begin and end where Binance cuts them."""

from __future__ import annotations

import pytest
from exchange_market import close_time, open_times

from bt_run.core.clock import parse_time
from bt_run.core.interval import BINANCE_INTERVALS, Interval
from feeds.live.grid import Grid

STARTS = {"1w": "2026-01-05", "3d": "2026-01-02"}  # a Monday; a multiple of three days after 2017-08-17


@pytest.mark.parametrize("name", BINANCE_INTERVALS)
def test_every_interval_of_the_exchange(name):
    """A time in a bar belongs to its open and its end, the last millisecond too."""
    interval = Interval.parse(name)
    first, second = (int(one) for one in open_times(interval, parse_time(STARTS.get(name, "2026-01-01")), 2))
    grid = Grid(interval)

    for inside in (first, first + 1, close_time(interval, first)):
        assert (first, second) == (grid.open_of(inside), grid.end_of(inside))
    assert second == grid.open_of(second)


@pytest.mark.parametrize(("name", "before"), [("1m", "2026-02-28T23:57"), ("1M", "2025-12-01")])
def test_going_back_counts_bars(name, before):
    """Months have no fixed length."""
    grid = Grid(Interval.parse(name))

    assert parse_time(before) == grid.back(parse_time("2026-03-01"), 3)
    assert parse_time("2026-03-01") == grid.back(parse_time("2026-03-01"), 0)


@pytest.mark.parametrize("name", ["1w", "1M"])
def test_going_back_ends_in_1970(name):
    """An exchange refuses a time before it: 5,000 weeks of history are more than there can be."""
    assert 0 == Grid(Interval.parse(name)).back(parse_time("2026-03-01"), 5000)
