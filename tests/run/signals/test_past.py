"""How signals did before is what a backtest says, and nothing of the future."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bt_run.core.market import BarFile, Bars
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from bt_run.run.backtest import run_backtest
from bt_run.run.signals.decisions import Decision
from bt_run.run.signals.past import past_of
from strategies.loader import load_strategy


def _bars(closes):
    close = np.array(closes, dtype=np.float64)
    return Bars.of(np.arange(len(close)) * 60_000, open=close, high=close, low=close, close=close)


def test_moves_are_measured_from_the_signal_in_its_direction():
    """A short gains where the price falls; a horizon that has not passed is no case."""
    bars = _bars([100, 110, 121, 100, 90, 81, 100])
    decisions = [Decision(0, "long entry"), Decision(2, "long exit"), Decision(3, "short entry")]
    long = past_of("long entry", decisions, bars, fee=0.0)
    short = past_of("short entry", decisions, bars, fee=0.0)

    assert (1, [(1, 1, 10.0), (5, 1, -19.0), (20, 0, None)]) == (
        long.cases,
        [(m.bars, m.cases, m.median_pct and round(m.median_pct, 9)) for m in long.moves],
    )
    assert [(1, 1), (5, 0), (20, 0)] == [(m.bars, m.gained) for m in short.moves]
    assert abs(short.moves[0].median_pct - 10.0) < 1e-9
    assert (0, None) == (short.trips, short.winners_pct)


def test_round_trips_and_winners_equal_those_of_a_backtest(daily, reader):
    """Fees included, for a strategy that goes both ways."""
    loaded = load_strategy("macd")
    settings = BacktestSettings(
        cash=1e7, stake=Stake.parse("0.01"), allow_short=True, commission=0.001
    )  # nobody is ruined
    data = BarFile(Path("x"), "BTCUSDT", daily.interval, daily.bars, "")
    trades = run_backtest(loaded, data, settings).trades
    decisions = reader(loaded, allow_short=True).read(daily.bars).decisions

    for kind in ("long entry", "short entry"):
        mine = [trade for trade in trades if kind.startswith(trade.side)]
        past = past_of(kind, decisions, daily.bars, fee=0.001)
        assert len(mine) == past.trips
        assert sum(trade.pnl > 0 for trade in mine) == past.winners
        assert abs(np.median([trade.pnl_pct for trade in mine]) - past.median_trip_pct) < 0.02
