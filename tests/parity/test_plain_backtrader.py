"""
The same numbers as plain Backtrader: every trade, cash and equity at every bar, refused orders.

The plain side is in ``conftest.py`` and has none of our code but the strategy class. All is compared by ``==``:
both sides take the same steps on the same floats. `check_trades` names the one exception.
"""

from __future__ import annotations

import ast
import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import backtrader as bt
import pytest

from bt_run.core.clock import parse_time
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from bt_run.run.backtest import run_backtest
from bt_run.run.data import DataRequest, load_data
from strategies.loader import load_strategy
from strategies.registry import BUILT_IN

KLINES = "../shared/realdata/klines/"


@dataclass(frozen=True)
class Case:
    """A file, how pandas reads it, and the part of it that is run."""

    path: str
    reader: str
    start: str | None = None
    end: str | None = None


FILES = {
    "sample": Case("data/btc_1d.csv", "table"),
    "sample, four years": Case("data/btc_1d.csv", "table", "2020-01-01", "2023-12-31"),
    "1d seconds": Case(KLINES + "python-binance/BTCUSDT-2017-2020-1d.csv.gz", "seconds"),
    "1d freqtrade": Case(KLINES + "freqtrade/ETH_USDT-1d.json.gz", "freqtrade"),
    "4h table": Case(KLINES + "header-csv/BTCUSDT_4h-2018-2021.csv.gz", "table", "2019-01-01", "2019-12-31"),
    "1h bulk": Case(KLINES + "binance-bulk/BTCUSDT-1h-2025-01.csv.gz", "microseconds"),
}

ACCOUNTS = {
    "base stake": ("0.01", 0.001, 0.0, False),
    "percent, slippage": ("95%", 0.00075, 0.0005, False),
    "shorts": ("50%", 0.001, 0.001, True),
    "quote, shorts, too dear": ("9900USDT", 0.001, 0.0, True),
}

SPECS = {
    "rsi": ("rsi", "rsi:period=7,oversold=35,overbought=65"),
    "macd": ("macd", "macd:fast=8"),
    "ma_cross": ("ma_cross:fast=5,slow=20", "ma_cross:kind=ema,fast=8,slow=21"),
    "sar": ("sar", "sar:acceleration=0.03"),
    "bollinger": ("bollinger", "bollinger:period=10"),
    "combined": ("combined", "combined:votes=1"),
}


@dataclass(frozen=True)
class Account:
    """The same account for both sides."""

    stake: str
    commission: float
    slippage: float
    allow_short: bool

    def settings(self, engine) -> BacktestSettings:
        """Say it in our words."""
        return BacktestSettings(
            engine=engine,
            commission=self.commission,
            slippage=self.slippage,
            stake=Stake.parse(self.stake),
            allow_short=self.allow_short,
        )

    def sizer(self, plain, **more):
        """Say the stake in Backtrader's words."""
        number = float(self.stake.removesuffix("USDT").removesuffix("%"))
        if self.stake.endswith("%"):
            return plain.percent, {"percent": number, **more}
        if self.stake.endswith("USDT"):
            return plain.quote, {"amount": number}
        return bt.sizers.FixedSize, {"stake": number}


def run_ours(root, case, account, loaded, *, engine="backtrader"):
    """Run through our API, the file read by our feed."""
    start = None if case.start is None else parse_time(case.start)
    end = None if case.end is None else parse_time(case.end, end=True)
    bars = load_data(DataRequest(str(root / case.path), start=start, end=end))
    return run_backtest(loaded, bars, account.settings(engine))


def run_theirs(plain, root, case, account, cls, *, sell_leaves=None, **params):
    """Run through the plain script, the file read by pandas."""
    frame = plain.read(root / case.path, case.reader, start=case.start, end=case.end)
    more = {} if sell_leaves is None else {"sell_leaves": sell_leaves}
    return plain.run(
        plain.feed(frame),
        cls,
        commission=account.commission,
        slippage=account.slippage,
        sizer=account.sizer(plain, **more),
        **params,
    )


def check_same(ours, theirs):
    """Compare a run of ours with a plain one, everything that both know."""
    columns = (ours.curve.equity.tolist(), ours.curve.cash.tolist())
    fills = [(fill.bar, fill.size, fill.price, fill.fee) for fill in ours.fills]
    refused = [(order.bar, order.side, order.size) for order in ours.rejected]

    assert theirs.fills == fills
    assert (theirs.equity, theirs.cash) == columns
    assert theirs.final == ours.metrics["equity_final"]
    assert theirs.refused == refused
    check_trades([tuple(getattr(trade, name) for name in TRADE) for trade in ours.trades], theirs)


def check_trades(rows, theirs):
    """
    Compare trades: bars, side, size, exit price, profit and fees exactly.

    Only an entry price averaged over several entries may differ, in the last digit: Backtrader averages anew
    at each of them, and we divide once.
    """
    exact = slice(0, 4), slice(5, None)
    for part in exact:
        assert [row[part] for row in theirs.trades] == [row[part] for row in rows]
    assert [row[4] for row in theirs.trades] == pytest.approx([row[4] for row in rows], rel=1e-15)


TRADE = ("entry_bar", "exit_bar", "side", "size", "entry_price", "exit_price", "pnl", "fees")


def need(root, case):
    """Skip loudly where the real data are absent."""
    if not (root / case.path).exists():
        pytest.skip(f"NOT TESTED: {case.path} is absent")


def compare(plain, root, spec, file, account):
    """Run one strategy of ours as a plain script and on both engines, and compare."""
    case, account = FILES[file], Account(*ACCOUNTS[account])
    need(root, case)
    loaded = load_strategy(spec)
    theirs = run_theirs(
        plain, root, case, account, loaded.cls, allow_short=account.allow_short, **loaded.params
    )
    for engine in ("backtrader", "fast"):
        ours = run_ours(root, case, account, loaded, engine=engine)

        assert ours.trades
        assert engine == ours.engine
        check_same(ours, theirs)
    return ours


EVERY = [
    (spec, file, account) for name in SPECS for spec in SPECS[name] for file in FILES for account in ACCOUNTS
]
SPREAD = [
    (specs[(place + row) // 2 % 2], file, tuple(ACCOUNTS)[(place + row) % 4])
    for place, specs in enumerate(SPECS.values())
    for row, file in enumerate(tuple(FILES)[1:])
]


def test_every_shipped_strategy_is_compared():
    """A strategy that is added must be added here."""
    # order_flow reads taker buy volume, for which stock feeds have no line; test_bar_by_bar compares it.
    assert set(BUILT_IN) - {"order_flow"} == set(SPECS)


def test_the_plain_side_has_none_of_our_code():
    """Its file imports Backtrader, pandas, pytest and the standard library."""
    tree = ast.parse(Path(__file__).with_name("conftest.py").read_text())
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert {"backtrader", "pandas", "pytest", "dataclasses", "decimal", "importlib", "__future__"} == imported


@pytest.mark.parametrize(("spec", "file", "account"), SPREAD)
def test_a_run_equals_plain_backtrader(plain, root, spec, file, account):
    """Each strategy on each file, each with another account."""
    compare(plain, root, spec, file, account)


@pytest.mark.slow
@pytest.mark.parametrize(("spec", "file", "account"), [case for case in EVERY if case not in SPREAD])
def test_every_run_equals_plain_backtrader(plain, root, spec, file, account):
    """All strategies with two sets of parameters, all files, all accounts."""
    compare(plain, root, spec, file, account)


def test_refused_orders_are_those_of_plain_backtrader(plain, root):
    """99 % of the cash leaves no room for a higher open or a second entry. What is refused, both list."""
    ours = compare(plain, root, "sar", "sample, four years", "quote, shorts, too dear")

    assert ours.rejected


def test_a_file_read_line_by_line_gives_the_same(plain, root):
    """Backtrader's own GenericCSVData on the shipped sample, the usual way of a script."""
    account = Account(*ACCOUNTS["percent, slippage"])
    loaded = load_strategy("macd")
    feed = bt.feeds.GenericCSVData(
        dataname=str(root / "data/btc_1d.csv"),
        dtformat="%Y-%m-%dT%H:%M:%SZ",
        openinterest=-1,
        timeframe=bt.TimeFrame.Minutes,  # with Days it would write 23:59:59 for the time of a bar
        compression=1440,
    )
    theirs = plain.run(
        feed,
        loaded.cls,
        commission=account.commission,
        slippage=account.slippage,
        sizer=account.sizer(plain),
    )

    check_same(run_ours(root, FILES["sample"], account, loaded), theirs)


@pytest.mark.parametrize("name", ["SmaStop", "TalibMix", "Lines"])
@pytest.mark.parametrize(
    "where",
    [
        ("sample, four years", "base stake"),
        ("1d seconds", "percent, slippage"),
        ("4h table", "percent, slippage"),
    ],
)
@pytest.mark.parametrize("engine", ["accelerated", "backtrader"])
def test_a_hand_written_strategy_equals_plain_backtrader(*, plain, root, hand_written, name, where, engine):
    """Unchanged: Backtrader's indicators, its TA-Lib, its line arithmetic; limit orders; sell() as the exit."""
    case, account = FILES[where[0]], Account(*ACCOUNTS[where[1]])
    need(root, case)
    path, cls = hand_written(name)
    ours = run_ours(root, case, account, load_strategy(str(path)), engine=engine)
    leaves = True if account.stake.endswith("%") else None

    assert ours.trades
    assert engine == ours.engine
    check_same(ours, run_theirs(plain, root, case, account, cls, sell_leaves=leaves))


def run_command(folder, *words):
    """Run the real command in an empty folder; give its trades, final equity and equity file."""
    command = [sys.executable, "-m", "bt_run", "backtest", "--quiet", *words]
    command += ["--json", "r.json", "--equity", "e.csv"]
    env = {key: value for key, value in os.environ.items() if not key.startswith("BT_RUN_")}
    subprocess.run(command, cwd=folder, env=env | {"HOME": str(folder)}, check=True, timeout=120)
    result = json.loads((folder / "r.json").read_text())
    with (folder / "e.csv").open(newline="") as file:
        account = list(csv.DictReader(file))
    return result, account


def check_command(result, account, theirs):
    """Compare what the command wrote with a plain run; numbers in the files read back exactly."""
    assert result["trades"]
    check_trades([tuple(trade[name] for name in TRADE) for trade in result["trades"]], theirs)
    assert theirs.final == result["metrics"]["equity_final"]
    assert theirs.equity == [float(row["equity"]) for row in account]
    assert theirs.cash == [float(row["cash"]) for row in account]
    assert theirs.refused == [(order["bar"], order["side"], order["size"]) for order in result["rejected"]]


def test_the_command_equals_plain_backtrader(plain, root, tmp_path):
    """The command of the README, with nothing but its defaults: 10,000, 0.1 %, 95 %."""
    theirs = run_theirs(
        plain, root, FILES["sample"], Account("95%", 0.001, 0.0, False), load_strategy("rsi").cls
    )

    check_command(*run_command(tmp_path, "--strategy", "rsi", "--data", "btc_1d.csv"), theirs)


def test_the_command_with_options_equals_plain_backtrader(plain, root, tmp_path):
    """Parameters, range, costs, stake and shorts, each given by its option."""
    case, cls = FILES["4h table"], load_strategy("sar").cls
    need(root, case)
    result = run_command(
        tmp_path,
        *("--strategy", "sar", "--param", "acceleration=0.03", "--data", str((root / case.path).resolve())),
        *("--from", case.start, "--to", case.end, "--cash", "5000", "--commission", "0.075%"),
        *("--slippage", "0.0005", "--stake", "50%", "--allow-short"),
    )
    theirs = run_theirs(
        plain, root, case, Account("50%", 0.00075, 0.0005, True), cls,
        cash=5000.0, allow_short=True, acceleration=0.03,
    )  # fmt: skip

    check_command(*result, theirs)


def test_the_command_with_a_file_of_the_user_equals_plain_backtrader(plain, root, tmp_path, hand_written):
    """``--strategy ./file.py:Class`` with a hand-written class."""
    path, cls = hand_written("SmaStop")
    result = run_command(
        tmp_path, "--strategy", f"{path.name}:SmaStop:maperiod=20", "--data", "btc_1d.csv", "--stake", "0.1"
    )
    theirs = run_theirs(plain, root, FILES["sample"], Account("0.1", 0.001, 0.0, False), cls, maperiod=20)

    check_command(*result, theirs)
