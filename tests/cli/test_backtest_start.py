"""What a backtest waits for before it reads its data."""

from __future__ import annotations

import subprocess
import sys

import pytest

UNTIL_OPEN = """
import os, sys
def watch(event, arguments):
    if event == "open" and str(arguments[0]) == sys.argv[-1]:
        print(*sorted(sys.modules))
        sys.stdout.flush()
        os._exit(0)
sys.addaudithook(watch)
from bt_run.cli.main import main
main(sys.argv[1:])
"""
HEAVY = {
    "backtrader",
    "pandas",
    "polars",
    "matplotlib",
    "numba",
    "plotly",
    "rich",
    "binance",
    "importlib.metadata",
}


@pytest.mark.parametrize("strategy", ["rsi", "mine.py"])
def test_data_are_read_before_what_is_heavy_is_imported(work, strategy):
    """The file is opened while neither Backtrader nor pandas is there, whosever the strategy is."""
    (work / "mine.py").write_text("import backtrader as bt\nclass Mine(bt.Strategy):\n    pass\n")
    (work / "bars.csv").write_text(
        "time,open,high,low,close,volume\n2024-01-01,1,2,1,2,3\n2024-01-02,1,2,1,2,3\n"
    )
    words = ["backtest", "-s", strategy, "-d", "bars.csv"]
    done = subprocess.run(
        [sys.executable, "-c", UNTIL_OPEN, *words], cwd=work, capture_output=True, text=True, check=False
    )

    assert "click" in done.stdout.split(), done.stderr
    assert set() == HEAVY & set(done.stdout.split())


def test_a_strategy_that_is_not_there_is_said_before_anything_is_read(bt_run, work):
    """A typing mistake costs no time."""
    ran = bt_run("backtest", *"-s rsj -d no_such_file.csv".split())

    assert "rsj" in ran.stderr
    assert "no_such_file" not in ran.stderr


@pytest.mark.parametrize("data", ["BTCUSDT:1h --download", "no_such_file.csv --symbol BTCUSDT"])
def test_a_stake_in_a_wrong_asset_is_said_before_anything_is_read(bt_run, work, data):
    """Where the symbol was typed, nothing is looked for or fetched first."""
    ran = bt_run("backtest", *f"-s rsi --stake 1BTC --store store -d {data}".split())

    assert 2 == ran.returncode
    assert "Stake 1BTC names the base asset of BTCUSDT" in ran.stderr


@pytest.mark.parametrize("words", ["-s rsi:period=999", "-s rsi --param period=999"])
def test_a_wrong_parameter_is_said_before_long_data_are_read(bt_run, work, words):
    """Nobody waits for millions of bars to hear of a typing mistake."""
    with (work / "long.csv").open("wb") as file:  # no bars: reading it would be another error
        file.truncate(16 * 1024 * 1024)
    ran = bt_run("backtest", *words.split(), "-d", "long.csv")

    assert 4 == ran.returncode
    assert "period is 999; it must lie in 2 to 200" in ran.stderr
