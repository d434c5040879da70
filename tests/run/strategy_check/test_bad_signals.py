"""Signals that are bad in one way each: every one is found, and named."""

from __future__ import annotations

import numpy as np
import pytest

from bt_run.run.strategy_check.check import check_strategy, run_checks

GOOD = """
fast, slow = ma(bars.close, 5), ma(bars.close, 20)
return Signals(long_entry=fast > slow, long_exit=fast < slow, panels={"fast": fast})
"""


def found(subject, check):
    """Give the finding of one check; those behind it are not run."""
    return next(one for one in run_checks(subject) if one.check == check)


def test_a_good_strategy_passes_every_check(signals_of):
    """Nothing failed and nothing was warned of but the missing ranges, which it does not need."""
    report = check_strategy(signals_of(GOOD))

    assert not report.has_failed
    assert {"ok", "left out"} >= {one.status for one in report.findings}
    names = ["Look-ahead", "Determinism", "Warm-up", "Few bars", "Bars kept", "Parameters", "Engines"]
    assert names == [one.check for one in report.findings]


SHIFTED = """
up = np.zeros(len(bars), dtype=bool)
up[:-1] = bars.close[1:] > bars.close[:-1]   # as shift(-1) in pandas
return Signals(long_entry=up, long_exit=~up)
"""

PEEKING = """
up = np.zeros(len(bars), dtype=bool)
for i in range(len(bars)):
    up[i] = i + 1 < len(bars) and bars.close[i + 1] > bars.close[i]
return Signals(long_entry=up, long_exit=~up)
"""

FAR = """
up = np.zeros(len(bars), dtype=bool)
up[:-5] = bars.close[5:] > bars.close[:-5]
return Signals(long_entry=up, long_exit=~up)
"""

NORMALISED = """
if not len(bars):
    return Signals(long_entry=bars.close > 0, long_exit=bars.close > 0)
z = (bars.close - bars.close.mean()) / (bars.close.std() or 1.0)
return Signals(long_entry=z < -1, long_exit=z > 1, panels={"z": z})
"""

REVERSED = """
best = np.maximum.accumulate(bars.close[::-1])[::-1]
return Signals(long_entry=bars.close < best, long_exit=bars.close >= best)
"""

CURVE_ALONE = """
fast = ma(bars.close, 5)
middle = np.full(len(bars), np.mean(bars.close) if len(bars) else np.nan)
return Signals(long_entry=fast > bars.close, long_exit=fast < bars.close, overlays={"middle": middle})
"""

FILLED_BACK = """
fast = ma(bars.close, 20)
known = np.flatnonzero(~np.isnan(fast))
if len(known):
    fast[: known[0]] = fast[known[0]]   # as bfill in pandas
return Signals(long_entry=fast > bars.close, long_exit=fast < bars.close)
"""


@pytest.mark.parametrize(
    ("body", "array"),
    [
        (SHIFTED, "long_"),
        (PEEKING, "long_"),
        (FAR, "long_"),
        (NORMALISED, ""),
        (REVERSED, "long_"),
        (CURVE_ALONE, "middle"),
        (FILLED_BACK, "long_"),
    ],
)
def test_looking_ahead_is_found_and_the_array_named(signals_of, body, array):
    """Next bars, means of everything, maxima from the end, filling backwards: each fails by name and bar."""
    finding = found(signals_of(body), "Look-ahead")

    assert "failed" == finding.status, finding
    assert f" {array}" in finding.text
    assert "bar " in finding.text
    assert "202" in finding.text  # the bar's time


def test_the_first_bar_that_looks_ahead_is_named(signals_of):
    """The first day that is followed by a rise, from which on the decision changes a bar later."""
    subject = signals_of(SHIFTED)
    close = subject.data.bars.close
    first = int(np.flatnonzero(close[1:] > close[:-1])[0])

    assert f"bar {first} (" in found(subject, "Look-ahead").text


@pytest.mark.parametrize(("body", "words"), [(SHIFTED, "1 bar later"), (FAR, "5 bars later")])
def test_how_far_it_looks_is_told(signals_of, body, words):
    """The finding says after how many more bars the decision changes."""
    assert words in found(signals_of(body), "Look-ahead").text


def test_a_strategy_that_needs_the_whole_fails(signals_of):
    """Raising on fewer bars is a way to look ahead, too."""
    finding = found(
        signals_of("x = bars.close[399]\nreturn Signals(bars.close < x, bars.close > x)"), "Look-ahead"
    )

    assert "failed" == finding.status
    assert "on the first" in finding.text


def test_a_strategy_that_never_trades_is_a_warning(signals_of):
    """Prefixes that agree on nothing prove nothing."""
    body = "no = np.zeros(len(bars), dtype=bool)\nreturn Signals(long_entry=no, long_exit=no)"

    assert "warning" == found(signals_of(body), "Look-ahead").status


RANDOM = "up = np.random.random(len(bars)) < 0.5\nreturn Signals(long_entry=up, long_exit=~up)"

STATE = """
Mine.calls += 1
up = bars.close > ma(bars.close, 5 + Mine.calls)
return Signals(long_entry=up, long_exit=~up)
"""

LAST_LENGTH = """
late = Mine.seen
Mine.seen = len(bars)
up = bars.close > ma(bars.close, 5 if late == len(bars) else 7)
return Signals(long_entry=up, long_exit=~up)
"""

CLOCK = (
    "up = bars.close * (time.perf_counter_ns() % 1000) > 50_000\nreturn Signals(long_entry=up, long_exit=~up)"
)


@pytest.mark.parametrize(
    ("body", "around"),
    [(RANDOM, ""), (STATE, "calls = 0"), (LAST_LENGTH, "seen = 400")],
)
def test_chance_and_state_are_found(signals_of, body, around):
    """The second answer to the same bars differs, or the one after other bars; prefixes are then left out."""
    report = check_strategy(signals_of(body, around=around))
    by_name = {one.check: one for one in report.findings}

    assert "failed" == by_name["Determinism"].status
    assert "left out" == by_name["Look-ahead"].status
    assert report.has_failed


def test_changed_bars_are_found(signals_of):
    """Sorting in place, or filling what is missing, spoils the bars for all others."""
    body = "bars.close[:3] = 1.0\nup = bars.close > bars.open\nreturn Signals(long_entry=up, long_exit=~up)"
    finding = found(signals_of(body), "Bars kept")

    assert "failed" == finding.status
    assert "bars.close" in finding.text


def test_a_strategy_that_cannot_take_one_bar_fails(signals_of):
    """A live run may begin with as few."""
    body = "x = bars.close[1]\nreturn Signals(long_entry=bars.close > x, long_exit=bars.close < x)"
    finding = found(signals_of(body), "Few bars")

    assert "failed" == finding.status
    assert "on 1 bar: IndexError" in finding.text


def test_signals_that_raise_are_a_finding(signals_of):
    """Not a traceback: the checks that need signals are left, and it fails."""
    report = check_strategy(signals_of("return 1 / 0"))

    assert report.has_failed
    assert "ZeroDivisionError" in report.findings[0].text
    assert "Signals" == report.findings[0].check


def test_a_recursive_average_needs_history(signals_of):
    """An average that forgets a hundredth a bar takes hundreds; the needed history is named."""
    body = """
    slow = np.empty(len(bars))
    level = bars.close[0] if len(bars) else 0.0
    for i, price in enumerate(bars.close):
        level += (price - level) / 100
        slow[i] = level
    return Signals(long_entry=bars.close > slow, long_exit=bars.close < slow, panels={"slow": slow})
    """
    finding = found(signals_of(body, bars=3000, history=50), "Warm-up")

    assert "warning" == finding.status
    needed = int(finding.advice.split("--history ")[1].split(";")[0])
    assert 300 <= needed <= 1200


def test_a_window_settles_when_it_is_full(signals_of):
    """An average of twenty bars no longer knows the start after nineteen."""
    assert "curves after 4" in found(signals_of(GOOD), "Warm-up").text
    assert "after 19 bars" in found(signals_of(GOOD), "Warm-up").text


def test_a_running_total_never_settles(signals_of):
    """What adds up from the first bar decides otherwise live, which begins elsewhere."""
    body = """
    total = np.cumsum(np.sign(np.diff(bars.close, prepend=bars.close[:1])))
    return Signals(long_entry=total % 7 < 3, long_exit=total % 7 > 4)
    """
    finding = found(signals_of(body), "Warm-up")

    assert "warning" == finding.status
    assert "still depend" in finding.text


def test_a_running_total_that_only_turns_decide_is_a_warning(signals_of):
    """Decisions by its turns settle at once, but its level never does: that is told, and does not fail."""
    body = """
    total = np.cumsum(np.sign(np.diff(bars.close, prepend=bars.close[:1])))
    up = np.diff(total, prepend=total[:1]) > 0
    return Signals(long_entry=up, long_exit=~up, panels={"total": total})
    """
    finding = found(signals_of(body), "Warm-up")

    assert "warning" == finding.status
    assert "curves still do" in finding.text


def test_an_end_of_a_range_that_fails_is_named(signals_of):
    """The range promises what the code does not keep."""
    around = 'params = (("period", 5),)\nranges = {"period": (0, 50)}'
    body = "up = bars.close > ma(bars.close, 10 // p.period)\nreturn Signals(long_entry=up, long_exit=~up)"
    finding = found(signals_of(body, around=around), "Parameters")

    assert "failed" == finding.status
    assert "period=0" in finding.text


def test_a_default_out_of_its_range_is_told(signals_of):
    """Nothing could be run with it."""
    around = 'params = (("period", 5),)\nranges = {"period": (6, 50)}'
    report = check_strategy(signals_of(GOOD, around=around))

    assert report.has_failed
    assert "period is 5" in " ".join(one.text for one in report.findings)


def test_parameters_without_ranges_are_a_warning(signals_of):
    """A search would not know where to look."""
    finding = found(signals_of(GOOD, around='params = (("period", 5),)'), "Parameters")

    assert "warning" == finding.status
    assert "period" in finding.text
