"""Live runs on a practice exchange of their own, and the backtests that they must equal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import Loopback

from brokers.binance.credentials import Credentials
from bt_run.core.interval import Interval
from bt_run.core.market import Bars
from bt_run.core.results import RunResult
from bt_run.core.settings import BacktestSettings
from bt_run.practice.market.data_file import MarketRequest
from bt_run.practice.plan import PracticePlan
from bt_run.practice.rules import Fees
from bt_run.run.backtest import run_backtest
from bt_run.run.data import DataRequest, load_data
from bt_run.run.live.plan import DataOrigin, LivePlan
from bt_run.run.live.practice import EmbeddedPractice
from bt_run.run.live.run import LiveOutcome, LiveRun
from bt_run.run.live.status import LiveSnapshot
from feeds.csv_writer import write_bars
from strategies.loader import load_strategy

NAME = "btc_1d.csv"
LOT_STEP = 1e-5


@dataclass
class Follower:
    """Keeps what a run says."""

    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    snapshots: list[LiveSnapshot] = field(default_factory=list)
    on_say: Callable[[str], None] = lambda sentence: None

    def say(self, sentence: str, *, time_ms: int, is_news: bool = False) -> None:
        """Keep it."""
        self.said.append(sentence)
        self.on_say(sentence)

    def warn(self, sentence: str, *, time_ms: int) -> None:
        """Keep it."""
        self.warned.append(sentence)

    def show(self, snapshot: LiveSnapshot) -> None:
        """Keep it."""
        self.snapshots.append(snapshot)


@dataclass
class Site:
    """A practice exchange, and runs on it."""

    exchange: EmbeddedPractice
    follower: Follower = field(default_factory=Follower)

    def plan(self, strategy: str = "sar", **changes: Any) -> LivePlan:
        """Make the settings of a run over all that is replayed."""
        given: dict[str, Any] = {
            "symbols": tuple(market.symbol for market in self.exchange.markets),
            "interval": Interval(1, "d"),
            "history": 0,
            "origin": DataOrigin(NAME),
            "duration_s": 60.0,
            **changes,
        }
        params = given.pop("params", ())
        return LivePlan(load_strategy(strategy, params=params), self.exchange.venue, **given)

    def make(self, strategy: str = "sar", **changes: Any) -> LiveRun:
        """Make a run."""
        key = Credentials(self.exchange.api_key, self.exchange.secret)
        return LiveRun(self.plan(strategy, **changes), key, audience=self.follower)

    def run(self, strategy: str = "sar", **changes: Any) -> LiveOutcome:
        """Run to the end."""
        return self.make(strategy, **changes).run()


@pytest.fixture
def start_site() -> Iterator[Callable[..., Site]]:
    """Give what starts a practice exchange; all end with the test."""
    opened: list[EmbeddedPractice] = []

    def start(at: str = "2025-06-05", *, fee_asset: str = "quote", **changes: Any) -> Site:
        markets = changes.pop("markets", (MarketRequest(NAME, at=at),))
        given = {"fees": Fees(pay_in=fee_asset), "speed": "max", "seed": 7, "limits": False, "step": True}
        exchange = EmbeddedPractice(PracticePlan(markets, **{**given, **changes}))
        opened.append(exchange)
        exchange.__enter__()
        return Site(exchange)

    yield start
    for exchange in opened:
        exchange.close()


@pytest.fixture
def backtest() -> Callable[..., RunResult]:
    """Give what backtests a strategy over the bars of a live result."""
    data = load_data(DataRequest(NAME))

    def run(strategy: str, live: RunResult, **changes: Any) -> RunResult:
        own = live.data.bars.open_time
        cut = dataclasses.replace(data, bars=data.bars.between(int(own[0]), int(own[-1])))
        return run_backtest(load_strategy(strategy), cut, BacktestSettings(**{"lot_step": LOT_STEP, **changes}))

    return run


@pytest.fixture
def journal_file(tmp_path: Path) -> Path:
    """Give a place for a journal."""
    return tmp_path / "live.sqlite"


@pytest.fixture
def webhook() -> Iterator[Loopback]:
    """Serve something that takes any POST."""
    with Loopback().serving() as server:
        yield server


@pytest.fixture
def two_hours(tmp_path: Path) -> MarketRequest:
    """Give minutes of a market that swings: 500 of history, and two hours."""
    draw = np.random.default_rng(3)
    count = 500 + 120
    wave = 0.012 * np.sin(np.arange(count) / 4.0) + np.cumsum(draw.normal(0, 0.0006, count))
    close = np.round(60_000 * np.exp(wave), 2)
    opened = np.append(close[0], close[:-1])
    high, low = np.maximum(opened, close) + 5, np.minimum(opened, close) - 5
    volume = np.round(draw.uniform(1, 50, count), 5)
    times = 1_767_225_600_000 + 60_000 * np.arange(count)
    path = tmp_path / "BTCUSDT_1m.csv"
    write_bars(path, Bars.of(times, open=opened, high=high, low=low, close=close, volume=volume))
    return MarketRequest(str(path), symbol="BTCUSDT")
