"""How data is cut into windows."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bt_run.core.errors import ConfigError
from bt_run.run.walk_forward.windows import cut_windows, parse_span

DAY_MS = 86_400_000


def spans(windows):
    """Give windows as plain numbers."""
    return [(each.train, each.test, each.end) for each in windows]


def test_rolling_windows_train_on_as_much_each(data_of):
    """400 days, 200 to train, 60 to test: three whole tests and one of twenty days."""
    found = cut_windows(data_of(400), train_ms=200 * DAY_MS, test_ms=60 * DAY_MS, anchored=False)

    assert [(0, 200, 260), (60, 260, 320), (120, 320, 380), (180, 380, 400)] == spans(found)
    assert [1, 2, 3, 4] == [each.number for each in found]


def test_anchored_windows_train_from_the_first_bar(data_of):
    """The same tests, ever longer training."""
    found = cut_windows(data_of(400), train_ms=200 * DAY_MS, test_ms=60 * DAY_MS, anchored=True)

    assert [(0, 200, 260), (0, 260, 320), (0, 320, 380), (0, 380, 400)] == spans(found)


def test_an_outage_shifts_no_window(data_of):
    """Windows go by the clock: thirty days that are missing make one test shorter, and the next ones stay."""
    data = data_of(400, without=slice(270, 300))
    found = cut_windows(data, train_ms=200 * DAY_MS, test_ms=60 * DAY_MS, anchored=False)

    assert [(0, 200, 260), (60, 260, 290), (120, 290, 350), (180 - 0, 350, 370)] == spans(found)


def test_a_stretch_without_bars_gives_no_window(data_of):
    """A test of nothing is left out; numbers stay in a row."""
    data = data_of(400, without=slice(255, 325))
    found = cut_windows(data, train_ms=200 * DAY_MS, test_ms=60 * DAY_MS, anchored=False)

    assert [1, 2, 3] == [each.number for each in found]
    assert all(each.end > each.test for each in found)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bars=st.integers(10, 400),
    train=st.integers(2, 200),
    test=st.integers(2, 100),
    anchored=st.booleans(),
)
def test_tests_cover_all_that_follows_the_first_training(data_of, bars, train, test, anchored):
    """No gap and no overlap, no training bar in its own test, and nothing after the test is trained on."""
    data = data_of(bars)
    try:
        found = cut_windows(data, train_ms=train * DAY_MS, test_ms=test * DAY_MS, anchored=anchored)
    except ConfigError:
        assert bars <= train
        return

    assert found[0].test == train
    assert found[-1].end == bars
    assert all(a.end == b.test for a, b in pairwise(found))
    assert all(0 <= each.train < each.test < each.end for each in found)
    assert anchored or all(each.test - each.train == train for each in found)


def test_too_little_data_says_how_much_there_is(data_of):
    """The error names both spans."""
    with pytest.raises(ConfigError, match=r"holds 100 days.*train on 365 days"):
        cut_windows(data_of(100), train_ms=365 * DAY_MS, test_ms=90 * DAY_MS, anchored=False)


def test_a_window_shorter_than_two_bars_is_refused(data_of):
    """Nothing can be traded on a bar."""
    with pytest.raises(ConfigError, match="--test is shorter than two bars"):
        cut_windows(data_of(100), train_ms=50 * DAY_MS, test_ms=DAY_MS, anchored=False)


@pytest.mark.parametrize(
    ("text", "span"), [("365d", 365 * DAY_MS), ("2w", 14 * DAY_MS), ("36h", 36 * 3_600_000)]
)
def test_spans_are_read(text, span):
    """A number and a unit."""
    assert span == parse_span(text)


@pytest.mark.parametrize("text", ["", "1M", "year", "-5d", "0d"])
def test_a_span_that_is_none_is_refused(text):
    """Months have no length of their own."""
    with pytest.raises(ConfigError, match="is not a span"):
        parse_span(text)
