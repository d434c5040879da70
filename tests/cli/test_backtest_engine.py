"""``bt-run backtest --engine``: what the user is told about engines."""

from __future__ import annotations

import pytest

TIMED = """
import datetime
import backtrader as bt


class Timed(bt.Strategy):
    def __init__(self):
        print("made")
        if {timer}:
            self.add_timer(when=datetime.time(12))

    def next(self):
        if len(self) % 50 == 0:
            self.close() if self.position else self.buy()
"""


@pytest.fixture
def timed(work):
    """Give a function that writes a hand-written strategy, with a timer or without."""

    def write(*, timer):
        (work / "timed.py").write_text(TIMED.format(timer=timer))

    return write


def test_a_hand_written_strategy_runs_accelerated(bt_run, timed):
    """The line under the table names the engine."""
    timed(timer=False)
    ran = bt_run("backtest", *"-s timed.py -d btc_1d.csv".split())

    assert 0 == ran.returncode, ran.stderr
    assert "accelerated engine" in ran.stdout
    assert "Engine:" not in ran.stdout


def test_what_is_not_covered_runs_in_stock_backtrader_and_says_why(bt_run, timed):
    """The strategy is made once, not once an engine."""
    timed(timer=True)
    ran = bt_run("backtest", *"-s timed.py -d btc_1d.csv".split())

    assert 0 == ran.returncode, ran.stderr
    assert "backtrader engine" in ran.stdout
    assert "Engine: not the accelerated engine, because it has timers." in ran.stdout
    assert 1 == ran.stdout.count("made")


def test_an_engine_that_is_named_runs_or_says_what_to_do(bt_run, timed):
    """Exit code 2, and nothing but the sentence."""
    timed(timer=True)
    ran = bt_run("backtest", *"-s timed.py -d btc_1d.csv --engine accelerated".split())

    assert 2 == ran.returncode
    assert "The accelerated engine cannot run this: it has timers. Use --engine auto." in ran.stderr
