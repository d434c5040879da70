"""Ranges that were asked for and answered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import DataError
from bt_run.core.interval import Interval
from feeds.storage.coverage import Coverage, Span, from_json, holds_bar, spans_of_bars, to_json

SECOND = Interval(1, "s")
HOUR = Interval(1, "h")
H = 3_600_000


def test_nothing_is_covered_at_first():
    """The whole range is missing."""
    assert [(0, 10 * H)] == Coverage().missing(0, 10 * H, HOUR)


def test_what_lies_between_two_pages_of_rest_is_no_hole():
    """A page that ends with its last open time and the next that begins an hour later leave nothing out."""
    covered = Coverage().adding([Span(0, 3 * H, "rest")], HOUR).adding([Span(4 * H, 6 * H, "rest")], HOUR)

    assert (Span(0, 6 * H, "rest"),) == covered.spans
    assert [] == covered.missing(0, 7 * H - 1, HOUR)
    assert [(6 * H + 1, 7 * H)] == covered.missing(0, 7 * H, HOUR)


def test_the_newer_source_counts():
    """Asking again over REST what came from the archive says REST."""
    covered = Coverage().adding([Span(0, 9 * H, "bulk")], HOUR).adding([Span(3 * H, 4 * H, "rest")], HOUR)

    assert [("bulk", 0), ("rest", 3 * H), ("bulk", 4 * H + 1)] == [(s.source, s.first) for s in covered.spans]
    assert [] == covered.missing(0, 9 * H, HOUR)


def test_a_month_is_as_long_as_it_is():
    """Bars open on the first: February's hole is a hole, the rest of January is none."""
    january, february, march = (
        int(np.datetime64(f"2024-0{number}", "ms").astype(np.int64)) for number in (1, 2, 3)
    )
    month = Interval(1, "M")

    assert not holds_bar(january + 1, february - 1, month)
    assert holds_bar(january + 1, february, month)
    assert [Span(january, january), Span(march, march)] == spans_of_bars(np.array([january, march]), month)
    assert [Span(january, march)] == spans_of_bars(np.array([january, february, march]), month)


RANGES = st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "forget"]), st.lists(RANGES, min_size=1, max_size=4)), max_size=8
)


@given(STEPS, st.sampled_from([1, 4]))
def test_coverage_is_a_set_of_moments(steps: list[tuple[str, list[tuple[int, int]]]], length: int):
    """Adding and forgetting ranges does what it does to a set, and the spans stay in order and apart."""
    interval = Interval(length, "s")
    grid = [n * 1000 for n in range(0, 80, length)]
    coverage, model = Coverage(), set()
    for step, ranges in steps:
        scaled = [(first * 1000, last * 1000 + 999) for first, last in ranges]
        inside = {time for time in grid if any(first <= time <= last for first, last in scaled)}
        if step == "add":
            coverage = coverage.adding([Span(*scaled[0])], interval)
            model |= {time for time in inside if scaled[0][0] <= time <= scaled[0][1]}
        else:
            coverage = coverage.without(scaled)
            model -= inside
    missing = coverage.missing(0, grid[-1], interval)

    assert [time for time in grid if time not in model] == [
        time for time in grid if any(first <= time <= last for first, last in missing)
    ]
    assert all(span.first <= span.last for span in coverage.spans)
    assert all(a.last < b.first for a, b in zip(coverage.spans, coverage.spans[1:], strict=False))
    assert coverage == from_json(to_json(coverage))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 1}',
        '{"version": 1, "covered": [[5, 6, ""], [1, 2, ""]], "bars": {}}',
    ],
)
def test_a_damaged_coverage_covers_nothing(text: str):
    """The bars stay; what was asked is not known any more, so it is asked again."""
    assert Coverage() == from_json(text)


def test_a_newer_store_is_not_touched():
    """An old bt-run must not overwrite what it does not understand."""
    with pytest.raises(DataError, match="Update bt-run"):
        from_json('{"version": 2, "covered": [], "bars": {}}')


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_runs_of_bars_are_found(count: int):
    """Every second bar missing gives a span for each that is there."""
    times = np.arange(count, dtype=np.int64) * 2000

    assert count == len(spans_of_bars(times, SECOND))
    assert min(count, 1) == len(spans_of_bars(times // 2, SECOND))
