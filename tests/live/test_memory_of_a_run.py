"""What a run keeps does not grow with its orders, where nobody needs it."""

from __future__ import annotations

from typing import Any

from bt_run.run.live import bt_cerebro, turns
from bt_run.run.live.bt_cerebro import forget_old


def test_a_run_keeps_the_last_trades_of_its_strategies_and_none_of_their_orders(
    start_site, backtest, monkeypatch
) -> None:
    """Whatever Backtrader needs is still there: the results are those of a backtest."""
    kept: list[tuple[int, int]] = []

    def forget(strategies: Any) -> None:
        forget_old(strategies)
        for strategy in strategies:
            trades = [trades for by_id in strategy._trades.values() for trades in by_id.values()]
            kept.append((len(strategy._orders), max(map(len, trades), default=0)))

    monkeypatch.setattr(bt_cerebro, "_KEPT_TRADES", 2)
    monkeypatch.setattr(turns, "forget_old", forget)
    (live,) = start_site(at="2025-08-01").run("sar").results
    truth = backtest("sar", live)

    assert len(live.trades) > 2
    assert [(trade.entry_bar, trade.exit_bar, trade.size) for trade in truth.trades] == [
        (trade.entry_bar, trade.exit_bar, trade.size) for trade in live.trades
    ]
    assert {0} == {orders for orders, _ in kept}
    assert 2 == max(trades for _, trades in kept)
