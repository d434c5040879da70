"""
Sums over the returns and the trades of a run, added up in numpy's order, so that the floats are numpy's.

numpy adds floats in pairs of halves, down to 128 of them, which it adds in eight columns. The metrics of a
backtest are numpy's; those of a sweep must be the same to the last bit, without holding the interpreter.

Source: numpy 2.4, ``numpy/_core/src/umath/loops_utils.h.src``, ``pairwise_sum``; the same since numpy 1.9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bt_run.fast.compiled import compiled_apart

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["pairwise_sum", "tally_returns", "tally_trades"]

_AT_ONCE = 128
_DEEPEST = 64
"""Halvings of an array of any length that fits into memory, and some."""


@compiled_apart
def tally_returns(
    start: float, closes: FloatArray, returns: FloatArray
) -> tuple[int, float, float, float, float]:
    """
    Reckon the returns of the days and their sums.

    Args:
        start: Equity before the first day, > 0.
        closes: Equity at the ends of the days, shape (days,), days >= 1.
        returns: Takes the returns, shape (days,).

    Returns:
        How many returns there are, 0 where the equity was at or below zero at the end of a day; and the fields
        `total`, `squares`, `growth` and `largest` of `bt_run.core.run_sums.Tally`.
    """
    count = len(closes)
    for day in range(count):
        if closes[day] <= 0.0:
            return 0, 0.0, 0.0, 1.0, 0.0
    before, growth, largest = start, 1.0, 0.0
    for day in range(count):
        one = closes[day] / before - 1.0
        before = closes[day]
        returns[day] = one
        growth *= 1.0 + one
        largest = max(largest, abs(one))
    total = pairwise_sum(returns, count)
    mean = total / count
    away = np.empty(count)
    for day in range(count):
        away[day] = (returns[day] - mean) * (returns[day] - mean)
    return count, total, pairwise_sum(away, count), growth, largest


@compiled_apart
def tally_trades(trades: FloatArray, first: int, until: int) -> tuple[int, float, float]:
    """Give `won`, `gained` and `lost` of the rows of trades from `first` to before `until`."""
    won = lost = 0
    gains, losses = np.empty(until - first), np.empty(until - first)
    for row in range(first, until):
        profit = trades[row, 2]
        if profit > 0.0:
            gains[won] = profit
            won += 1
        elif profit < 0.0:
            losses[lost] = profit
            lost += 1
    return won, pairwise_sum(gains, won), -pairwise_sum(losses, lost)


@compiled_apart
def pairwise_sum(values: FloatArray, count: int) -> float:
    """Add up the first `count` >= 0 of some floats; the same float as ``np.add.reduce(values[:count])``."""
    firsts = np.empty(_DEEPEST, dtype=np.int64)  # of the right halves that wait for their turn
    sizes = np.empty(_DEEPEST, dtype=np.int64)  # 0 where the right half is being added
    lefts = np.empty(_DEEPEST)
    depth = first = 0
    size = count
    while True:
        while size > _AT_ONCE:
            half = size // 2
            half -= half % 8
            firsts[depth], sizes[depth] = first + half, size - half
            depth += 1
            size = half
        total: float = _short_sum(values, first, size)
        while depth > 0 and sizes[depth - 1] == 0:
            depth -= 1
            total = lefts[depth] + total
        if depth == 0:
            return total
        lefts[depth - 1] = total
        first, size = firsts[depth - 1], sizes[depth - 1]
        sizes[depth - 1] = 0


def _short_sum(values: FloatArray, first: int, size: int) -> float:
    """Add up at most 128 floats."""
    if size < 8:
        total = 0.0
        for each in range(first, first + size):
            total += values[each]
        return total
    a, b, c, d = values[first], values[first + 1], values[first + 2], values[first + 3]
    e, f, g, h = values[first + 4], values[first + 5], values[first + 6], values[first + 7]
    last = first + size
    each = first + 8
    while each + 8 <= last:
        a += values[each]
        b += values[each + 1]
        c += values[each + 2]
        d += values[each + 3]
        e += values[each + 4]
        f += values[each + 5]
        g += values[each + 6]
        h += values[each + 7]
        each += 8
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    while each < last:
        total += values[each]
        each += 1
    return float(total)
