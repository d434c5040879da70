"""The signals that a person is told are what a backtest orders on the same bars."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from bt_run.run.backtest import run_backtest
from bt_run.run.signals.decisions import FLAT, decide, stance_after
from strategies.base import Signals
from strategies.loader import load_strategy
from strategies.registry import registered_names

_KINDS = {
    (True, True): "long entry",
    (False, True): "long exit",
    (False, False): "short entry",
    (True, False): "short exit",
}


def _orders_of(result):
    """Give (bar of the decision, kind) of every fill, which comes one bar after."""
    found, held = [], 0.0
    for fill in result.fills:
        is_long = held > 1e-9 or (abs(held) <= 1e-9 and fill.size > 0)
        found.append((fill.bar - 1, _KINDS[fill.size > 0, is_long]))
        held = fill.position
    return found


def _told(decisions, bars):
    """Leave out what is decided on the last bar, which no backtest can fill."""
    return [(one.position, one.kind) for one in decisions if one.position < bars - 1]


@pytest.mark.parametrize("allow_short", [False, True])
@pytest.mark.parametrize("name", registered_names())
def test_signals_equal_the_orders_of_a_backtest(daily, reader, name, allow_short):
    """Bar by bar and kind by kind, for every strategy, with shorts and without."""
    loaded = load_strategy(name)
    settings = BacktestSettings(
        cash=1e7, stake=Stake.parse("0.01"), allow_short=allow_short, commission=0.0
    )  # nobody is ruined
    result = run_backtest(loaded, daily, settings)
    reading = reader(loaded, allow_short=allow_short).read(daily.bars)

    assert _orders_of(result) == _told(reading.decisions, len(daily.bars))


def test_a_hand_written_strategy_is_read_by_its_orders(daily, reader, crossing):
    """Its signals are the orders of a backtest, and the one on the last bar is among them."""
    result = run_backtest(crossing, daily, BacktestSettings(commission=0.0))
    decisions = reader(crossing).read(daily.bars).decisions
    cut = daily.bars[: decisions[3].position + 1]

    assert len(result.fills) > 10
    assert _orders_of(result) == _told(decisions, len(daily.bars))
    assert decisions[:4] == reader(crossing).read(cut).decisions


@pytest.mark.parametrize("name", ["combined", "sar"])
def test_bars_that_come_one_by_one_lead_to_the_same_signals(daily, reader, name):
    """What was told once is not told again, and nothing is left out."""
    bars = daily.bars[:400]
    loaded = load_strategy(name)
    whole = reader(loaded, allow_short=True).read(bars).decisions
    growing, told = reader(loaded, allow_short=True), []
    for end in range(250, 401):
        told += growing.read(bars[:end]).decisions

    assert list(whole) == told


_SIDE = st.lists(st.booleans(), min_size=30, max_size=30).map(lambda flags: np.array(flags, dtype=np.bool_))


@given(st.builds(Signals, _SIDE, _SIDE, _SIDE, _SIDE), st.booleans(), st.integers(0, 30))
def test_decisions_alternate_and_can_be_cut_anywhere(found, allow_short, cut):
    """An entry follows nothing held, an exit something; walking in two parts gives the same."""
    whole = decide(found, allow_short=allow_short)
    before = decide(
        replace(found, **{name: side[:cut] for name, side in found.arrays()}), allow_short=allow_short
    )
    stance = stance_after(before[-1]) if before else FLAT
    after = decide(found, allow_short=allow_short, first=cut, stance=stance)
    kinds = [one.kind for one in whole]

    assert whole == before + after
    assert all(one.endswith("entry") != two.endswith("entry") for one, two in pairwise(kinds))
    assert allow_short or not any(kind.startswith("short") for kind in kinds)
