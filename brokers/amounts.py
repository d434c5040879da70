"""
Exact decimals: prices, quantities and fees as the exchange writes them.

Python's own operators round to the precision of the thread's decimal context, which any strategy may change.
Here every operation names its context, and one that would lose a digit raises instead.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ZERO", "common_step", "exact", "floor_to", "minus", "plus", "ratio", "text_of", "times", "total_of"]

ZERO = Decimal(0)

_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
_DIVIDE = Context(prec=28, traps=[InvalidOperation, DivisionByZero, Overflow])


def plus(a: Decimal, b: Decimal) -> Decimal:
    """Give a + b to the last digit."""
    return _EXACT.add(a, b)


def minus(a: Decimal, b: Decimal) -> Decimal:
    """Give a - b to the last digit."""
    return _EXACT.subtract(a, b)


def times(a: Decimal, b: Decimal) -> Decimal:
    """Give a * b to the last digit."""
    return _EXACT.multiply(a, b)


def ratio(a: Decimal, b: Decimal) -> Decimal:
    """Give a / b, rounded to 28 digits: the only inexact operation here."""
    return _DIVIDE.divide(a, b)


def total_of(amounts: Iterable[Decimal]) -> Decimal:
    """Add up to the last digit; 0 for nothing."""
    total = ZERO
    for amount in amounts:
        total = plus(total, amount)
    return total


def floor_to(amount: Decimal, step: Decimal) -> Decimal:
    """Round an amount >= 0 down to a multiple of `step`; a step of 0 rounds nothing."""
    if not step:
        return amount
    return times(_EXACT.divide_int(amount, step), step)


def common_step(a: Decimal, b: Decimal) -> Decimal:
    """Give the smallest step > 0 that is a multiple of both; a step of 0 demands nothing."""
    if not a or not b:
        return a or b
    first, second = Fraction(a), Fraction(b)
    over = math.lcm(first.numerator, second.numerator)
    under = math.gcd(first.denominator, second.denominator)
    return _EXACT.divide(Decimal(over), Decimal(under))


def exact(value: Decimal | float | str) -> Decimal:
    """
    Give the decimal that a person reads: 0.1 becomes 0.1, not the binary fraction nearest to it.

    Raises ConfigError for text that is no number, and for what is not finite.
    """
    try:
        number = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        raise ConfigError(
            f"{value!r} is not a number. Write it with digits and a point, such as 0.001."
        ) from None
    if not number.is_finite():
        raise ConfigError(f"{value!r} is no amount; an order needs a finite number.")
    return number


def text_of(amount: Decimal) -> str:
    """Write an amount as requests want it: no exponent, no zeros at the end. Raises ConfigError for NaN."""
    if not amount.is_finite():
        raise ConfigError(f"{amount} is no amount; an order needs a finite number.")
    return f"{_EXACT.normalize(amount):f}" if amount else "0"
