"""Decimals go in and out as a person writes them, whatever the context of the thread."""

from __future__ import annotations

import decimal
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.amounts import common_step, exact, floor_to, minus, plus, ratio, text_of, times
from bt_run.core.errors import ConfigError

D = Decimal
AMOUNTS = st.decimals(min_value=0, max_value=D("1e11"), places=8)
STEPS = st.sampled_from(["0.00000001", "0.00001", "0.01", "0.05", "0.25", "1", "100", "0"]).map(D)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1e-8, "0.00000001"),
        (np.float64(0.3), "0.3"),
        (123456789.12345678, "123456789.12345678"),
        (100, "100"),
        ("1E+2", "100"),
        ("0.00100000", "0.001"),
        ("0E-8", "0"),
        (-0.0, "0"),
    ],
)
def test_what_is_written_is_what_was_meant(value, text):
    """No binary rest, no exponent, no zeros at the end."""
    assert text == text_of(exact(value))


@pytest.mark.parametrize("value", ["ten", "", float("nan"), float("inf"), "NaN", "-Infinity"])
def test_what_is_no_amount_is_refused(value):
    """An order of infinity is a bug of a strategy and is told as such."""
    with pytest.raises(ConfigError):
        exact(value)


def test_text_of_no_number_is_refused():
    """NaN must not reach a request."""
    with pytest.raises(ConfigError):
        text_of(D("NaN"))


@given(AMOUNTS)
def test_text_reads_back(amount):
    """The exchange reads the very same number."""
    assert amount == D(text_of(amount))
    assert "E" not in text_of(amount)


@given(AMOUNTS, STEPS)
def test_floor_is_the_multiple_below(amount, step):
    """Never above, less than a step below, and a multiple."""
    found = floor_to(amount, step)

    assert found <= amount
    assert found == floor_to(found, step)
    if step:
        assert amount - found < step
        assert found % step == 0
    else:
        assert amount == found


@given(STEPS, STEPS)
def test_a_common_step_is_a_multiple_of_both(first, second):
    """The smallest of them; 0 demands nothing."""
    step = common_step(first, second)

    assert all(not part or step % part == 0 for part in (first, second))
    if first and second:
        large, small = max(first, second), min(first, second)
        assert not [n for n in range(1, int(step / large)) if n * large % small == 0]
        assert step == common_step(second, first)


def test_the_context_of_the_thread_rounds_nothing():
    """A strategy may choose three digits; amounts keep all of theirs."""
    with decimal.localcontext() as context:
        context.prec = 3
        found = times(plus(D("1.23456789"), D("100")), D("3"))

        assert "303.70370367" == text_of(found)
        assert "-0.00000001" == text_of(minus(D("1"), D("1.00000001")))
        assert 28 == len(ratio(D(1), D(3)).as_tuple().digits)
