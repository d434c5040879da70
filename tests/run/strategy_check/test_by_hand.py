"""Hand-written strategies: what they order is compared, and what cannot be seen is said."""

from __future__ import annotations

from itertools import takewhile

import pytest

from bt_run.run.strategy_check.check import check_strategy, run_checks

GOOD = """
class Mine(bt.Strategy):
    params = (("period", 20),)
    def __init__(self):
        self.ma = bt.ind.SMA(period=self.p.period)
    def next(self):
        if not self.position and self.data.close[0] > self.ma[0]:
            self.buy()
        elif self.position and self.data.close[0] < self.ma[0]:
            self.close()
"""

NEXT_BAR = """
class Mine(bt.Strategy):
    def next(self):
        rises = self.data.close[1] > self.data.close[0]
        if not self.position and rises:
            self.buy()
        elif self.position:
            self.close()
"""

SELDOM = """
class Mine(bt.Strategy):
    def next(self):
        if not self.position and self.data.close[1] > self.data.close[0]:
            self.buy()
        elif self.position:
            self.close()
"""

GUARDED = """
class Mine(bt.Strategy):
    def next(self):
        has_more = len(self) < self.data.buflen()
        if not self.position and has_more and self.data.close[1] > self.data.close[0]:
            self.buy()
        elif self.position:
            self.close()
"""

WHOLE_ARRAY = """
class Mine(bt.Strategy):
    def start(self):
        self.mean = sum(self.data.close.array) / len(self.data.close.array)
    def next(self):
        if not self.position and self.data.close[0] < self.mean:
            self.buy()
        elif self.position and self.data.close[0] > self.mean:
            self.close()
"""

REPAINTS = """
class Ahead(bt.Indicator):
    lines = ("ahead",)
    def next(self):
        self.lines.ahead[0] = self.data.close[0]
    def once(self, start, end):
        closes = self.data.close.array
        for bar in range(start, end):
            self.lines.ahead.array[bar] = closes[min(bar + 1, len(closes) - 1)]

class Mine(bt.Strategy):
    def __init__(self):
        self.ma = bt.ind.SMA(period=20)
        Ahead(self.data)
    def next(self):
        if not self.position and self.data.close[0] > self.ma[0]:
            self.buy()
        elif self.position and self.data.close[0] < self.ma[0]:
            self.close()
"""

RANDOM = """
class Mine(bt.Strategy):
    def next(self):
        if np.random.random() < 0.3:
            self.close() if self.position else self.buy()
"""

STATE = """
class Mine(bt.Strategy):
    runs = []
    def start(self):
        self.runs.append(1)
    def next(self):
        if len(self) % (3 + len(self.runs)) == 0:
            self.close() if self.position else self.buy()
"""


def findings(subject):
    """Give the findings by check, without those about engines."""
    return {one.check: one for one in takewhile(lambda one: one.check != "Parameters", run_checks(subject))}


def test_a_good_one_passes_and_hears_what_cannot_be_seen(subject_of):
    """Orders agree on prefixes, and indicators settle."""
    found = findings(subject_of(GOOD))

    assert "ok" == found["Look-ahead"].status
    assert "Not seen" in found["Look-ahead"].text
    assert "ok" == found["Determinism"].status
    assert "after 19 bars" in found["Warm-up"].text
    assert "failed" not in {one.status for one in found.values()}


@pytest.mark.parametrize("code", [GUARDED, WHOLE_ARRAY])
def test_looking_ahead_is_found_by_the_orders(subject_of, code):
    """A glance at [1] with a guard, and the mean of the feed's whole array."""
    finding = findings(subject_of(code))["Look-ahead"]

    assert "failed" == finding.status
    assert "bar " in finding.text
    assert "[1] has not come" in finding.advice


def test_an_indicator_that_looks_ahead_is_found_although_it_changes_no_order(subject_of):
    """It is named with its first such bar; the orders were the same, so this is a warning."""
    finding = findings(subject_of(REPAINTS))["Look-ahead"]

    assert "warning" == finding.status
    assert "Ahead" in finding.text
    assert "it changes when later bars come" in finding.text


def test_an_unguarded_glance_at_the_next_bar_is_told_from_a_bug(subject_of):
    """It fails at the last bar of any data, which is what reaching too far looks like."""
    finding = findings(subject_of(NEXT_BAR))["Look-ahead"]

    assert "failed" == finding.status
    assert "last bar of any data" in finding.text


def test_a_glance_that_fails_on_some_data_alone_is_found(subject_of):
    """It looks only while it holds nothing, so all the data pass and a prefix does not."""
    finding = findings(subject_of(SELDOM))["Look-ahead"]

    assert "failed" == finding.status
    assert "and not on all" in finding.text


def test_an_indicator_longer_than_the_data_is_no_crash(subject_of):
    """Backtrader raises an IndexError of its own there; it is told what is missing."""
    found = findings(subject_of(GOOD, bars=15))

    assert "needs more than the 15 bars" in found["Run"].text
    assert "left out" == findings(subject_of(GOOD, bars=30))["Warm-up"].status


def test_a_strategy_that_raises_is_a_finding(subject_of):
    """A bug is not a look-ahead."""
    code = GOOD.replace("if not self.position", "if len(self) == 30: 1 / 0\n        if not self.position")
    found = findings(subject_of(code))

    assert "failed" == found["Run"].status
    assert "ZeroDivisionError at bar 29" in found["Run"].text


@pytest.mark.parametrize("code", [RANDOM, STATE])
def test_chance_and_state_are_found(subject_of, code):
    """The second run orders something else; prefixes are then left out."""
    found = findings(subject_of(code))

    assert "failed" == found["Determinism"].status
    assert "left out" == found["Look-ahead"].status


def test_one_that_never_trades_is_a_warning(subject_of):
    """Nothing was compared."""
    found = findings(subject_of("class Mine(bt.Strategy):\n    def next(self):\n        pass\n"))

    assert "warning" == found["Look-ahead"].status
    assert "left out" == found["Warm-up"].status


def test_indicators_that_never_settle_are_a_warning(subject_of):
    """A total from the first bar on."""
    code = GOOD.replace("bt.ind.SMA(period=self.p.period)", "bt.ind.Accum(self.data.close)")
    finding = findings(subject_of(code))["Warm-up"]

    assert "warning" == finding.status


def test_signals_with_a_next_of_their_own_are_checked_both_ways(subject_of):
    """The signals are clean, and what next orders is not."""
    code = """
    class Mine(SignalStrategy):
        @staticmethod
        def signals(bars, p):
            up = bars.close > bars.open
            return Signals(long_entry=up, long_exit=~up)
        def next(self):
            if len(self) < self.data.buflen() and self.data.close[1] > self.data.close[0]:
                self.close() if self.position else self.buy()
    """
    report = check_strategy(subject_of(code))
    ahead = [one.status for one in report.findings if one.check == "Look-ahead"]

    assert ["ok", "failed"] == ahead
