"""``bt-run compare`` as a user types it."""

from __future__ import annotations

import json

WORDS = "compare --strategy rsi --strategy sar --strategy macd:fast=8 --data btc_1d.csv".split()


def test_one_table_with_buy_and_hold_a_picture_and_a_file(bt_run, work):
    """The command of the README."""
    ran = bt_run(*WORDS, "--plot", "equity.png", "--json", "out.json")
    runs = json.loads((work / "out.json").read_text())["runs"]

    assert ran.returncode == 0, ran.stderr
    assert max(len(line) for line in ran.stdout.splitlines()) <= 80
    assert all(name in ran.stdout for name in ("rsi", "sar", "macd(fast=8)", "buy and hold", "synthetic"))
    assert "*" in ran.stdout
    assert ["Wrote out.json", "Wrote equity.png"] == ran.stdout.splitlines()[-2:]
    assert ["rsi", "sar", "macd"] == [run["strategy"]["name"] for run in runs]
    assert {"fast": 8, "slow": 26, "signal": 9} == runs[2]["strategy"]["params"]
    assert (work / "equity.png").read_bytes().startswith(b"\x89PNG")


def test_processes_do_not_change_the_result(bt_run):
    """One process and two give the same bytes, in the same order."""
    one = bt_run(*WORDS, "--json", "-", "--jobs", "1")
    two = bt_run(*WORDS, "--json", "-", "--jobs", "2")

    assert two.returncode == 0, two.stderr
    assert one.stdout == two.stdout


def test_each_run_equals_the_backtest_command(bt_run):
    """A comparison is the backtest command, several times."""
    runs = json.loads(bt_run(*WORDS, "--json", "-").stdout)["runs"]
    alone = json.loads(bt_run("backtest", "-s", "macd:fast=8", "-d", "btc_1d.csv", "--json", "-").stdout)

    assert alone["metrics"] == runs[2]["metrics"]
    assert alone["trades"] == runs[2]["trades"]


def test_several_files_give_the_cross_product(bt_run):
    """Ordered by data, then by strategy."""
    ran = bt_run(*"compare -s rsi -s sar -d btc_1d.csv -d btcusd_1d_2021.csv --json -".split())
    runs = json.loads(ran.stdout)["runs"]

    assert [("rsi", 3000), ("sar", 3000), ("rsi", 124), ("sar", 124)] == [
        (run["strategy"]["name"], run["data"]["bars"]) for run in runs
    ]


def test_a_strategy_that_fails_stops_the_comparison_and_is_named(bt_run, work):
    """In processes too: the user's traceback comes out, exit 4, nothing is written."""
    (work / "bad.py").write_text(
        "import backtrader as bt\n\n\nclass Bad(bt.Strategy):\n"
        "    def next(self):\n        raise ValueError('oh')\n"
    )
    for jobs in ("1", "2"):
        ran = bt_run(*"compare -s rsi -s ./bad.py:Bad -d btc_1d.csv --json out.json --jobs".split(), jobs)

        assert ran.returncode == 4
        assert "Bad raised ValueError" in ran.stderr
        assert "raise ValueError('oh')" in ran.stderr
        assert not (work / "out.json").exists()
