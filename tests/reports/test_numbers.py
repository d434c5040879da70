"""Numbers are short and never lie about being known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.reports.numbers import UNKNOWN, amount_text, percent_text, plain_text, tick_texts

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12_345.4, "12,345"),
        (123.456, "123.46"),
        (0.0, "0.00"),
        (0.00123456, "0.001235"),
        (1.234e-9, f"1.23e{MINUS}09"),
        (12_345_678.0, "12.35M"),
        (-5_000.0, f"{MINUS}5,000"),
        (None, UNKNOWN),
        (math.nan, UNKNOWN),
    ],
)
def test_amounts(value, text):
    """Amounts keep about four digits, large ones all before the point."""
    assert text == amount_text(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.34, "+12.3%"),
        (-12.34, f"{MINUS}12.3%"),
        (0.0, "0.0%"),
        (-0.001, "0.0%"),
        (12_345.6, "+12,346%"),
        (None, UNKNOWN),
    ],
)
def test_signed_percent(value, text):
    """Gains carry their sign, zero does not."""
    assert text == percent_text(value, signed=True)


def test_percent_without_sign():
    """A rate is written without a plus."""
    assert "61.5%" == percent_text(61.54)
    assert "1.00e+08%" == percent_text(1e8)


def test_plain_numbers():
    """Whole numbers have no decimals, others two."""
    assert "1,234" == plain_text(1234)
    assert "0.76" == plain_text(0.756)
    assert UNKNOWN == plain_text(math.inf)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.0, 25.0, 50.0], ["0", "25", "50"]),
        ([9_992.5, 9_995.0, 9_997.5], ["9,992.5", "9,995.0", "9,997.5"]),
        ([0.25, 0.5, 0.75], ["0.25", "0.50", "0.75"]),
        ([0.0, 1e6, 2e6], ["0", "1M", "2M"]),
        ([-500.0, 0.0], [f"{MINUS}500", "0"]),
        ([1.00e-9, 1.02e-9], [f"1.00e{MINUS}09", f"1.02e{MINUS}09"]),
        ([], []),
    ],
)
def test_labels_of_an_even_axis_share_their_decimals(values, texts):
    """Steps of a linear axis are all written, with the same number of decimals."""
    assert texts == tick_texts(values, even=True)


def test_labels_of_a_log_axis_are_each_as_short_as_can_be():
    """Decades need no common decimals."""
    assert ["0.5", "1", "20,000", "2M", "0.0001"] == tick_texts([0.5, 1.0, 20_000.0, 2e6, 1e-4], even=False)


@given(start=st.integers(-1000, 1000), step=st.sampled_from([1.0, 2.0, 2.5, 5.0]), power=st.integers(-12, 9))
def test_different_ticks_have_different_labels(start, step, power):
    """No two labels of an axis are the same."""
    values = [(start + number) * step * 10.0**power for number in range(5)]

    texts = tick_texts(values, even=True)

    assert len(values) == len(set(texts))
