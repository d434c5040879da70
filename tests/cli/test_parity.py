"""``bt-run parity``: what it prints, writes and exits with."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from live_journal import LiveRun, play, write_run

from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from bt_run.journal.journal import Journal
from feeds.csv_file import read_bars
from strategies.loader import load_strategy

SETTINGS = BacktestSettings(stake=Stake.parse("95%"), lot_step=1e-5)


@pytest.fixture
def live(root: Path) -> LiveRun:
    """Give a run whose fills slipped."""
    bars = read_bars(root / "data" / "btc_1d.csv").bars[:250]
    return play(bars, load_strategy("sar"), replace(SETTINGS, slippage=0.0004), history=50)


@pytest.fixture
def write(work: Path) -> Any:
    """Give a function that writes runs where the command looks for them."""

    def write_all(*runs: LiveRun) -> None:
        with Journal(work / "bt-run.sqlite") as journal:
            number = None
            for run in runs:
                number = write_run(journal, run, resumes=number)

    return write_all


def test_an_equal_run_says_so_in_a_sentence(bt_run: Any, write: Any, root: Path):
    bars = read_bars(root / "data" / "btc_1d.csv").bars[:250]
    write(play(bars, load_strategy("sar", params=["maximum=0.1"]), SETTINGS, history=50))
    ran = bt_run("parity")
    lines = ran.stdout.splitlines()

    assert (0, "") == (ran.returncode, ran.stderr)
    assert "sar(maximum=0.1) on BTCUSDT 1d, run 1 on practice" == lines[0]
    assert "2017-08-17 to 2018-04-23 UTC · 200 bars live · 50 to warm up" == lines[1].rstrip()
    assert "Equal: 200 signals equal, 0 differ;" in ran.stdout
    assert "Cause" not in ran.stdout


def test_an_explained_run_shows_causes_with_money_and_the_trades(bt_run: Any, write: Any, live: LiveRun):
    write(live)
    ran = bt_run("parity")
    words = " ".join(ran.stdout.split())

    assert 0 == ran.returncode
    assert max(map(len, ran.stdout.splitlines())) <= 80
    assert "Explained: 200 signals equal, 0 differ;" in words
    assert "explained by fill price -" in words
    assert "Cause Count USDT fill price" in words
    assert "not accounted for 0.00 live less backtest -" in words
    assert "Trade Decided (UTC) Live Backtest Apart Because of" in words
    assert "knock-on: bought" not in words


def test_details_tell_what_each_side_did(bt_run: Any, write: Any, live: LiveRun):
    write(live)
    ran = bt_run("parity", "--details")
    words = " ".join(ran.stdout.split())

    assert max(map(len, ran.stdout.splitlines())) <= 80
    assert "fill price: bought" in words
    assert "knock-on: bought" in words
    assert "Trade 1, 2017-" in words


def test_what_is_not_explained_is_loud_and_exits_with_1(bt_run: Any, write: Any, live: LiveRun):
    del live.orders[2:4]
    write(live)
    ran = bt_run("parity")

    assert 1 == ran.returncode
    assert "NOT EXPLAINED:" in ran.stdout
    assert "one side ordered" in " ".join(ran.stdout.split())


def test_another_signal_exits_with_1(bt_run: Any, write: Any, live: LiveRun):
    live.signals[60] = ((), live.signals[60][1])
    write(live)
    ran = bt_run("parity", "--quiet")

    assert (1, "", "") == (ran.returncode, ran.stdout, ran.stderr)


def test_an_outage_is_told_with_its_price(bt_run: Any, write: Any, live: LiveRun):
    away = live.orders[2].bar
    tradable = live.tradable.copy()
    tradable[away - 1 : away + 3] = False
    write(play(live.bars, live.strategy, SETTINGS, tradable=tradable))
    ran = bt_run("parity")
    words = " ".join(ran.stdout.split())

    assert 0 == ran.returncode
    assert "196 bars live · 50 to warm up · 4 missed" in words
    assert "4 bars came too late to trade on, and on " in words
    assert "the backtest had ended at" in words


def test_several_runs_are_one_story(bt_run: Any, write: Any, live: LiveRun):
    middle = next(
        leave.bar + 2
        for leave, enter in zip(live.orders[1::2], live.orders[2::2], strict=False)
        if enter.bar - leave.bar > 3
    )
    first, second = live.cut(50, middle - 1), live.cut(middle, 249)
    cash = first.cash
    for done in first.orders:
        ((size, price, fee, _, _),) = done.fills
        cash += (size * price if done.side == "SELL" else -size * price) - fee
    second.cash = cash
    write(first, second)
    ran = bt_run("parity")

    assert 0 == ran.returncode
    assert "runs 1 and 2 on practice" in ran.stdout
    assert "run 1 on practice" in bt_run("parity", "--run", "1").stdout


def test_json_holds_everything(bt_run: Any, write: Any, live: LiveRun, work: Path):
    write(live)
    told = json.loads(bt_run("parity", "--json", "-").stdout)
    equity = told["equity"]

    assert ("bt-run/parity/1", "explained") == (told["schema"], told["verdict"])
    assert {"count": 250, "tradable": 200, "missed": 0}.items() <= told["bars"].items()
    assert equity["live"] - equity["backtest"] == pytest.approx(equity["difference"])
    assert sum(each["amount"] for each in told["differences"]) == pytest.approx(equity["difference"])
    assert sum(each["amount"] for each in told["causes"]) == pytest.approx(equity["difference"])
    assert abs(equity["not_explained"]) < 1e-6
    assert told["orders"]["matched"] == told["orders"]["live"]
    assert all(trade["matched"] for trade in told["trades"])
    assert 0.001 == pytest.approx(told["settings"]["commission"])


def test_csv_has_a_line_for_each_difference(bt_run: Any, write: Any, live: LiveRun, work: Path):
    write(live)
    said = bt_run("parity", "--csv", "apart.csv", "--json", "apart.json").stdout
    with (work / "apart.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    told = json.loads((work / "apart.json").read_text(encoding="utf-8"))["differences"]

    assert said.endswith("Wrote apart.json\nWrote apart.csv\n")
    assert [each["amount"] for each in told] == [float(row["amount"]) for row in rows]
    assert ["time", "bar", "trade", "cause", "subject", "live", "backtest", "note", "amount"] == list(rows[0])


def test_a_picture(bt_run: Any, write: Any, live: LiveRun, work: Path):
    write(live)
    ran = bt_run("parity", "--plot", "apart.png", "--quiet")

    assert 0 == ran.returncode
    assert (work / "apart.png").read_bytes().startswith(b"\x89PNG")


def test_another_commission_shows_as_a_fee(bt_run: Any, write: Any, live: LiveRun):
    write(live)

    assert "fee -" in " ".join(bt_run("parity", "--commission", "0.05%").stdout.split())


def test_a_strategy_of_ones_own_is_named(bt_run: Any, write: Any, live: LiveRun, work: Path):
    (work / "mine.py").write_text(
        "import backtrader as bt\n\n\nclass Mine(bt.Strategy):\n    def next(self):\n"
        "        if len(self) == 60:\n            self.buy(size=1)\n",
        encoding="utf-8",
    )
    mine = load_strategy(f"{work / 'mine.py'}:Mine")
    write(play(live.bars, mine, SETTINGS, history=50))
    without, ran = bt_run("parity"), bt_run("parity", "--strategy", "./mine.py:Mine")

    assert 2 == without.returncode
    assert "Name it with --strategy ./mine.py:Mine." in " ".join(without.stderr.split())
    assert 0 == ran.returncode
    assert "Equal: no signals to compare; 1 trade, 1 matched" in ran.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--journal", "none.sqlite"], 2, "There is no journal"),
        (["--run", "7"], 2, "has no run 7"),
        (["--symbol", "ETHUSDT"], 2, "does not trade ETHUSDT"),
        (["--plot", "x.gif"], 2, "cannot be written as 'x.gif'"),
        (["--csv", "-"], 2, "Only --json can be written to standard output"),
        (["--strategy", "saar"], 2, "Did you mean 'sar'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_gets_a_sentence(
    bt_run: Any, write: Any, live: LiveRun, *, words: list[str], code: int, said: str
):
    write(live)
    ran = bt_run("parity", *words)

    assert code == ran.returncode
    assert said in " ".join(ran.stderr.split())


def test_small_accounts_are_told_to_the_satoshi(bt_run: Any, write: Any, root: Path):
    bars = read_bars(root / "data" / "btc_1d.csv").bars[:250]
    run = play(bars, load_strategy("sar"), replace(SETTINGS, cash=0.05, lot_step=1e-8), history=50)
    run.orders[0].move(price=float(run.orders[0].fills[0][1]) * 1.01)
    run.cash = Decimal("0.05")
    write(run)

    assert "explained by fill price -0.000" in " ".join(bt_run("parity").stdout.split())
