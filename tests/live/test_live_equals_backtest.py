"""On the practice exchange each strategy trades as in a backtest: bars, sides, sizes and prices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bt_run.core.money import Stake
from bt_run.core.results import RunResult
from bt_run.practice.market.data_file import MarketRequest

NAME = "btc_1d.csv"
SHIPPED = ("bollinger", "combined", "ma_cross", "macd", "rsi", "sar")


def assert_equal(live: RunResult, tested: RunResult) -> None:
    """Compare what must be equal to the last digit, and fees and equity as far as the exchange rounds."""

    def fills(result: RunResult) -> list[tuple[Any, ...]]:
        return [(fill.bar, fill.size, fill.price) for fill in result.fills]

    def trades(result: RunResult) -> list[tuple[Any, ...]]:
        return [
            (trade.entry_bar, trade.exit_bar, trade.side, trade.size, trade.entry_price, trade.exit_price)
            for trade in result.trades
        ]

    assert np.array_equal(live.data.bars.open_time, tested.data.bars.open_time)
    assert np.array_equal(live.data.bars.close, tested.data.bars.close)
    assert fills(live) == fills(tested)
    assert trades(live) == trades(tested)
    assert np.allclose(live.curve.equity, tested.curve.equity, rtol=1e-10)
    assert np.array_equal(live.curve.position, tested.curve.position)
    assert live.metrics["fees_paid"] == pytest.approx(tested.metrics["fees_paid"], abs=1e-6)


@pytest.mark.parametrize("strategy", ["sar", pytest.param("combined", marks=pytest.mark.slow)])
def test_trades_as_in_a_backtest(start_site: Any, backtest: Callable[..., RunResult], strategy: str) -> None:
    site = start_site()
    outcome = site.run(strategy)
    (result,) = outcome.results
    assert outcome.reason == "the data has ended"
    assert len(result.data.bars) == 151
    tested = backtest(strategy, result)
    assert len(tested.trades) >= 3
    assert_equal(result, tested)
    for name, curve in tested.panels.items():
        assert np.array_equal(result.panels[name], curve, equal_nan=True)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", SHIPPED)
def test_trades_as_in_a_backtest_over_years(
    start_site: Any, backtest: Callable[..., RunResult], strategy: str
) -> None:
    (result,) = start_site("2017-08-17").run(strategy, duration_s=600.0).results
    assert len(result.data.bars) == 3000
    assert_equal(result, backtest(strategy, result))


def test_two_symbols_trade_each_as_in_a_backtest(start_site: Any, backtest: Callable[..., RunResult]) -> None:
    """Every feed's barrier stands before the clock moves: no symbol misses a bar while another registers."""
    markets = (MarketRequest(NAME, at="2025-06-05"), MarketRequest(NAME, at="2025-06-05", symbol="ETHUSDT"))
    stake = Stake(1000.0, "quote")
    outcome = start_site(markets=markets).run("sar", stake=stake)
    assert outcome.reason == "the data has ended"
    assert [result.data.symbol for result in outcome.results] == ["BTCUSDT", "ETHUSDT"]
    for result in outcome.results:
        tested = backtest("sar", result, stake=stake, lot_step=result.settings.lot_step)
        assert len(result.data.bars) == 151
        assert len(tested.trades) >= 3
        assert [(fill.bar, fill.size, fill.price) for fill in result.fills] == [
            (fill.bar, fill.size, fill.price) for fill in tested.fills
        ]
        assert np.array_equal(result.curve.position, tested.curve.position)


def test_warms_up_without_trading(start_site: Any) -> None:
    site = start_site("2025-10-01")
    (result,) = site.run("ma_cross", history=400).results
    assert len(result.data.bars) == 33
    assert all(np.isfinite(curve).all() for curve in result.overlays.values())
    assert all(fill.time_ms >= result.data.bars.open_time[0] for fill in result.fills)
    assert not result.rejected  # orders on bars of the history are no news
