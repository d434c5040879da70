"""Sar against Wilder's rules, written out as a loop."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest

from bt_run.core.errors import ParamError
from strategies.sar import Sar


def _wilder_sar(high, low, step, limit):
    """Follow Wilder's rules bar by bar; the first trend is that of the larger directional move."""
    up_move, down_move = high[1] - high[0], low[0] - low[1]
    is_long = not (down_move > up_move and down_move > 0)
    sar, extreme = (low[0], high[1]) if is_long else (high[0], low[1])
    factor, values = step, [np.nan]
    before = (low[1], high[1])
    for i in range(1, len(high)):
        last_low, last_high = before if i == 1 else (low[i - 1], high[i - 1])
        if (is_long and low[i] <= sar) or (not is_long and high[i] >= sar):
            is_long = not is_long
            sar = max(extreme, last_high, high[i]) if not is_long else min(extreme, last_low, low[i])
            values.append(sar)
            factor, extreme = step, (high[i] if is_long else low[i])
        else:
            values.append(sar)
            if (is_long and high[i] > extreme) or (not is_long and low[i] < extreme):
                extreme, factor = (high[i] if is_long else low[i]), min(factor + step, limit)
        sar += factor * (extreme - sar)
        sar = min(sar, last_low, low[i]) if is_long else max(sar, last_high, high[i])
    return np.array(values)


def test_the_side_of_the_close_decides_as_wilders_rules_say(walk):
    """Above the stop is long, below it is short, at every bar from the second."""
    bars = walk(seed=61, n=500)
    found = Sar.compute(bars, acceleration=0.03, maximum=0.3)
    sar = _wilder_sar(bars.high, bars.low, 0.03, 0.3)

    np.testing.assert_allclose(found.overlays["SAR"], sar, rtol=1e-12)
    np.testing.assert_array_equal(bars.close > sar, found.long_entry)
    np.testing.assert_array_equal(bars.close < sar, found.long_exit)
    np.testing.assert_array_equal(found.long_exit, found.short_entry)
    np.testing.assert_array_equal(found.long_entry, found.short_exit)


def test_it_equals_backtraders_talib_indicator(walk, by_backtrader):
    """The curve is bit for bit that of bt.talib.SAR in a backtest."""
    bars = walk(seed=62)
    theirs = by_backtrader(
        bars, lambda data: {"sar": bt.talib.SAR(data.high, data.low, acceleration=0.02, maximum=0.2)}
    )["sar"]

    np.testing.assert_array_equal(theirs, Sar.compute(bars).overlays["SAR"])


def test_with_shorts_allowed_it_is_always_in_the_market(walk, run_plain):
    """Stop and reverse: every fill but the first turns the position round."""
    fills = run_plain(Sar, walk(seed=63), allow_short=True).fills
    holdings = np.cumsum([size for _, size, _ in fills])

    assert len(fills) > 20
    assert {-1, 0, 1} == set(holdings.tolist())
    assert all(fills[i][0] == fills[i + 1][0] for i in range(1, len(fills) - 1, 2))


def test_the_step_must_not_exceed_the_limit():
    """Equal is allowed: the factor is then constant."""
    assert 0.2 == Sar.check_params({"acceleration": 0.2}).maximum
    with pytest.raises(ParamError, match=r"acceleration is 0\.3 and maximum is 0\.2"):
        Sar.check_params({"acceleration": 0.3})
