"""The plan: archive for what is closed and worth a file, REST for the rest, and nothing twice or left out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.clock import parse_time
from bt_run.core.interval import BINANCE_INTERVALS
from feeds.fetching.download_plan import days_of, plan
from feeds.storage.series import SeriesName

NOW = parse_time("2026-01-15T12:00")


def planned(series, start, end="2026-01-15T11:59", source="auto"):
    return plan(SeriesName.parse(series), [(parse_time(start), parse_time(end))], now_ms=NOW, source=source)


def periods(parts):
    return [part.file.period if part.file else "rest" for part in parts]


def test_closed_months_come_as_files_and_the_open_one_as_days():
    """One-minute bars: months, then days, then today over REST."""
    found = periods(planned("BTCUSDT:1m", "2025-11-01"))

    assert ["2025-11", "2025-12", *(f"2026-01-{day:02}" for day in range(1, 15)), "rest"] == found


def test_hours_come_as_months_and_the_open_one_over_rest():
    """A day of hours is far less than a page."""

    assert ["2025-10", "2025-11", "2025-12", "rest"] == periods(planned("BTCUSDT:1h", "2025-10-01"))


def test_seconds_come_as_days():
    """A month of them would be two and a half million bars in one part."""
    found = periods(planned("BTCUSDT:1s", "2025-12-30"))

    assert ["2025-12-30", "2025-12-31", "2026-01-01"] == found[:3]
    assert set(found[16:]) == {"rest"}


def test_little_comes_over_rest():
    """What two pages hold, and long bars at any length."""

    assert ["rest"] == periods(planned("BTCUSDT:1m", "2025-11-01", "2025-11-02"))
    assert ["rest"] == periods(planned("BTCUSDT:1d", "2017-08-17"))
    assert ["rest"] == periods(planned("BTCUSDT:1M", "2017-08-01"))


def test_a_source_can_be_demanded():
    """``rest`` asks no file, ``bulk`` asks nothing but files."""

    assert {"rest"} == set(periods(planned("BTCUSDT:1m", "2025-01-01", source="rest")))
    assert "rest" not in periods(planned("BTCUSDT:1d", "2025-01-01", source="bulk"))
    assert "2026-01-14" == periods(planned("BTCUSDT:1h", "2025-12-01", source="bulk"))[-1]


def test_a_month_that_is_not_out_yet_falls_into_its_days():
    """Each day of the month once, cut to the part."""
    part = planned("BTCUSDT:1h", "2025-10-01")[2]
    days = days_of(part, now_ms=NOW)

    assert [f"2025-12-{day:02}" for day in range(1, 32)] == periods(days)
    assert (part.first, part.last) == (days[0].first, days[-1].last)


@pytest.mark.parametrize("source", ["auto", "rest"])
@given(
    interval=st.sampled_from(BINANCE_INTERVALS),
    bounds=st.lists(st.integers(1, 10**6), min_size=2, max_size=6, unique=True),
)
def test_the_parts_cover_exactly_what_is_missing(source, interval, bounds):
    """Whatever the ranges and the interval: no millisecond is left out, none comes twice."""
    steps = sorted(bounds)[: len(bounds) // 2 * 2]
    name = SeriesName.parse(f"BTCUSDT:{interval}")
    scale = min(name.interval.approximate_ms, 60_000)
    ranges = [
        (NOW - first * scale, NOW - last * scale - 1)
        for last, first in zip(steps[::2], steps[1::2], strict=True)
    ]
    ranges.sort()
    parts = plan(name, ranges, now_ms=NOW, source=source)
    covered = []
    for part in parts:
        if covered and covered[-1][1] + 1 == part.first:
            covered[-1] = (covered[-1][0], part.last)
        else:
            covered.append((part.first, part.last))

    assert ranges == covered
    assert all(one.last < other.first for one, other in pairwise(parts))
    assert all(
        part.file is None or part.file.first <= part.first <= part.last <= part.file.last for part in parts
    )
