"""``bt-run backtest`` as a user types it."""

from __future__ import annotations

import csv
import json
import signal
import time
from pathlib import Path

import backtrader as bt
import numpy as np
import pytest

from bt_run.core.settings import BacktestSettings
from bt_run.run.bt_cerebro import run_cerebro
from bt_run.run.data import DataRequest, load_data
from strategies.loader import LoadedStrategy

METRICS = (
    "equity_final equity_peak return_pct buy_hold_return_pct return_ann_pct cagr_pct volatility_ann_pct sharpe "
    "sortino calmar alpha_pct beta max_drawdown_pct avg_drawdown_pct max_drawdown_duration_s "
    "avg_drawdown_duration_s exposure_pct trades win_rate_pct best_trade_pct worst_trade_pct avg_trade_pct "
    "avg_trade_duration_s max_trade_duration_s profit_factor expectancy_pct sqn kelly fees_paid"
).split()

TRADE_KEYS = (
    "entry_time exit_time entry_bar exit_bar side size entry_price exit_price pnl pnl_pct fees duration_s "
    "entry_tag exit_reason mae_pct mfe_pct"
).split()


def test_the_main_command_works_from_an_empty_folder(bt_run_process, work):
    """Table, picture, result, trades and equity: all from one line, without a display."""
    words = "backtest --strategy rsi --data btc_1d.csv --plot p.png --json r.json --trades t.csv --equity e.csv"
    ran = bt_run_process(*words.split())
    result = json.loads((work / "r.json").read_text())
    trades = list(csv.DictReader((work / "t.csv").read_text().splitlines()))
    equity = list(csv.DictReader((work / "e.csv").read_text().splitlines()))

    assert ran.returncode == 0, ran.stderr
    assert "synthetic" in ran.stdout
    assert [f"Wrote {name}" for name in ("r.json", "t.csv", "e.csv", "p.png")] == ran.stdout.splitlines()[-4:]
    assert max(len(line) for line in ran.stdout.splitlines()) <= 80
    assert METRICS == list(result["metrics"])
    assert TRADE_KEYS == list(result["trades"][0]) == list(trades[0])
    assert len(trades) == result["metrics"]["trades"] == len(result["trades"])
    assert len(equity) == result["data"]["bars"] == 3000
    assert list(equity[0]) == ["open_time", "equity", "cash", "position", "drawdown_pct"]
    assert float(equity[-1]["equity"]) == result["metrics"]["equity_final"]
    assert (work / "p.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_run_gives_the_same_bytes(bt_run_process, work):
    """Results hold no clock and no chance."""
    for name in ("a", "b"):
        bt_run_process(
            "backtest",
            "-s",
            "macd",
            "-d",
            "btc_1d.csv",
            "--json",
            f"{name}.json",
            "--plot",
            f"{name}.svg",
            "-q",
        )

    assert (work / "a.json").read_bytes() == (work / "b.json").read_bytes()
    assert (work / "a.svg").read_bytes() == (work / "b.svg").read_bytes()


def test_parameters_from_both_places_reach_the_strategy(bt_run):
    """-s name:a=1 and -p b=2; JSON on standard output, nothing else there."""
    ran = bt_run(
        "backtest", "-s", "rsi:period=10,oversold=25", "-p", "oversold=35", "-d", "btc_1d.csv", "--json", "-"
    )

    assert {"name": "rsi", "params": {"period": 10, "oversold": 35.0, "overbought": 70.0}} == json.loads(
        ran.stdout
    )["strategy"]


def test_quiet_prints_nothing(bt_run):
    """--quiet is for scripts."""
    ran = bt_run("backtest", "-s", "rsi", "-d", "btc_1d.csv", "--quiet")

    assert (0, "", "") == (ran.returncode, ran.stdout, ran.stderr)


def test_range_and_interval_choose_the_bars(bt_run):
    """--from and --to are inclusive UTC dates; --interval resamples upward."""
    words = "backtest -s rsi -d btc_1d.csv --json -".split()
    cut = json.loads(bt_run(*words, "--from", "2018-01-01", "--to", "2018-01-31").stdout)
    weekly = json.loads(bt_run(*words, "--interval", "1w").stdout)

    assert (31, "2018-01-01T00:00:00Z", "2018-01-31T00:00:00Z") == tuple(
        cut["data"][k] for k in ("bars", "start", "end")
    )
    assert weekly["data"]["interval"] == "1w"
    assert weekly["data"]["bars"] == 429


def test_a_file_of_one_bar_needs_to_be_told_its_interval(bt_run, work):
    """One bar does not tell; --interval does."""
    (work / "one.csv").write_text("date,open,high,low,close,volume\n2024-01-01,1,2,0.5,1,5\n")
    words = "backtest -s rsi -d one.csv --json -".split()
    refused = bt_run(*words)
    taken = bt_run(*words, "--interval", "1d")

    assert refused.returncode == 3
    assert "interval" in refused.stderr
    assert (1, "1d", None) == tuple(
        json.loads(taken.stdout)[part][key]
        for part, key in (("data", "bars"), ("data", "interval"), ("metrics", "sharpe"))
    )


def test_a_ruined_account_is_said_to_be_ruined(bt_run):
    """A short may cost more than there is; the table does not pass over it."""
    ran = bt_run(*"backtest -s bollinger -d btc_1d.csv --allow-short --stake 30000USDT".split())

    assert "Ruined: equity fell to zero on 2020-01-01" in ran.stdout


def test_results_do_not_tell_where_the_data_lie_on_this_machine(bt_run):
    """The path is as it was typed; the sha256 tells which file it was."""
    data = json.loads(bt_run(*"backtest -s rsi -d btc_1d.csv --json -".split()).stdout)["data"]

    assert ("btc_1d.csv", 64) == (data["path"], len(data["sha256"]))


def test_a_file_in_the_current_folder_wins_over_the_data_folder_and_the_shipped_one(bt_run, work, tmp_path):
    """The lookup goes from near to far."""
    header = "date,open,high,low,close,volume\n"
    rows = [f"2024-01-{day:02},10,11,9,10,5\n" for day in range(1, 31)]
    own, near = tmp_path / "own", work
    own.mkdir()
    (own / "btc_1d.csv").write_text(header + "".join(rows[:20]))
    words = "backtest -s rsi -d btc_1d.csv --json -".split()
    shipped = json.loads(bt_run(*words).stdout)["data"]["bars"]
    mine = json.loads(bt_run(*words, env={"BT_RUN_DATA_DIR": str(own)}).stdout)["data"]["bars"]
    (near / "btc_1d.csv").write_text(header + "".join(rows[:25]))
    here = json.loads(bt_run(*words, "--data-dir", str(own)).stdout)["data"]["bars"]

    assert (3000, 20, 25) == (shipped, mine, here)


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        ("-s rsii -d btc_1d.csv", 2, "Did you mean 'rsi'?"),
        ("-s rsi -d nowhere.csv", 3, "nowhere.csv"),
        ("-s rsi -d btc_1d.csv -p perid=3", 4, "Did you mean 'period'?"),
        ("-s rsi -d btc_1d.csv -p period=1", 4, "must lie in 2 to 200"),
        ("-s rsi -d btc_1d.csv -p period=x", 4, "period"),
        ("-s ./no.py:Mine -d btc_1d.csv", 4, "no.py"),
        ("-s rsi -d btc_1d.csv --cash 0", 2, "Cash"),
        ("-s rsi -d btc_1d.csv --commission 2", 2, "Commission"),
        ("-s rsi -d btc_1d.csv --stake much", 2, "100USDT"),
        ("-s rsi -d btc_1d.csv --stake 0.5BTC", 2, "Write 0.5 for that much"),
        ("-s rsi -d btc_1d.csv --stake 100EUR", 2, "not in the asset"),
        ("-s rsi -d btc_1d.csv --slippage 0.1", 2, "Write 0.1% for 0.1 percent"),
        ("-s rsi -d btc_1d.csv --stop-loss 5 --trailing-stop 3", 2, "trailing"),
        ("-s rsi -d btc_1d.csv --interval 1h", 2, "1h"),
        ("-s rsi -d btc_1d.csv --from 1999-13-01", 2, "2024-01-31"),
        ("-s rsi -d btc_1d.csv --from 2090-01-01", 3, "no bar lies in the range"),
        ("-s rsi -d btc_1d.csv --plot out.jpg", 2, ".svg"),
        ("-s rsi -d btc_1d.csv --json no/such/folder.json", 2, "does not exist"),
    ],
)
def test_mistakes_are_one_or_two_sentences_with_the_next_step(
    bt_run, work, words: str, code: int, expected: str
):
    """Exit code by kind of mistake; no traceback; nothing written."""
    ran = bt_run("backtest", *words.split())

    assert code == ran.returncode
    assert expected in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(work.iterdir()) == []


def test_a_strategy_that_raises_shows_the_users_traceback_and_the_bar(bt_run, work):
    """Exit 4; the user's own line and the time of the bar; none of our frames."""
    (work / "bad.py").write_text(
        "import backtrader as bt\n\n\nclass Bad(bt.Strategy):\n"
        "    def next(self):\n        if len(self) == 11:\n            self.missing_thing()\n"
    )
    ran = bt_run("backtest", "-s", "./bad.py:Bad", "-d", "btc_1d.csv")

    assert ran.returncode == 4
    assert ran.stderr.startswith("Traceback")
    assert "self.missing_thing()" in ran.stderr
    assert "Error: Bad raised AttributeError at bar 10, 2017-08-27T00:00:00Z" in ran.stderr
    assert "cerebro.py" not in ran.stderr


def test_a_plain_backtrader_class_of_a_tutorial_runs_unchanged(bt_run, work):
    """next(), bt.talib and no word of ours; its indicators are drawn."""
    (work / "tutorial.py").write_text(
        "import backtrader as bt\n\n\nclass RsiStrategy(bt.Strategy):\n"
        "    def __init__(self):\n        self.rsi = bt.talib.RSI(self.data, period=14)\n\n"
        "    def next(self):\n"
        "        if self.rsi < 30 and not self.position:\n            self.buy(size=1)\n"
        "        if self.rsi > 70 and self.position:\n            self.close()\n"
    )
    ran = bt_run(
        "backtest",
        "-s",
        "./tutorial.py",
        "-d",
        "btc_1d.csv",
        "--cash",
        "1000000",
        "--json",
        "-",
        "--plot",
        "p.png",
    )
    own = bt_run(
        "backtest", "-s", "rsi", "-d", "btc_1d.csv", "--cash", "1000000", "--stake", "1", "--json", "-"
    )

    assert json.loads(own.stdout)["trades"] == json.loads(ran.stdout)["trades"] != []
    assert (work / "p.png").exists()


def wait_until(condition, *, seconds: float) -> bool:
    """Poll until the condition holds or the time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_ctrl_c_prints_a_line_leaves_nothing_and_exits_130(bt_run_started, work):
    """Interrupted in the middle of a long run, the folder is as it was."""
    (work / "slow.py").write_text(
        "import pathlib\nimport backtrader as bt\n\n\nclass Slow(bt.Strategy):\n"
        "    def next(self):\n"
        "        if len(self) == 5:\n            pathlib.Path('started').touch()\n"
        "        while len(self) >= 5:\n            pass\n"
    )
    words = ["backtest", "-s", "./slow.py:Slow", "-d", "btc_1d.csv", "--json", "r.json", "--plot", "p.png"]
    process = bt_run_started(*words)
    assert wait_until((work / "started").exists, seconds=60)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "Interrupted" in said
    assert "Traceback" not in said
    assert {"slow.py", "started"} == {path.name for path in work.iterdir()}


def test_numbers_in_the_table_are_those_of_the_json(bt_run):
    """The table rounds; it does not reckon."""
    words = "backtest -s sar -d btc_1d.csv".split()
    table = bt_run(*words).stdout
    metrics = json.loads(bt_run(*words, "--json", "-").stdout)["metrics"]

    assert f"{metrics['equity_final']:,.2f}" in table
    assert f"{metrics['sharpe']:.2f}" in table
    assert f"{metrics['max_drawdown_pct']:.2f}" in table


def test_a_headerless_file_given_by_path_tells_its_symbol_and_interval(bt_run, work):
    """Twelve columns with seconds, as the python-binance tutorials write them."""
    rng = np.random.default_rng(3)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 500)))
    opens = [1_600_000_200 + 900 * place for place in range(500)]
    rows = "\n".join(
        f"{second}.0,{c},{c * 1.01},{c * 0.99},{c},5.0,{(second + 900) * 1000 - 1},500.0,7,2.0,200.0,0"
        for second, c in zip(opens, closes, strict=True)
    )
    path = Path(work / "ETHUSDT-15m.csv")
    path.write_text(rows + "\n")
    data = json.loads(bt_run("backtest", "-s", "sar", "-d", str(path), "--json", "-").stdout)["data"]

    assert ("ETHUSDT", "15m", 500) == (data["symbol"], data["interval"], data["bars"])


BARS = "date,open,high,low,close,volume\n" + "".join(f"2024-01-{day:02},10,11,9,10,5\n" for day in range(1, 31))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("-d own.csv --trades own.csv", "is read by this run"),
        ("-d own.csv --trades ./own.csv", "is read by this run"),
        ("-d own.csv --json r.out --trades r.out", "two results"),
        ("-d own.csv --trades -", "Only --json"),
    ],
)
def test_results_destroy_neither_the_data_nor_each_other(bt_run, work, words: str, expected: str):
    """Refused before the run; the bars are as they were."""
    (work / "own.csv").write_text(BARS)
    ran = bt_run("backtest", "-s", "sar", *words.split())

    assert ran.returncode == 2
    assert expected in ran.stderr
    assert BARS == (work / "own.csv").read_text()
    assert ["own.csv"] == [path.name for path in work.iterdir()]


@pytest.mark.parametrize("engine", ["auto", "backtrader"])
def test_an_indicator_longer_than_the_data_is_a_sentence(bt_run, work, engine):
    """Backtrader raises an IndexError from inside, which tells nobody what to do."""
    (work / "mine.py").write_text(
        "import backtrader as bt\n"
        "class Mine(bt.Strategy):\n"
        "    def __init__(self):\n        self.ma = bt.ind.SMA(period=200)\n"
        "    def next(self):\n        pass\n"
    )
    words = ("backtest", "-s", "mine.py", "-d", "btc_1d.csv", "--to", "2017-10-01", "--engine", engine)
    ran = bt_run(*words)

    assert ran.returncode == 4
    assert "An indicator of Mine needs more than the 46 bars" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_strategy_that_ends_the_program_has_failed(bt_run, work):
    """sys.exit() in next() is exit 4 with the bar, not an exit code of ours."""
    (work / "quit.py").write_text(
        "import sys\nimport backtrader as bt\n\n\nclass Quit(bt.Strategy):\n"
        "    def next(self):\n        sys.exit(5)\n"
    )
    ran = bt_run("backtest", "-s", "./quit.py:Quit", "-d", "btc_1d.csv")

    assert ran.returncode == 4
    assert "Quit raised SystemExit at bar 0" in ran.stderr


def test_an_indicator_of_an_indicator_is_drawn_with_it_and_not_over_the_price():
    """Backtrader's quickstart smooths an RSI: the line belongs into the RSI's panel."""

    class Smoothed(bt.Strategy):
        def __init__(self):
            rsi = bt.indicators.RSI(self.data.close)
            bt.indicators.SmoothedMovingAverage(rsi, period=10)
            bt.indicators.SimpleMovingAverage(self.data, period=15)

    data = load_data(DataRequest("btc_1d.csv"))
    loaded = LoadedStrategy("smoothed", Smoothed, {}, Path(__file__))
    outcome = run_cerebro(loaded, data, BacktestSettings())
    (rsi, smoothed), (average,) = sorted(outcome.panels), outcome.overlays

    assert smoothed.startswith(f"{rsi} ")
    assert "SimpleMovingAverage" in average


def test_terminating_a_comparison_ends_its_processes(bt_run_started, work):
    """SIGTERM: exit 143, no worker goes on, nothing is written."""
    (work / "slow.py").write_text(
        "import os, pathlib\nimport backtrader as bt\n\n\nclass Slow(bt.Strategy):\n"
        "    def next(self):\n"
        "        if len(self) == 5:\n            pathlib.Path(f'pid{os.getpid()}').touch()\n"
        "        while len(self) >= 5:\n            pass\n"
    )
    words = "compare -s ./slow.py:Slow -s ./slow.py:Slow -d btc_1d.csv --jobs 2 --json r.json".split()
    process = bt_run_started(*words)
    assert wait_until(lambda: len(list(work.glob("pid*"))) == 2, seconds=60)
    workers = [int(path.name[3:]) for path in work.glob("pid*")]
    process.terminate()
    _, said = process.communicate(timeout=30)

    assert process.returncode == 143
    assert "Terminated" in said
    assert wait_until(lambda: not any(Path(f"/proc/{worker}/stat").exists() for worker in workers), seconds=10)
    assert not (work / "r.json").exists()


def test_bootstrap_says_how_much_may_be_luck(bt_run, work):
    """Below the table in words and numbers, and in the JSON file; without it neither."""
    ran = bt_run("backtest", "-s", "rsi", "-d", "btc_1d.csv", "--bootstrap", "200", "--json", "out.json")
    told = json.loads((work / "out.json").read_text())
    plain = bt_run("backtest", "-s", "rsi", "-d", "btc_1d.csv", "--json", "-")

    assert ran.returncode == 0, ran.stderr
    assert "Luck or skill" in ran.stdout
    assert "95% of 200 resamples" in ran.stdout
    assert max(len(line.rstrip()) for line in ran.stdout.splitlines()) <= 80
    assert 1 == told["luck"]["trials"]
    assert 200 == told["luck"]["bootstrap"]["resamples"]
    assert "luck" not in json.loads(plain.stdout)
