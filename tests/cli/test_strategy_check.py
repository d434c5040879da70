"""``bt-run strategies check`` as a user runs it."""

from __future__ import annotations

import json

BAD = """
import numpy as np
from strategies.base import Signals, SignalStrategy

class Mine(SignalStrategy):
    @staticmethod
    def signals(bars, p):
        up = np.zeros(len(bars), dtype=bool)
        up[:-1] = bars.close[1:] > bars.close[:-1]
        return Signals(long_entry=up, long_exit=~up)
"""


def test_a_strategy_of_ours_passes_at_80_columns(bt_run):
    """Exit code 0, a line or more a check, no colour codes in a pipe."""
    ran = bt_run("strategies", "check", "-s", "rsi", "-d", "btc_1d.csv", "--to", "2019-06-30")

    assert ran.returncode == 0, ran.stderr
    assert "rsi: nothing to mend." in ran.stdout
    assert "Look-ahead" in ran.stdout
    assert "\x1b" not in ran.stdout
    assert max(len(line) for line in ran.stdout.splitlines()) <= 80


def test_a_strategy_that_looks_ahead_ends_with_4(bt_run, work):
    """The array and the bar are named, and scripts get JSON."""
    (work / "bad.py").write_text(BAD)
    ran = bt_run("strategies", "check", "-s", "bad.py:Mine", "-d", "btc_1d.csv", "--to", "2018-12-31", "--json")
    told = json.loads(ran.stdout)
    ahead = next(one for one in told["findings"] if one["check"] == "Look-ahead")

    assert ran.returncode == 4
    assert not told["passed"]
    assert "failed" == ahead["status"]
    assert "long_entry" in ahead["text"] or "long_exit" in ahead["text"]
    assert "1 bar later" in ahead["text"]


def test_a_short_history_is_a_warning_with_the_number_needed(bt_run):
    """A warning does not fail, and says what to give."""
    words = ("strategies", "check", "-s", "rsi", "-d", "btc_1d.csv", "--to", "2020-12-31", "--history", "50")
    ran = bt_run(*words)

    assert ran.returncode == 0
    assert "--history 200" in ran.stdout or "--history 100" in ran.stdout
    assert "1 warning" in ran.stdout


def test_long_data_are_checked_at_their_end(bt_run, shared):
    """How many bars the checks looked at is said, within 80 columns."""
    path = next((shared / "realdata" / "klines").glob("*/BTCUSDT_1m-2024-12.csv.gz"))
    ran = bt_run("strategies", "check", "-s", "rsi", "-d", str(path))

    assert ran.returncode == 0, ran.stderr
    assert "signals on the last 20,000, runs on the last 3,000" in ran.stdout.splitlines()
    assert max(len(line) for line in ran.stdout.splitlines()) <= 80


def test_quiet_says_nothing_and_the_code_tells(bt_run, work):
    """For scripts and hooks."""
    (work / "bad.py").write_text(BAD)
    words = ("strategies", "check", "-s", "bad.py", "-d", "btc_1d.csv", "--to", "2018-06-30", "--quiet")
    ran = bt_run(*words)

    assert (4, "") == (ran.returncode, ran.stdout)


def test_a_name_that_is_no_strategy_is_a_plain_error(bt_run):
    """As everywhere: the nearest name, exit code 2."""
    ran = bt_run("strategies", "check", "-s", "rsl", "-d", "btc_1d.csv")

    assert ran.returncode == 2
    assert "'rsi'" in ran.stderr
