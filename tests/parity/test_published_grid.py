"""
1,092 Backtrader runs that somebody else published in January 2021, through our API, to their last digit.

github.com/lth-elm/Backtrading-Python-Binance: RSI and SMA rules, periods 10 to 30, two ranges, seven intervals
of BTCUSDT and six of ETHUSDT. Our rules cover all: a tenth of the account in, all of it out, 0.04 % a side.

What the author's reader did, so that the bars are the same:

- The files have no header, but ``GenericCSVData`` skips the first line by default: the first bar is missing.
- It stamps daily bars 23:59:59, so that of the last day, whose limit is 00:00, is left out; others are not.

Backtrader adds an average up exactly, TA-Lib carries a rolling sum: where a close equals its average, the last
digit decides. It does in a few of these runs, so the average here is exact too.

The published sizes are not rounded. A lot step of 1e-15 does as good as nothing; with the default of 1e-8 a
few final values differ by 0.001.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import subprocess
import sys
from functools import cache

import pytest

from bt_run.core.clock import parse_time
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from bt_run.run.backtest import run_backtest
from feeds import read_bars
from strategies.loader import load_strategy

SMA = '''
from math import fsum

import numpy as np

from strategies.base import Signals, SignalStrategy


class Sma(SignalStrategy):
    """Long while the close is above its average."""

    params = (("period", 20),)
    ranges = {"period": (2, 200)}

    @staticmethod
    def signals(bars, p):
        sma = np.full(len(bars), np.nan)
        windows = np.lib.stride_tricks.sliding_window_view(bars.close, p.period)
        sma[p.period - 1 :] = [fsum(window) / p.period for window in windows.tolist()]
        return Signals(long_entry=bars.close > sma, long_exit=bars.close < sma)
'''

SETTINGS = BacktestSettings(cash=10_000.0, commission=0.0004, stake=Stake(10.0, "percent"), lot_step=1e-15)

INTERVALS = {
    "BTCUSDT": ("2h", "4h", "6h", "12h", "1d", "3d", "1w"),
    "ETHUSDT": ("4h", "8h", "12h", "1d", "3d", "1w"),
}
RANGES = ("20170101-20201231", "20180301-20201115")
TABLES = [
    f"{rule}-{pair}-{span}-{interval}"
    for rule in ("RSI", "SMA")
    for pair, intervals in INTERVALS.items()
    for span in RANGES
    for interval in intervals
]


@pytest.fixture(scope="module")
def strategy_of(tmp_path_factory):
    """Give a function from the author's name of a rule to our strategy."""
    path = tmp_path_factory.mktemp("published") / "published_sma.py"
    path.write_text(SMA)
    return lambda rule, period: load_strategy(
        {"RSI": "rsi", "SMA": str(path)}[rule], params=[f"period={period}"]
    )


@cache
def read_range(path, start, end):
    """Read the bars that the author's feed delivered."""
    file = read_bars(path)
    last = parse_time(end) - (str(file.interval) == "1d")
    return dataclasses.replace(file, bars=file.bars[1:].between(parse_time(start), last))


def read_rows(shared, table):
    """Read a published table."""
    with (shared / f"realdata/results/lth-elm/{table}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def columns_of(metrics, pnl):
    """Put our numbers into the five published columns."""
    return {
        "Final value": round(metrics["equity_final"], 3),
        "%": round(sum(pnl) / 10_000 * 100, 3),
        "Total win": sum(one > 0 for one in pnl),
        "Total loss": sum(one <= 0 for one in pnl),
        "SQN": round(metrics["sqn"] or 0.0, 2),
    }


def check_row(shared, strategy_of, table, row):
    """Run what a row says on both engines and compare its five columns."""
    rule, pair, start, end, interval = table.split("-")
    file = read_range(shared / f"realdata/klines/python-binance/{pair}-2017-2020-{interval}.csv.gz", start, end)
    for engine in ("backtrader", "fast"):
        settings = dataclasses.replace(SETTINGS, engine=engine)
        result = run_backtest(strategy_of(rule, row["Period"]), file, settings)
        found = columns_of(result.metrics, [trade.pnl for trade in result.trades])

        assert {name: float(row[name]) for name in found} == found, (table, row["Period"], engine)
        assert not result.rejected


def test_the_tables_are_all_there(shared):
    """52 tables of 21 periods: 1,092 runs."""
    found = sorted(path.stem for path in (shared / "realdata/results/lth-elm").glob("*.csv"))

    assert sorted(TABLES) == found
    assert sum(len(read_rows(shared, table)) for table in TABLES) == 1092


LONG = ("-2h", "-4h", "-6h")
SPREAD = [(table, place * 8 % 21) for place, table in enumerate(TABLES) if not table.endswith(LONG)]


@pytest.mark.parametrize(("table", "place"), SPREAD)
def test_one_run_of_a_table_is_reproduced(shared, strategy_of, table, place):
    """Each table with another period; the long ones are left to the slow test."""
    check_row(shared, strategy_of, table, read_rows(shared, table)[place])


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_every_run_of_a_table_is_reproduced(shared, strategy_of, table):
    """All 21 periods."""
    for row in read_rows(shared, table):
        check_row(shared, strategy_of, table, row)


@pytest.mark.parametrize("rule", ["RSI", "SMA"])
def test_the_command_reproduces_a_published_run(shared, tmp_path, rule):
    """Through the command line, with the options that say it."""
    (tmp_path / "published_sma.py").write_text(SMA)
    table = f"{rule}-BTCUSDT-20180301-20201115-12h"
    row = read_rows(shared, table)[4]
    data = shared / "realdata/klines/python-binance/BTCUSDT-2017-2020-12h.csv.gz"
    words = (
        f"--strategy {'rsi' if rule == 'RSI' else 'published_sma.py'} --param period={row['Period']} "
        f"--from 2018-03-01 --to 2020-11-15T00:00 "
        f"--cash 10000 --commission 0.04% --stake 10% --lot-step 1e-15 --quiet --json r.json"
    )
    command = [sys.executable, "-m", "bt_run", "backtest", "--data", str(data.resolve()), *words.split()]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    result = json.loads((tmp_path / "r.json").read_text())
    found = columns_of(result["metrics"], [trade["pnl"] for trade in result["trades"]])

    assert {name: float(row[name]) for name in found} == found
