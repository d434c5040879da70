"""What trades say about a strategy, against backtesting.py and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bt_run.reports import trade_stats

WAVE = 100.0 * np.sin(2.3 * np.arange(60)) + 10.0


def test_values_agree_with_backtesting_py():
    """compute_stats of backtesting.py 0.6.6 on sixty trades; its SQN divides by k - 1."""
    pct = WAVE / 20.0

    assert pytest.approx(0.53333333333333) == trade_stats.win_rate(WAVE)
    assert pytest.approx(1.3796553596019134) == trade_stats.profit_factor(WAVE)
    assert pytest.approx(0.5099935465948408) == trade_stats.expectancy(pct)
    assert pytest.approx(0.44801446894349173) == trade_stats.geometric_mean_pct(pct)
    assert pytest.approx(1.1103133073821618 * (60 / 59) ** 0.5) == trade_stats.sqn(WAVE)
    assert pytest.approx(0.14676336162154163) == trade_stats.kelly(WAVE)


def test_two_wins_of_three_and_one_loss_of_one():
    """By hand: won 6, lost 1, mean win 3, so Kelly is 2/3 - (1/3) / 3."""
    results = np.array([3.0, -1.0, 3.0])

    assert pytest.approx(6.0) == trade_stats.profit_factor(results)
    assert pytest.approx(2 / 3 - 1 / 9) == trade_stats.kelly(results)


def test_sqn_divides_by_the_number_of_trades():
    """By hand: mean 1, population deviation 2, two trades."""
    assert pytest.approx(2**0.5 / 2) == trade_stats.sqn(np.array([3.0, -1.0]))


def test_a_trade_that_earns_nothing_is_not_won():
    """Break-even counts against the win rate, and neither as gross profit nor as gross loss."""
    assert 0.5 == trade_stats.win_rate(np.array([0.0, 1.0]))
    assert trade_stats.profit_factor(np.array([0.0, 1.0])) is None


def test_only_losses_give_a_profit_factor_of_zero():
    """Nothing was won: that is a number."""
    assert 0.0 == trade_stats.profit_factor(np.array([-1.0, -2.0]))


@pytest.mark.parametrize(
    "undefined",
    [
        trade_stats.win_rate(np.empty(0)),
        trade_stats.expectancy(np.empty(0)),
        trade_stats.profit_factor(np.empty(0)),
        trade_stats.profit_factor(np.array([1.0, 2.0])),
        trade_stats.geometric_mean_pct(np.empty(0)),
        trade_stats.geometric_mean_pct(np.array([5.0, -100.0])),
        trade_stats.sqn(np.array([1.0])),
        trade_stats.sqn(np.array([0.1, 0.1, 0.1])),
        trade_stats.kelly(np.array([1.0, 2.0])),
        trade_stats.kelly(np.array([-1.0, -2.0])),
        trade_stats.kelly(np.empty(0)),
    ],
)
def test_what_is_undefined_is_none(undefined):
    """No trades, no loser, no variation: no number."""
    assert undefined is None
