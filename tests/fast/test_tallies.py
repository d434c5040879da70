"""The sums of a run are numpy's, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_run.core.run_sums import RunSums
from bt_run.fast.compiled import compiled
from bt_run.fast.tallies import pairwise_sum, tally_returns, tally_trades
from bt_run.reports.swept_metrics import tally_of

LENGTHS = st.integers(0, 40) | st.sampled_from([64, 70, 127, 128, 129, 136, 255, 256, 257, 400, 1000, 3001])


def spread_out(seed, count):
    """Floats of all sizes, so that another order of adding gives another sum."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=count) * 10.0 ** rng.uniform(-6.0, 6.0, size=count)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=LENGTHS)
def test_sums_are_added_up_in_the_order_of_numpy(seed, count):
    """In eight columns, and in halves above 128, however many there are."""
    values = spread_out(seed, count)

    assert float(np.add.reduce(values)) == pairwise_sum(values, count)


@pytest.mark.slow
def test_machine_code_adds_up_in_the_same_order():
    """No compiler may change the order of floats."""
    add = compiled(pairwise_sum)
    for count in (0, 1, 7, 8, 9, 70, 128, 129, 300, 1440, 100_003):
        values = spread_out(count, count)

        assert float(np.add.reduce(values)) == add(values, count)


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    days=st.integers(1, 30) | st.sampled_from([129, 365]),
    trades=LENGTHS,
    is_ruined=st.booleans(),
)
def test_a_tally_equals_that_of_numpy(seed, days, trades, is_ruined):
    """Of the returns, none where the account was ruined, and of the trades, which may earn nothing."""
    rng = np.random.default_rng(seed)
    closes = 10_000.0 * np.exp(np.cumsum(rng.normal(0.0, 0.05, days)))
    closes[rng.integers(days)] *= -1.0 if is_ruined else 1.0
    rows = np.zeros((trades, 6))
    rows[:, 2] = spread_out(seed, trades) * rng.choice([0.0, 1.0, 1.0], trades)
    sums = RunSums(closes, rows, final=1.0, highest=1.0, fall=0.0, held=0, open_fee=0.0)
    expected = tally_of(sums, start=10_000.0)
    returns = np.empty(days)
    count, *found = tally_returns(10_000.0, closes, returns)

    assert expected.returns.tolist() == returns[:count].tolist()
    assert [*expected[1:]] == [*found, *tally_trades(rows, 0, trades)]


def test_the_trades_of_others_do_not_count():
    """The trades of several runs lie one after another."""
    rows = np.arange(60.0).reshape(10, 6)

    assert (3, float(rows[4:7, 2].sum()), 0.0) == tally_trades(rows, 4, 7)
