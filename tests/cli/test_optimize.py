"""``bt-run optimize`` as a user types it."""

from __future__ import annotations

import csv
import json
import shlex
import signal
import sqlite3
import time

import pytest

BARS = "--data btc_1d.csv --from 2024-01-01 --to 2024-12-31".split()
WORDS = ["optimize", "--strategy", "rsi", *BARS, "--param", "period=10:12", "--param", "oversold=25:35:5"]

TWO = [*WORDS, "-m", "return", "-m", "max_drawdown"]


def test_the_best_the_map_the_neighbours_and_the_command(bt_run, work):
    """And the files, each told; nothing is wider than the terminal but the command to copy."""
    ran = bt_run(*WORDS, "--out", "a.sqlite", "--plot", "map.png", "--csv", "a.csv", "--json", "a.json")
    found = json.loads((work / "a.json").read_text())
    rows = list(csv.DictReader((work / "a.csv").read_text().splitlines()))

    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert max(len(line) for line in lines if not line.startswith("bt-run")) <= 80
    usual = ("9 combinations · grid", "Best by sharpe", "Sharpe by period")
    assert all(words in ran.stdout for words in usual)
    assert lines[-4:] == ["Wrote a.csv", "Wrote a.json", "Wrote map.png", "Wrote a.sqlite"]
    assert (work / "map.png").read_bytes().startswith(b"\x89PNG")
    assert [*range(9)] == [int(row["number"]) for row in rows]
    assert found["counts"] == {"tried": 9, "failed": 0, "eligible": 9}
    assert float(rows[found["best"][0]["number"]]["sharpe"]) == max(float(row["sharpe"]) for row in rows)
    assert found["map"]["values"][0][0] == float(rows[0]["sharpe"])


def test_the_best_is_judged_after_so_many_tries(bt_run, work):
    """In words and numbers, and in the JSON file: nine tries, all of them in the cross-validation."""
    ran = bt_run(*WORDS, "--out", "a.sqlite", "--json", "a.json")
    luck = json.loads((work / "a.json").read_text())["luck"]

    assert "Luck or skill" in ran.stdout
    assert "The best of 9 tries" in " ".join(ran.stdout.split())
    assert luck["sentences"][0] in ran.stdout
    for words in ("Deflated Sharpe", "Overfitting", "resamples", "Above the market"):
        assert words in ran.stdout
    assert (9, 9) == (luck["trials"], luck["overfitting"]["trials"])
    assert luck["deflated_sharpe"] < luck["probabilistic_sharpe"]


def test_the_command_it_prints_makes_the_same_run(bt_run):
    """Costs, shorts, stops, a fixed parameter and the dates go with it; from the environment too."""
    ran = bt_run(
        *WORDS, "--allow-short", "--slippage", "0.05%", "--stake", "1000USDT", "--stop-loss", "8",
        "--json", "-", "--strategy", "rsi:overbought=65.5", env={"BT_RUN_OPTIMIZE_COMMISSION": "0.2%"},
    )  # fmt: skip
    found = json.loads(ran.stdout)
    again = json.loads(bt_run(*shlex.split(found["command"])[1:], "--json", "-").stdout)

    best = found["best"][0]
    assert again["settings"] | {"engine": "auto", "engine_note": ""} == {
        "cash": 10000.0, "commission": 0.002, "slippage": 0.0005, "stake": "1000USDT", "engine": "auto",
        "lot_step": 1e-8, "allow_short": True, "stop_loss_pct": 8.0, "take_profit_pct": None,
        "trailing_stop_pct": None, "engine_note": "",
    }  # fmt: skip
    assert again["strategy"]["params"] == best["params"]
    assert {name: again["metrics"][name] for name in best["metrics"]} == pytest.approx(
        best["metrics"], rel=1e-9
    )


def test_several_metrics_give_the_front(bt_run):
    """Every one on it is beaten by none."""
    ran = bt_run(*TWO, "--json", "-")
    front = [trial["metrics"] for trial in json.loads(ran.stdout)["front"]]
    returns = [metrics["return_pct"] for metrics in front]
    falls = [metrics["max_drawdown_pct"] for metrics in front]

    assert returns == sorted(returns, reverse=True)
    assert falls == sorted(falls, reverse=True)
    assert (
        "Pareto front of return_pct and max_drawdown_pct"
        in bt_run(*WORDS, "-m", "return", "-m", "max_drawdown").stdout
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--metric", "sharp"], 2, "Did you mean 'sharpe'"),
        (["--param", "perod=5:6"], 4, "Did you mean 'period'"),
        (["--param", "perod=5:6", "--data", "absent.csv"], 4, "Did you mean 'period'"),  # before bars are read
        (["--require", "sharpe>1"], 2, "not a condition"),
        (["--map", "overbought"], 2, "no parameter that this search moves 'overbought'"),
        (["--trials", "5"], 2, "--method random"),
        (["--resume", "--overwrite"], 2, "Give one of them"),
        (["--resume"], 2, "no sweep"),
        (["--out", "absent/a.sqlite"], 2, "absent does not exist"),
        (["--min-trades", "10000"], 2, "None of the 9 combinations has a sharpe and keeps trades>=10000"),
    ],
)
def test_bad_input_is_named(bt_run, words, code, message):
    """With what to do next, and an exit code by kind."""
    ran = bt_run(*WORDS, *words)

    assert (code, True) == (ran.returncode, message in ran.stderr), ran.stderr


def test_a_strategy_that_fails_for_some_is_shown_and_for_all_is_an_error(bt_run, work):
    """The rest is ranked."""
    (work / "moody.py").write_text(
        "import backtrader as bt\n\n\nclass Moody(bt.Strategy):\n    params = (('mood', 1),)\n\n"
        "    def next(self):\n        if self.p.mood > 1:\n            raise ValueError('not today')\n"
        "        self.close() if self.position else self.buy()\n"
    )
    words = ["optimize", "-s", "./moody.py:Moody", *BARS, "--jobs", "1"]
    some, every = bt_run(*words, "-p", "mood=1:3"), bt_run(*words, "-p", "mood=2:3")

    assert some.returncode == 0, some.stderr
    assert "2 failed, the first: Moody raised ValueError" in " ".join(some.stdout.split())
    assert "traceback above" not in " ".join(some.stdout.split())  # there is none
    assert every.returncode == 4
    assert "All 2 combinations failed. The first: Moody raised ValueError" in every.stderr


def test_ctrl_c_keeps_what_was_done_and_resume_goes_on(bt_run, bt_run_started, work):
    """The best so far is printed, and afterwards the rest is run."""
    words = ["optimize", "-s", "rsi", "-d", "btc_1d.csv", "-p", "period=5:60", "-p", "oversold=20:40:5",
             "--engine", "backtrader", "--jobs", "1", "--out", "a.sqlite"]  # fmt: skip
    child = bt_run_started(*words)
    until = time.monotonic() + 60
    while not _written(work / "a.sqlite-wal") and child.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    said, complained = child.communicate(timeout=60)
    done = _count(work / "a.sqlite")

    assert child.returncode == 130, complained
    assert "stopped, --resume goes on" in " ".join(said.split())
    assert "Best by sharpe" in said
    assert 0 < done < 280
    ran = bt_run(*words, "--resume", "--timeout", "0.3")
    assert ran.returncode == 0, ran.stderr
    assert "stopped by --timeout, --resume goes on" in " ".join(ran.stdout.split())
    assert done < _count(work / "a.sqlite") < 280
    assert not (work / "a.sqlite-wal").exists()


def _written(path):
    return path.exists() and path.stat().st_size > 90_000


def _count(path):
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT count(*) FROM trials").fetchone()[0]
    connection.close()
    return found


def test_help_shows_examples(bt_run):
    """And loads nothing heavy."""
    ran = bt_run("optimize", "--help")

    assert ran.returncode == 0
    assert "bt-run optimize -s rsi -d btc_1d.csv --param period=5:30 --param oversold=20:40:5" in ran.stdout
