"""Numbers of the exchange: whole hundred-millionths inside, Decimal with eight places outside, from float64."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["ROUNDED_BELOW", "UNIT", "ZERO", "cleaned", "in_decimal", "in_units", "to_decimal"]

UNIT = Decimal("0.00000001")
"""The finest step of prices and quantities that Binance shows."""

ZERO = Decimal("0.00000000")

ROUNDED_BELOW = 9e7
"""2**53 / 10**8: above it, a float has no room for eight decimals and is taken as it is."""

_EXACT_BELOW = 1e7  # below it, a float times 10**8 is nearer to its own whole number than to any other


def in_units(value: float) -> int:
    """Give the hundred-millionths of a number >= 0 by its shortest text, so that 0.1 is 10000000."""
    if value < _EXACT_BELOW:
        return round(value * 1e8)
    return int(Decimal(repr(value)).scaleb(8).to_integral_value(ROUND_HALF_EVEN))


def to_decimal(units: int) -> Decimal:
    """Give hundred-millionths as a Decimal with eight places."""
    return units * UNIT


def in_decimal(value: float) -> Decimal:
    """Give a number >= 0 as a Decimal with eight places, by its shortest text."""
    return in_units(value) * UNIT


def cleaned(values: FloatArray) -> FloatArray:
    """Round to eight decimals where a float has room for them: sums of decimals carry noise behind these."""
    return np.where(values < ROUNDED_BELOW, np.round(values, 8), values)
