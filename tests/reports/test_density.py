"""Thinning keeps what the eye would see."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bt_run.reports.density import column_ranges, envelope

_VALUES = st.lists(
    st.one_of(st.floats(-1e9, 1e9), st.sampled_from([float("nan"), float("inf"), float("-inf")])), max_size=300
).map(lambda values: np.array(values, dtype=np.float64))
_FINITE = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300).map(np.array)


@given(values=_VALUES, columns=st.integers(1, 40))
def test_extremes_and_ends_survive(values, columns):
    """The first, the last, the lowest and the highest finite value are among the kept ones."""
    kept = envelope(values, columns)

    shown, finite = values[kept], values[np.isfinite(values)]
    if len(values):
        assert [0, len(values) - 1] == [kept[0], kept[-1]]
    if len(finite):
        shown = shown[np.isfinite(shown)]

        assert (finite.min(), finite.max()) == (shown.min(), shown.max())


@given(values=_VALUES, columns=st.integers(1, 40))
def test_kept_positions_rise_and_are_few(values, columns):
    """Positions are strictly increasing, inside the array, and at most four a column."""
    kept = envelope(values, columns)

    assert np.all(np.diff(kept) > 0)
    assert len(kept) <= 4 * columns
    assert np.all((kept >= 0) & (kept < len(values)))


@given(values=_FINITE, columns=st.integers(1, 40))
def test_extremes_of_each_column_survive(values, columns):
    """Each column of a thinned curve still reaches from its lowest to its highest value."""
    kept = set(envelope(values, columns).tolist())

    width = -(-len(values) // columns)
    for start in range(0, len(values), width):
        part = values[start : start + width]
        shown = [values[place] for place in range(start, start + len(part)) if place in kept]

        assert (part.min(), part.max()) == (min(shown), max(shown))


def test_short_curves_are_left_as_they_are():
    """A curve that fits keeps every position."""
    assert list(range(12)) == envelope(np.zeros(12), 3).tolist()


def test_a_hole_as_long_as_a_column_stays_a_hole():
    """NaN over a whole column is kept as NaN, so that the line breaks there."""
    values = np.concatenate((np.ones(50), np.full(50, np.nan), np.ones(50)))

    kept = envelope(values, 6)

    assert np.isnan(values[kept][(kept >= 50) & (kept < 100)]).all()


@given(low=_FINITE, columns=st.integers(1, 40))
def test_ranges_hold_all_values(low, columns):
    """Ranges reach from the least low to the greatest high, with the mean between them."""
    high = low + 1.0

    found = column_ranges(low, high, columns)

    assert (low.min(), high.max()) == (found.low.min(), found.high.max())
    assert len(found.low) <= columns
    slack = 1e-6 * (1.0 + np.abs(low).max())
    assert np.all((found.low - slack <= found.mean) & (found.mean <= found.high + slack))
    assert np.all(np.diff(found.middle) > 0)


def test_ranges_skip_what_is_not_a_number():
    """NaN counts nowhere; a column of NaN alone gives NaN."""
    values = np.array([1.0, np.nan, 3.0, np.nan, np.nan, np.nan])

    found = column_ranges(values, values, 2)

    np.testing.assert_array_equal([1.0, np.nan], found.low)
    np.testing.assert_array_equal([2.0, np.nan], found.mean)
    np.testing.assert_array_equal([3.0, np.nan], found.high)
