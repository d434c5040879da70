"""Compare curves: which is above, and where they cross, with ties told from rounding noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from bt_run.core.market import FloatArray

    BoolArray = npt.NDArray[np.bool_]

__all__ = ["above", "crossings", "sides"]

_NOISE = 1e-12
"""
What rounding leaves in a curve, as a part of the highest price so far.

TA-Lib keeps running sums, whose noise grows with the highest value they held: 2e-13 of it after 200,000
bars. The least true difference of two averages of prices, a tick of 1e-7 over 200 bars, is 5e-10.
"""


def above(first: FloatArray, second: FloatArray, *, price: FloatArray) -> BoolArray:
    """
    Tell where `first` lies above `second` by more than rounding noise.

    Args:
        first: A curve in units of the price, shape (n,), n >= 0; NaN where not known.
        second: Another, shape (n,).
        price: The prices that both were computed from, shape (n,), > 0.

    Returns:
        Booleans, shape (n,); false at ties and where either is NaN. No look-ahead.
    """
    apart, noise = _apart(first, second, price)
    return apart > noise


def sides(first: FloatArray, second: FloatArray, *, price: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Tell where `first` lies above `second`, and where below, as `above` does; quicker than asking twice."""
    apart, noise = _apart(first, second, price)
    return apart > noise, apart < -noise


def _apart(first: FloatArray, second: FloatArray, price: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give how far the curves are apart, and how much of it may be noise."""
    return first - second, np.maximum.accumulate(price) * _NOISE


def crossings(first: FloatArray, second: FloatArray, *, price: FloatArray) -> tuple[BoolArray, BoolArray]:
    """
    Tell where `first` crosses `second` upward, and where downward.

    A crossing is a change of side: curves that touch and part on the same side have not crossed, and
    those that touch for some bars and part on the other side cross where they part. The first side taken
    after the warming up is no crossing. Arguments as for `above`.

    Returns:
        Two boolean arrays of shape (n,), up and down, never both true. No look-ahead.

    Source:
        The definition of Backtrader's CrossOver, which has no tolerance for ties.
    """
    up, down = sides(first, second, price=price)
    is_apart = up | down
    bar = np.arange(len(up))
    last_apart = np.maximum.accumulate(np.where(is_apart, bar, -1))
    before = np.concatenate([[-1], last_apart[:-1]])[: len(up)]
    is_known = before >= 0
    return up & is_known & down[before], down & is_known & up[before]
