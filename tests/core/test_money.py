"""Roundings and stakes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import ConfigError
from bt_run.core.money import Stake, parse_fraction, parse_percent, round_down

STEPS = st.sampled_from([1e-8, 1e-5, 0.001, 0.01, 0.1, 1.0, 5.0, 10.0])


@given(size=st.floats(0, 1e7), step=STEPS)
def test_round_down_never_goes_up_by_more_than_a_float_and_loses_less_than_a_step(size: float, step: float):
    """The result is at most the size and more than the size less one step, to a float's width."""
    found = round_down(size, step)

    assert found <= size * (1 + 1e-15)
    assert size - found < step * (1 + 1e-6) + size * 1e-15


@given(count=st.integers(0, 10**12), step=STEPS)
def test_round_down_keeps_multiples_of_the_step(count: int, step: float):
    """A size that is a whole number of steps is not changed."""
    size = float(Decimal(count) * Decimal(str(step)))

    assert size == round_down(size, step)


def test_round_down_gives_the_float_nearest_to_the_decimal():
    """0.1234567899 at 1e-8 is the float that prints as 0.12345678."""
    assert repr(round_down(0.1234567899, 1e-8)) == "0.12345678"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.01", Stake(0.01, "base")),
        ("100USDT", Stake(100.0, "quote", "USDT")),
        ("100 usdt", Stake(100.0, "quote", "USDT")),
        ("95%", Stake(95.0, "percent")),
        ("100%", Stake(100.0, "percent")),
    ],
)
def test_stake_reads_base_quote_and_percent(text: str, expected: Stake):
    """The three ways to say how much to buy."""
    assert expected == Stake.parse(text)


@pytest.mark.parametrize("text", ["", "0", "-1", "101%", "abc", "1e5", "nan", "10 % of it", "%"])
def test_stake_refuses_what_it_does_not_understand(text: str):
    """Nothing, less than nothing, more than everything and nonsense are errors."""
    with pytest.raises(ConfigError):
        Stake.parse(text)


@pytest.mark.parametrize(
    ("stake", "expected"), [("0.5", 0.5), ("100USDT", 0.3333), ("50%", 16.6666), ("100%", 33.3333)]
)
def test_stake_sizes_from_equity_and_close(stake: str, expected: float):
    """With 10,000 of equity and a close of 300, rounded down to a step of 0.0001."""
    assert expected == Stake.parse(stake).size(equity=10_000.0, close=300.0, lot_step=0.0001)


@pytest.mark.parametrize("text", ["0.5", "95%", "100USDT", "100usdt"])
def test_stake_fits_a_symbol_quoted_in_its_asset(text: str):
    """An amount without an asset, and a share of equity, fit every symbol."""
    Stake.parse(text).check_symbol("BTCUSDT")


@pytest.mark.parametrize(("text", "said"), [("1BTC", "Write 1 for that much"), ("100EUR", "not in the asset")])
def test_stake_in_another_asset_is_refused(text: str, said: str):
    """One bitcoin must never be taken for one of the quote asset."""
    with pytest.raises(ConfigError, match=said):
        Stake.parse(text).check_symbol("BTCUSDT")


def test_stake_of_a_ruined_account_is_nothing():
    """Negative equity sizes to 0, not to a short."""
    assert Stake.parse("95%").size(equity=-5.0, close=300.0, lot_step=1e-8) == 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.001", 0.001),
        ("0.1%", 0.001),
        (".5%", 0.005),
        ("50%", 0.5),
        (".02", 0.02),
        ("0", 0.0),
        ("1e-3", 0.001),
        ("7.5e-2%", 0.00075),
    ],
)
def test_fractions_are_read_exactly(text: str, expected: float):
    """0.1% is the float 0.001, not a neighbour of it."""
    assert expected == parse_fraction(text, what="Commission")


def test_a_bare_tenth_is_taken_for_a_forgotten_percent_sign():
    """A commission of 10 percent is hardly ever meant; the message shows both ways to write it."""
    with pytest.raises(ConfigError, match=r"10 percent.*Write 0\.1% for 0\.1 percent, or 10% if it is meant"):
        parse_fraction("0.1", what="Commission")


@pytest.mark.parametrize("text", ["1", "100%", "-0.1", "", "abc", "0.1 percent"])
def test_fractions_of_one_or_more_and_nonsense_are_refused(text: str):
    """A commission of 1 would be everything; 100 % likewise."""
    with pytest.raises(ConfigError, match="Commission"):
        parse_fraction(text, what="Commission")


def test_percent_takes_both_spellings():
    """5 and 5% are the same."""
    assert parse_percent("5", what="Stop-loss") == parse_percent("5%", what="Stop-loss") == 5.0


@pytest.mark.parametrize("text", ["0", "100", "-5", "x", ""])
def test_percent_refuses_the_ends_and_beyond(text: str):
    """A stop at 0 or at 100 percent is no stop."""
    with pytest.raises(ConfigError, match="Stop-loss"):
        parse_percent(text, what="Stop-loss")
