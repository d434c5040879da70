"""Where data is cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bt_run.run.strategy_check.cuts import choose_cuts, choose_starts


@given(bars=st.integers(0, 500), places=st.sets(st.integers(0, 499)), most=st.integers(4, 64))
def test_cuts_are_prefixes_that_leave_something_out(bars, places, most):
    """Ascending, within 1..n-1, without doubles, and no more than about as many as wanted."""
    decisive = np.array(sorted(place for place in places if place < bars), dtype=np.intp)
    cuts = choose_cuts(decisive, bars, most=most)

    assert sorted(set(cuts)) == cuts
    assert all(1 <= cut < bars for cut in cuts)
    assert len(cuts) <= most + 2
    assert bars < 2 or cuts[-1] == bars - 1


def test_a_single_decision_is_cut_on_both_sides():
    """The bar that decides is the last of one prefix and the first that is missing in another."""
    cuts = choose_cuts(np.array([57]), 100, most=8)

    assert {57, 58} <= set(cuts)


@given(bars=st.integers(0, 500))
def test_starts_leave_half_of_the_data(bars):
    """Later starts lie in the first half."""
    starts = choose_starts(bars, most=12)

    assert sorted(set(starts)) == starts
    assert all(0 < start <= max(1, bars // 2) for start in starts)
