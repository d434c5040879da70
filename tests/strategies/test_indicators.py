"""Crossings and comparisons that are not fooled by ties, noise or missing values."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import talib
from hypothesis import given
from hypothesis import strategies as st

from strategies.indicators import above, crossings, sides

PRICE = 100.0


def _sides(first, second):
    """Call crossings on lists and give the positions of both kinds."""
    a, b = np.array(first, dtype=float), np.array(second, dtype=float)
    up, down = crossings(a, b, price=np.full(len(a), PRICE))
    return np.flatnonzero(up).tolist(), np.flatnonzero(down).tolist()


def test_a_change_of_side_is_a_crossing():
    """Up where first comes to lie above, down where it comes to lie below."""
    assert ([2], [4]) == _sides([1, 1, 3, 3, 1], [2, 2, 2, 2, 2])


def test_curves_that_touch_and_part_on_the_same_side_have_not_crossed():
    """A tie is no side of its own."""
    assert ([], []) == _sides([1, 2, 2, 1], [2, 2, 2, 2])


def test_curves_that_touch_for_some_bars_cross_where_they_part():
    """The crossing is at the first bar of the new side."""
    assert ([3], []) == _sides([1, 2, 2, 3], [2, 2, 2, 2])


def test_the_first_known_side_is_no_crossing():
    """Before it there is NaN or a tie, which is no side to come from."""
    assert ([], [4]) == _sides([np.nan, np.nan, 3, 3, 1], [2, 2, 2, 2, 2])
    assert ([], []) == _sides([2, 2, 3], [2, 2, 2])


def test_nothing_and_one_bar_cross_nothing():
    """Empty curves give empty answers."""
    assert ([], []) == _sides([], [])
    assert ([], []) == _sides([1], [2])


def test_noise_below_the_rounding_of_the_highest_price_is_a_tie():
    """The scale is the highest price so far, because running sums carry its noise on."""
    price = np.array([1000.0, 1.0, 1.0])
    second = np.array([1000.0, 1.0, 1.0])

    assert [False, False, True] == above(second + np.array([0, 9e-10, 2e-9]), second, price=price).tolist()


def test_averages_of_a_flat_price_do_not_cross_after_a_long_walk():
    """TA-Lib's running sums leave averages of the same price apart by rounding noise, on changing sides."""
    walk = 50_000 * np.exp(np.cumsum(np.random.default_rng(4).normal(0, 0.002, 50_000)))
    close = np.concatenate([walk, np.full(2_000, 30_000.1)])
    fast, slow = talib.SMA(close, 10), talib.SMA(close, 200)
    up, down = crossings(fast, slow, price=close)

    assert np.any(fast[-1000:] != slow[-1000:])
    assert not np.any((up | down)[-1700:])


@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), max_size=60))
def test_crossings_agree_with_a_plain_walk_through_the_bars(pairs):
    """The vector form remembers the last side just as a loop does."""
    side, up, down = 0, [], []
    for bar, (a, b) in enumerate(pairs):
        now = (a > b) - (a < b)
        if now and side == -now:
            (up if now > 0 else down).append(bar)
        side = now or side

    assert (up, down) == _sides([a for a, _ in pairs], [b for _, b in pairs])


def test_crossings_agree_with_backtraders_crossover(walk, by_backtrader):
    """On prices without ties the definition is that of bt.indicators.CrossOver."""
    bars = walk(seed=21, n=500)

    def build(data):
        return {"cross": bt.ind.CrossOver(bt.talib.SMA(data, timeperiod=5), bt.talib.SMA(data, timeperiod=12))}

    theirs = by_backtrader(bars, build)["cross"]
    up, down = crossings(talib.SMA(bars.close, 5), talib.SMA(bars.close, 12), price=bars.close)

    assert up.sum() > 20
    np.testing.assert_array_equal(theirs == 1, up)
    np.testing.assert_array_equal(theirs == -1, down)


@given(st.lists(st.tuples(*[st.sampled_from([np.nan, 1.0, 1.0 + 1e-11, 2.0, 3.0])] * 2), max_size=20))
def test_both_sides_are_told_as_each_alone(pairs):
    """NaN, ties and noise are on neither."""
    first, second = np.array(pairs, dtype=float).reshape(-1, 2).T
    price = np.full(len(pairs), PRICE)
    up, down = sides(first, second, price=price)

    assert above(first, second, price=price).tolist() == up.tolist()
    assert above(second, first, price=price).tolist() == down.tolist()
