"""The script that the migration page shows trades on the practice exchange."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bt_run.core.errors import ConfigError
from bt_run.core.settings import BacktestSettings
from bt_run.practice.market.data_file import MarketRequest
from bt_run.practice.plan import PracticePlan
from bt_run.run.backtest import run_backtest
from bt_run.run.data import DataRequest, load_data
from bt_run.run.live.bt_store import BinanceStore
from bt_run.run.live.practice import EmbeddedPractice
from strategies.loader import load_strategy

BARS_A_SECOND = 4


@pytest.fixture
def exchange(root: Path) -> Iterator[EmbeddedPractice]:
    """Give a practice exchange of daily bars, a quarter of a second each."""
    request = MarketRequest(str(root / "data" / "btc_1d.csv"), symbol="BTCUSDT")
    with EmbeddedPractice(PracticePlan((request,), speed=86_400.0 * BARS_A_SECOND, seed=7)) as practice:
        yield practice


def run_script(root: Path, exchange: EmbeddedPractice, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the example against the exchange, with nothing but the environment to tell it where that is."""
    told = {
        "BT_RUN_REST_URL": exchange.venue.rest_url,
        "BT_RUN_STREAM_URL": exchange.venue.stream_url,
        "BT_RUN_WS_API_URL": exchange.venue.ws_api_url,
        "BT_RUN_PRACTICE_API_KEY": exchange.api_key,
        "BT_RUN_PRACTICE_API_SECRET": exchange.secret,
    }
    return subprocess.run(
        [sys.executable, root / "docs" / "examples" / "own_script.py", *words],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.slow
def test_the_script_trades_and_ends_flat(root, exchange):
    """What it prints that it bought and sold is what the exchange has in its books."""
    ran = run_script(root, exchange, "practice", "1d", "6")

    assert (0, "") == (ran.returncode, ran.stderr)
    assert ran.stdout.startswith("BTCUSDT DELAYED\nBTCUSDT LIVE\n")
    told = [side for side, _ in re.findall(r"^(bought|sold) ([\d.]+) at", ran.stdout, re.MULTILINE)]
    truth = requests.get(f"{exchange.venue.rest_url}/practice/state", timeout=5).json()
    booked = ["bought" if fill["isBuyer"] else "sold" for fill in truth["fills"]]
    assert len(told) >= 4
    assert told == booked
    assert "sold" == told[-1]


def test_the_strategy_of_the_script_runs_in_a_backtest_too(root):
    """One class for both, though it asks which bars are live."""
    strategy = load_strategy(f"{root / 'docs' / 'examples' / 'own_script.py'}:InAndOut", params=["bars=40"])
    ran = run_backtest(strategy, load_data(DataRequest(str(root / "data" / "btc_1d.csv"))), BacktestSettings())

    assert len(ran.trades) >= 4
    assert ran.open_position is None


def test_real_money_must_be_asked_for():
    """A script that names mainnet by mistake sends nothing."""
    with pytest.raises(ConfigError, match="real_money=True"):
        BinanceStore("mainnet")
