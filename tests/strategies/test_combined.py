"""Combined against its three parts, computed by Backtrader."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest

from bt_run.core.errors import ParamError
from strategies.combined import Combined


@pytest.fixture(scope="module")
def opinions(walk, by_backtrader):
    """Give bars and what each part says of them, +1 up and -1 down, NaN while any of them warms up."""
    bars = walk(seed=81, n=700)

    def build(data):
        macd = bt.talib.MACD(data, fastperiod=12, slowperiod=26, signalperiod=9)
        return {
            "rsi": bt.talib.RSI(data, timeperiod=14) - 50.0,
            "ma": bt.ind.SMA(data, period=10) - bt.ind.SMA(data, period=30),
            "macd": macd.macd - macd.macdsignal,
        }

    return bars, np.sign(list(by_backtrader(bars, build).values()))


@pytest.mark.parametrize("votes", [1, 2, 3])
def test_enough_votes_and_more_than_the_others_decide(opinions, votes):
    """Up votes buy and cover, down votes close and sell short."""
    bars, sides = opinions
    up, down = (sides == 1).sum(axis=0), (sides == -1).sum(axis=0)
    found = Combined.compute(bars, votes=votes)

    assert found.long_entry.sum() > 20
    assert found.long_exit.sum() > 20
    np.testing.assert_array_equal((up >= votes) & (up > down), found.long_entry)
    np.testing.assert_array_equal((down >= votes) & (down > up), found.long_exit)
    np.testing.assert_array_equal(found.long_exit, found.short_entry)
    np.testing.assert_array_equal(found.long_entry, found.short_exit)


def test_more_votes_needed_give_fewer_entries(opinions):
    """Three of three is rarer than two of three."""
    bars, _ = opinions
    entries = [int(Combined.compute(bars, votes=votes).long_entry.sum()) for votes in (1, 2, 3)]

    assert entries[0] >= entries[1] > entries[2]


def test_rsi_abstains_between_its_levels(opinions):
    """With the level at 90 RSI is silent on a walk, and three votes never agree."""
    bars, _ = opinions

    assert not Combined.compute(bars, votes=3, rsi_level=90.0).long_entry.any()


def test_both_pairs_of_averages_must_be_in_order():
    """Each pair is named."""
    with pytest.raises(ParamError, match="fast is 30 and slow is 30"):
        Combined.check_params({"fast": 30})
    with pytest.raises(ParamError, match="macd_fast must be less than macd_slow"):
        Combined.check_params({"macd_slow": 12})
