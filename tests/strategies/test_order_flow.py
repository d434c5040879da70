"""Thresholds, confirmation, cool-down, and what is done without liquidations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.market import Bars
from bt_run.core.order_flow import OrderFlow as Flow
from strategies.order_flow import OrderFlow
from strategies.rolling import median_before

QUIET = {"window": 4, "volume_ratio": 0.0, "difference_ratio": 0.0, "cool_down": 0, "hold": 0}


def _bars(difference, *, volume=10.0, close=None, longs=None, shorts=None):
    """Build bars of `volume` with this difference of false and true volume, and with flow where it is given."""
    count = len(difference)
    total = np.broadcast_to(np.asarray(volume, dtype=np.float64), count)
    bought = (total + np.asarray(difference, dtype=np.float64)) / 2
    price = np.ones(count) if close is None else np.asarray(close, dtype=np.float64)
    bars = Bars.of(
        60_000 * np.arange(count), open=price, high=price, low=price, close=price, volume=total,
        taker_buy_volume=bought,
    )  # fmt: skip
    if longs is None:
        return bars
    return bars.with_flow(
        Flow.of(
            count,
            true_volume=total - bought,
            false_volume=bought,
            long_liquidation_volume=longs,
            short_liquidation_volume=shorts,
        )
    )


def _entries(bars, **params):
    found = OrderFlow.compute(bars, **{**QUIET, **params})
    return np.flatnonzero(found.long_entry).tolist(), np.flatnonzero(found.short_entry).tolist()


def test_absolute_thresholds_of_difference_and_volume():
    """Both must be reached; the sign of the difference is the side."""
    bars = _bars([0, 3, -3, 5, 5], volume=[10, 10, 10, 10, 4])

    assert ([1, 3, 4], [2]) == _entries(bars)
    assert ([3, 4], []) == _entries(bars, difference_min=4.0)
    assert ([1, 3], [2]) == _entries(bars, volume_min=5.0)


def test_relative_thresholds_compare_with_the_bars_before():
    """The bar itself is no part of its median, and nothing is said before the window is full."""
    bars = _bars([1, -1, 1, -1, 2.9, 3.0, -6])

    assert ([5], [6]) == _entries(bars, difference_ratio=3.0, window=4)


def test_momentum_follows_liquidated_shorts_and_reversal_liquidated_longs():
    """Bars without enough of them trigger nothing."""
    bars = _bars([1, 1, -1, -1], longs=[0, 5, 5, 0], shorts=[5, 0, 0, 5])

    assert ([0], [2]) == _entries(bars, liquidation_min=5.0)
    assert ([1], [3]) == _entries(bars, liquidation_min=5.0, liquidations="reversal")
    assert ([], []) == _entries(bars, liquidation_min=6.0)


def test_a_multiple_of_liquidations_counts_bars_that_had_some():
    """Quiet bars do not pull the median to nothing."""
    bars = _bars([1] * 6, longs=[0] * 6, shorts=[0, 2, 0, 0, 3, 4])

    assert ([5], []) == _entries(bars, liquidation_ratio=1.6, window=4)


def test_unknown_liquidations_leave_their_threshold_out():
    """On bars in which nobody listened, volume alone decides."""
    unknown = [np.nan, 0.0, np.nan]
    bars = _bars([1, 1, -1], longs=unknown, shorts=unknown)

    assert ([0], [2]) == _entries(bars, liquidation_min=5.0)
    assert ([0, 1], [2]) == _entries(_bars([1, 1, -1]), liquidation_min=5.0)


def test_a_trigger_waits_until_the_price_confirms_it():
    """Every close since must lie beyond the trigger's own."""
    bars = _bars([1, 0, 0, -1, 0, 0], close=[10, 11, 12, 12, 11, 13])

    assert ([2], []) == _entries(bars, confirm=2)
    assert ([1], [4]) == _entries(bars, confirm=1)


def test_a_side_cools_down_after_its_signal():
    """The other side does not wait for it."""
    bars = _bars([1, 1, -1, 1, 1, 1])

    assert ([0, 3], [2]) == _entries(bars, cool_down=2)


def test_a_position_ends_after_its_time_or_with_the_other_side():
    """`hold` 0 waits for the other side."""
    bars = _bars([1, 0, 0, 0, -1, 0])
    held = OrderFlow.compute(bars, **{**QUIET, "hold": 2})
    open_end = OrderFlow.compute(bars, **QUIET)

    assert [2, 4] == np.flatnonzero(held.long_exit).tolist()
    assert [4] == np.flatnonzero(open_end.long_exit).tolist()
    assert [0] == np.flatnonzero(open_end.short_exit).tolist()


@pytest.mark.parametrize(
    ("bars", "said"),
    [
        (_bars([1.0]), "uses taker buy volume alone"),
        (Bars.of([0], volume=[1.0]), "gives no signal"),
        (_bars([1.0], longs=[np.nan], shorts=[np.nan]), "uses taker buy volume alone"),
        (_bars([1.0, 1.0], longs=[np.nan, 0], shorts=[np.nan, 0]), "knows liquidations of 1 of 2 bars"),
        (_bars([1.0], longs=[0], shorts=[0]), "at most one liquidation a second"),
        (Bars.of([]), None),
    ],
)
def test_it_says_what_it_has_to_do_without(bars, said):
    """Whoever reads the signals must know what they were made of."""
    remark = OrderFlow.remark(bars, OrderFlow.check_params({}))

    assert (remark is None) if said is None else said in remark


def test_signals_of_a_prefix_of_flow_are_the_prefix_of_the_signals():
    """No look-ahead with liquidations, unknown ones among them."""
    draw = np.random.default_rng(4)
    shorts = np.where(draw.random(150) < 0.3, np.nan, draw.exponential(2.0, 150) * (draw.random(150) < 0.5))
    bars = _bars(
        draw.normal(0, 2, 150), close=100 + np.cumsum(draw.normal(0, 1, 150)), longs=shorts[::-1], shorts=shorts
    )
    params = {"window": 20, "liquidation_ratio": 0.8, "confirm": 1, "difference_ratio": 0.5}
    whole = dict(OrderFlow.compute(bars, **params).arrays())

    assert whole["long_entry"].any()
    assert whole["short_entry"].any()
    for cut in range(0, 150, 7):
        for name, array in OrderFlow.compute(bars[:cut], **params).arrays():
            np.testing.assert_array_equal(whole[name][:cut], array, err_msg=name)


@given(st.lists(st.one_of(st.floats(-10, 10), st.just(np.nan)), max_size=60), st.integers(1, 12))
def test_a_rolling_median_is_the_median_of_what_is_known(values, window):
    """Compared with numpy's, bar by bar."""
    array = np.array(values, dtype=np.float64)
    found = median_before(array, window, least=1)
    for place in range(len(array)):
        known = array[max(place - window, 0) : place]
        known = known[~np.isnan(known)]
        if place < window or not len(known):
            assert np.isnan(found[place])
        else:
            assert found[place] == pytest.approx(np.median(known))
