"""Indicator rules: what is read, what is refused and where, and what they say over bars."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import talib
from hypothesis import example, given
from hypothesis import strategies as st
from talib import abstract

from bt_run.alerts.rules.catalogue import functions
from bt_run.alerts.rules.evaluate import curve_of, curves_at, firings, truth_of
from bt_run.alerts.rules.parse_error import ParseError
from bt_run.alerts.rules.parser import parse_rule
from bt_run.alerts.rules.syntax import (
    All,
    Any,
    Arithmetic,
    Call,
    Column,
    Compare,
    Cross,
    Negative,
    Not,
    Number,
    Rule,
)
from bt_run.cli.alerts_functions import call_text
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from strategies.macd import Macd
from strategies.rsi import Rsi


@pytest.fixture(scope="module")
def bars() -> Bars:
    """Give 400 bars of a random walk."""
    draw = np.random.default_rng(7)
    close = 60_000 * np.exp(np.cumsum(draw.normal(0, 0.01, 400)))
    opened = np.append(close[0], close[:-1])
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    volume = draw.uniform(1, 50, 400)
    times = 1_700_000_000_000 + 60_000 * np.arange(400)
    return Bars.of(times, open=opened, high=high, low=low, close=close, volume=volume)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("rsi(14) < 30 on 5m", "rsi(timeperiod=14) < 30 on 5m"),
        ("RSI(TimePeriod=14)<30", "rsi(timeperiod=14) < 30"),
        ("close crosses above sma(200)", "close crosses above sma(timeperiod=200)"),
        ("sma(volume, 20) * 2 < volume", "sma(volume, timeperiod=20) * 2 < volume"),
        ("sma(rsi(), 5) > 50", "sma(rsi(), timeperiod=5) > 50"),
        ("correl(close, volume) > .5", "correl(close, volume) > 0.5"),
        ("add(close, 5) > 3", "add(close, 5) > 3"),
        ("(close - open) / open > 1e-2", "(close - open) / open > 0.01"),
        ("-close < -(3 - 2)", "-close < -(3 - 2)"),
        ("not close > 3 or (close < 2 and low < 1)", "not close > 3 or close < 2 and low < 1"),
        ("(close > 3 or close < 2) and low < 1", "(close > 3 or close < 2) and low < 1"),
    ],
)
def test_a_rule_is_read(text: str, plain: str):
    """Capitals and blanks do not matter; the plain spelling reads as the same rule."""
    assert plain == str(parse_rule(text))
    assert parse_rule(plain) == parse_rule(text)


def test_an_output_is_chosen_by_name_or_by_its_short_name():
    """Where nothing is said, it is the first."""
    chosen = [
        parse_rule(f"macd(12,26,9){end} > 0").condition.left.output for end in ("", ".signal", ".macdhist")
    ]

    assert ["macd", "macdsignal", "macdhist"] == chosen


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("", 0, "The rule is empty"),
        ("rsi(14", 6, "',' or a ')' is missing"),
        ("rsi 14 < 3", 0, "Write rsi()"),
        ("rsj(14) < 3", 0, "Did you mean 'rsi'?"),
        ("rsi(timeperoid=3) < 3", 4, "Did you mean 'timeperiod'?"),
        ("rsi(1) < 3", 0, "does not take timeperiod=1: bad parameter"),
        ("rsi(2.5) < 3", 4, "a whole number"),
        ("rsi(14, 15) < 3", 8, "too much: rsi takes timeperiod"),
        ("rsi(timeperiod=3, 4) < 3", 18, "all others need one"),
        ("rsi(3, timeperiod=4) < 3", 18, "twice"),
        ("atr(close) < 3", 4, "timeperiod of atr is a number"),
        ("correl(price0=5, price1=close) < 3", 14, "is a curve"),
        ("correl(close, timeperiod=3) < 3", 0, "needs price1 too"),
        ("mavp() < 3", 0, "needs price and periods too"),
        ("macd().sig > 0", 7, "Outputs: macd, macdsignal, macdhist"),
        ("macd().macdsignl > 0", 7, "Did you mean 'macdsignal'?"),
        ("close", 0, "This is a number, not a condition"),
        ("close < 3 < 4", 10, "'<' is not expected"),
        ("close crosess above 3", 6, "Did you mean 'crosses'?"),
        ("close crosses over 3", 14, "comes 'above' or 'below'"),
        ("close & 3", 6, "Write 'and'"),
        ("close = 3", 6, "write '=='"),
        ("close < 3 on 5", 13, "comes an interval"),
        ("close < 3 on", 12, "comes an interval"),
        ("(close < 3) + 1 > 2", 7, "this is a condition"),
        ("close < ", 8, "The rule ends here"),
        ("close < 1e999", 8, "too large"),
        ("close < 3x", 8, "This is no number"),
        ("clsoe < 3", 0, "Did you mean 'close'?"),
        ("(" * 60 + "close < 3" + ")" * 60, 41, "within each other"),
    ],
)
def test_a_mistake_is_shown_at_its_place(text: str, at: int, words: str):
    """The message says what is wrong, with a caret below the place."""
    with pytest.raises(ParseError) as caught:
        parse_rule(text)

    assert at == caught.value.at
    assert words in caught.value.problem
    assert f"\n  {text}\n  {' ' * at}^" in str(caught.value)


# --- whatever is typed ----------------------------------------------------------------------------------------


@given(st.text(max_size=80) | st.text("rsimacdclose()<>=.,+-*/ 0123456789andotn5", max_size=80))
@example("rsi(99999999999999999999) < 3")
@example("not " * 100)
@example("-" * 400 + "1 < 2")
@example("x" * 501)
def test_no_text_does_more_than_raise_a_parse_error(text: str):
    """A rule is read, or refused at a place within the text."""
    try:
        rule = parse_rule(text)
    except ParseError as error:
        rule, at, words = None, error.at, str(error)

    if rule is None:
        assert 0 <= at <= len(text)
        assert words
    else:
        assert parse_rule(str(rule)) == rule


def is_no_number(curve) -> bool:
    """A bare number in the first place would be a parameter."""
    return not isinstance(curve.of if isinstance(curve, Negative) else curve, Number)


numbers = st.floats(0, 1e12, allow_nan=False).map(Number)
columns = st.sampled_from(BAR_COLUMNS[1:]).map(Column)
calls = st.one_of(
    st.integers(2, 90).map(lambda n: Call("RSI", values=(("timeperiod", float(n)),))),
    st.sampled_from(["macd", "macdsignal", "macdhist"]).map(
        lambda o: Call("MACD", output=o, is_only_output=False)
    ),
)
curves = st.recursive(
    numbers | columns | calls,
    lambda inner: (
        st.builds(Negative, inner)
        | st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner)
        | st.builds(lambda a, b: Call("CORREL", (a, b)), inner.filter(is_no_number), inner)
    ),
    max_leaves=5,
)
conditions = st.recursive(
    st.builds(Compare, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), curves, curves)
    | st.builds(Cross, st.sampled_from(["above", "below"]), curves, curves),
    lambda inner: st.builds(Not, inner) | st.builds(All, inner, inner) | st.builds(Any, inner, inner),
    max_leaves=4,
)


@given(st.builds(Rule, conditions, st.none() | st.sampled_from(["1s", "5m", "3d", "1M"]).map(Interval.parse)))
def test_what_is_written_is_read_as_the_same(rule: Rule):
    """The text of any rule leads back to it, within the length that a rule may have."""
    text = str(rule)
    if len(text) <= 500:
        assert rule == parse_rule(text)


# --- over bars ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", talib.get_functions())
def test_every_function_of_ta_lib_can_be_used(name: str, bars: Bars):
    """With its defaults, and each of its outputs; the values are TA-Lib's own."""
    function = functions()[name]
    inputs = (
        ", ".join("high" if item == "price0" else "close" for item in function.free)
        if function.needs_inputs
        else ""
    )
    for place, output in enumerate(function.outputs):
        chosen = f".{output}" if len(function.outputs) > 1 else ""
        rule = parse_rule(f"{name}({inputs}){chosen} > 0")
        with np.errstate(all="ignore"):
            given_columns = {
                column: getattr(bars, column) for column in ("open", "high", "low", "close", "volume")
            }
            told = abstract.Function(name)({**given_columns, "periods": bars.close})
        expected = told if len(function.outputs) == 1 else told[place]

        assert parse_rule(str(rule)) == rule
        np.testing.assert_array_equal(np.asarray(expected, float), curve_of(rule.condition.left, bars))


def test_the_page_of_rules_lists_every_function(root: Path):
    """As a rule calls it, with parameters and outputs."""
    page = (root / "docs" / "how-to" / "alert-rules.md").read_text(encoding="utf-8").splitlines()
    calls = [call_text(function) for function in functions().values()]

    assert len(calls) > 150
    assert [] == [call for call in calls if call not in page]


def test_a_rule_sees_what_a_strategy_sees(bars: Bars):
    """At the same bars, RSI below its bound and MACD's crossing."""
    rsi = Rsi.signals(bars, type("p", (), {"period": 14, "oversold": 30.0, "overbought": 70.0}))
    macd = Macd.signals(bars, type("p", (), {"fast": 12, "slow": 26, "signal": 9}))
    below = truth_of(parse_rule("rsi(14) < 30").condition, bars).holds
    up = firings(parse_rule("macd(12,26,9) crosses above macd(12,26,9).signal"), bars)

    assert below.any()
    assert up.any()
    np.testing.assert_array_equal(rsi.long_entry, below)
    np.testing.assert_array_equal(macd.long_entry, up)


def test_a_rule_fires_when_it_begins_to_hold(bars: Bars):
    """Once, not at every bar, and not at the first bar of which anything is known."""
    series = Bars.of(np.arange(8) * 60_000, close=[9.0, 9, 11, 12, 9, 8, 11, 9])
    rule = parse_rule("close > 10")

    assert [2, 6] == list(np.flatnonzero(firings(rule, series)))
    assert [5] == list(np.flatnonzero(firings(rule, series[2:])) + 1)


def test_what_is_not_known_holds_neither_way():
    """A comparison with an unknown volume is not true, and neither is its contrary."""
    series = Bars.of(np.arange(3) * 60_000, close=[1.0, 2, 3], volume=[5, math.nan, 7])

    assert [True, False, True] == list(truth_of(parse_rule("volume > 1").condition, series).holds)
    assert [False, False, False] == list(truth_of(parse_rule("not volume > 1").condition, series).holds)
    assert [True, True, True] == list(truth_of(parse_rule("volume > 9 or close > 0").condition, series).holds)
    assert [True, True, True] == list(
        truth_of(parse_rule("not (volume > 9 and close > 5)").condition, series).holds
    )


@pytest.mark.parametrize(
    "text", ["rsi(14) < 30", "close crosses above sma(20)", "not obv() / volume > 5 - macd().hist"]
)
def test_a_rule_does_not_look_ahead(text: str, bars: Bars):
    """What it says of a prefix is the prefix of what it says."""
    rule = parse_rule(text)
    whole = firings(rule, bars)
    for length in (0, 1, 30, 120, 250, 400):
        np.testing.assert_array_equal(whole[:length], firings(rule, bars[:length]))


def test_the_values_of_a_rule_can_be_told(bars: Bars):
    """Each curve by its text, for the message."""
    values = curves_at(parse_rule("not rsi(14) < 30 and close > 5"), bars, -1)

    assert {"rsi(timeperiod=14)": talib.RSI(bars.close, 14)[-1], "close": bars.close[-1]} == values
