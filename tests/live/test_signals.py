"""A signal desk with order flow: its signals are those of a backtest on the bars that it heard."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from bt_run.core.interval import Interval
from bt_run.core.market import BarFile
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from bt_run.practice.market.data_file import MarketRequest
from bt_run.practice.plan import PracticePlan
from bt_run.run.backtest import run_backtest
from bt_run.run.live.practice import EmbeddedPractice
from bt_run.run.signals.audience import SignalSilence
from bt_run.run.signals.events import SignalSeen
from bt_run.run.signals.plan import WatchPlan
from bt_run.run.signals.watch import END_OF_DATA, SignalWatch
from strategies.loader import load_strategy


class Follower(SignalSilence):
    """Keeps signals and sentences."""

    def __init__(self):
        self.signals = []
        self.said = []

    def tell(self, event, desk):
        if isinstance(event, SignalSeen):
            self.signals.append(event)

    def say(self, sentence, *, time_ms, is_warning=False):
        self.said.append(sentence)


@pytest.mark.slow
def test_signals_of_order_flow_equal_a_backtest_on_the_bars_that_were_heard(root):
    """Liquidations of every bar but the first are known, and each order of the backtest was told live."""
    request = MarketRequest(str(root / "data" / "btc_1d.csv"), at="2025-07-01", symbol="BTCUSDT")
    loaded = load_strategy(
        "order_flow", params=["window=20", "liquidation_ratio=0.5", "volume_ratio=0.5", "difference_ratio=0.5"]
    )
    follower = Follower()
    with EmbeddedPractice(PracticePlan((request,), speed="max", step=True, limits=False)) as exchange:
        plan = WatchPlan(
            loaded,
            exchange.venue,
            ("BTCUSDT",),
            Interval(1, "d"),
            Decimal(250),
            market="futures",
            allow_short=True,
            holds_clock=True,
        )
        outcome = SignalWatch(plan, [follower]).run()
    (desk,) = outcome.desks
    bars = desk.bars
    first = follower.signals[0].position
    settings = BacktestSettings(cash=1e7, stake=Stake.parse("0.01"), allow_short=True, commission=0.0)
    result = run_backtest(loaded, BarFile(Path("x"), "BTCUSDT", Interval(1, "d"), bars, ""), settings)
    told = [one.position for one in follower.signals if one.position < len(bars) - 1]

    assert END_OF_DATA == outcome.reason
    assert np.count_nonzero(bars.flow.knows_liquidations) >= 120
    assert np.nansum(bars.flow.long_liquidations) > 100
    assert len(told) > 20
    assert [fill.bar - 1 for fill in result.fills if fill.bar > first] == told
    assert any("at most one liquidation a second" in sentence for sentence in follower.said)
