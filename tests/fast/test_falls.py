"""The deepest fall is that of a look at every bar."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bt_run.fast import falls as walking
from bt_run.fast.falls import BLOCK, Blocks, Falls, blocks_of, deepest_fall, walk
from bt_run.fast.steps import Account, equity_at

CLOSES = {
    "random": lambda rng, count: 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, count))),
    "falling": lambda rng, count: np.linspace(100.0, 10.0, count) + rng.normal(0.0, 0.1, count),
    "flat": lambda rng, count: np.full(count, 100.1),
    "flat but for the last bits": lambda rng, count: 100.1 * (1.0 + 2.2e-16 * rng.integers(-3, 4, count)),
    "far apart": lambda rng, count: 10.0 ** rng.uniform(-8.0, 8.0, count),
}


def looked_at(account, close, first, until, falls):
    """Look at the equity of every bar: the highest, and the deepest fall below the highest so far."""
    highest, deepest = falls.highest, deepest_fall(falls)
    for price in close[first:until]:
        equity = equity_at(account, price)
        highest = max(highest, equity)
        deepest = max(deepest, 1.0 - equity / highest)
    return highest, deepest


def walked(account, close, first, until, falls):
    """Walk over lists, which are quicker than arrays for plain Python."""
    blocks = Blocks(*(np.asarray(column).tolist() for column in blocks_of(close)))
    found = walk(account, close.tolist(), blocks, first, until, falls)
    return found.highest, deepest_fall(found)


@given(
    kind=st.sampled_from(sorted(CLOSES)),
    seed=st.integers(0, 10_000),
    count=st.integers(1, 5 * BLOCK),
    first=st.integers(0, 2 * BLOCK),
    size=st.sampled_from([1e-8, 0.37, 1.0, 1e6]),
    side=st.sampled_from([1.0, -1.0]),
    cash=st.sampled_from([1.0, 5_000.0, 1e12]),
    above=st.sampled_from([0.0, 1e-16, 0.01, 0.5]),
)
def test_blocks_that_are_passed_over_change_no_float(*, kind, seed, count, first, size, side, cash, above):
    """Closes of all kinds, holdings that are all of the account or next to nothing, and falls begun before."""
    close = CLOSES[kind](np.random.default_rng(seed), count)
    price = float(close[0])
    account = Account(cash - side * size * price, side * size, price, 0.0, 0.0)
    start = equity_at(account, price)
    falls = Falls(start + above * abs(start), start - above * abs(start), 0.0)

    assert looked_at(account, close, first, count, falls) == walked(account, close, first, count, falls)


def test_most_bars_of_a_holding_are_not_looked_at(monkeypatch):
    """A fall at the beginning, and a hundred blocks above it, of which the ends alone are asked."""
    asked = []
    monkeypatch.setattr(
        walking, "equity_at", lambda account, close: asked.append(1) or equity_at(account, close)
    )
    close = np.concatenate(([100.0, 50.0], np.full(100 * BLOCK, 75.0)))

    found = walked(Account(0.0, 1.0, 100.0, 0.0, 0.0), close, 0, len(close), Falls(100.0, 100.0, 0.0))

    assert (100.0, 0.5) == found
    assert len(asked) < 2 * 100 + 2 * BLOCK
