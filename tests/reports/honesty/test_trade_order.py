"""Other orders of the same trades: drawdown and ruin."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bt_run.reports.honesty.trade_order import shuffle_trades, trade_returns


def _fall(returns):
    path = np.cumprod(1 + np.array([0.0, *returns]))
    return float((1 - path / np.maximum.accumulate(path)).max()) * 100


def test_profits_become_shares_of_the_account_before_them():
    """By hand: 100, then +10, -22, +44."""
    np.testing.assert_allclose(trade_returns(np.array([10.0, -22.0, 44.0]), cash=100.0), [0.1, -0.2, 0.5])


def test_a_ruined_account_has_no_shares():
    """What was lost whole cannot be lost again."""
    assert 0 == len(trade_returns(np.array([5.0, -105.0, 1.0]), cash=100.0))


def test_the_drawdowns_are_those_of_all_orders():
    """Of six trades every order is tried by hand; the quantiles agree."""
    returns = np.array([0.1, -0.05, 0.2, -0.15, -0.1, 0.05])
    falls = [_fall(order) for order in itertools.permutations(returns)]
    found = shuffle_trades(returns, draws=20_000)

    assert pytest.approx(_fall(returns)) == found.drawdown_pct
    assert pytest.approx(np.quantile(falls, 0.5), abs=0.5) == found.median_drawdown_pct
    assert pytest.approx(np.quantile(falls, 0.95), abs=0.5) == found.bad_drawdown_pct


def test_the_risk_of_ruin_is_the_gamblers():
    """
    Double or halve with even odds, ruin at a quarter, twelve trades: by counting all paths.

    Resampling draws from the trades given, half of which win.
    """
    returns = np.array([1.0, -0.5] * 6)
    paths = np.array(list(itertools.product([1, -1], repeat=12))).cumsum(axis=1)
    ruined = float(np.mean(paths.min(axis=1) <= -2))

    assert (
        pytest.approx(ruined, abs=0.01) == shuffle_trades(returns, draws=20_000, ruin_pct=75.0).ruin_probability
    )


def test_winners_alone_never_ruin_nor_fall():
    """Without a loss there is nothing to shuffle into a drawdown."""
    found = shuffle_trades(np.full(10, 0.02))

    assert (0.0, 0.0, 0.0) == (found.drawdown_pct, found.bad_drawdown_pct, found.ruin_probability)


def test_the_same_seed_gives_the_same_numbers():
    """A report made twice is the same report."""
    returns = np.random.default_rng(3).normal(0.0, 0.1, 40)

    assert shuffle_trades(returns, seed=4) == shuffle_trades(returns, seed=4)
    assert shuffle_trades(returns, seed=4) != shuffle_trades(returns, seed=5)


def test_pieces_are_drawn_as_the_whole(monkeypatch):
    """Many trades are drawn in pieces; as many orders come out, near the same quantiles."""
    from bt_run.reports.honesty import trade_order

    returns = np.random.default_rng(3).normal(0.0, 0.1, 40)
    whole = shuffle_trades(returns, draws=3000)
    monkeypatch.setattr(trade_order, "_AT_ONCE", 4_000)
    pieces = shuffle_trades(returns, draws=3000)

    assert pytest.approx(whole.median_drawdown_pct, rel=0.05) == pieces.median_drawdown_pct
    assert 3000 == pieces.draws


def test_four_trades_are_too_few():
    """Undefined, not a number made of nothing."""
    assert shuffle_trades(np.array([0.1, -0.1, 0.1, -0.1])) is None
