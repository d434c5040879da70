"""Order flow travels with its bars."""

from __future__ import annotations

import numpy as np
import pytest

from bt_run.core.market import Bars
from bt_run.core.order_flow import FLOW_COLUMNS, OrderFlow


def test_what_is_not_given_is_unknown_and_the_difference_is_buyers_less_sellers():
    """False volume was bought aggressively, true volume sold."""
    flow = OrderFlow.of(3, true_volume=[1.0, 5.0, np.nan], false_volume=[4.0, 2.0, np.nan])

    assert [3.0, -3.0] == flow.difference[:2].tolist()
    assert [3.0, 0.0, 0.0] == flow.cumulative_difference.tolist()
    assert np.isnan(flow.largest_liquidation).all()
    assert not flow.knows_liquidations.any()


def test_a_slice_of_bars_takes_its_flow_along():
    """Views of the same rows."""
    bars = Bars.of([0, 1, 2], close=[1.0, 2.0, 3.0])
    flow = OrderFlow.of(3, **{name: [1.0, 2.0, 3.0] for name in FLOW_COLUMNS})
    part = bars.with_flow(flow)[1:]

    assert part.flow is not None
    assert all(getattr(part.flow, name).tolist() == [2.0, 3.0] for name in FLOW_COLUMNS)
    assert bars[1:].flow is None


def test_flow_of_other_bars_is_refused():
    """One value a bar, no less."""
    with pytest.raises(ValueError, match="order flow of 2 bars does not fit 1 bars"):
        Bars.of([0], close=[1.0]).with_flow(OrderFlow.of(2))
