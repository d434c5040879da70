"""Thin long curves to what a screen can show, keeping every extreme."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray, IntArray

__all__ = ["Ranges", "column_ranges", "envelope"]


class Ranges(NamedTuple):
    """One column of the screen each: position of its middle bar, lowest, mean and highest value; shape (k,)."""

    middle: IntArray
    low: FloatArray
    mean: FloatArray
    high: FloatArray


def envelope(values: FloatArray, columns: int) -> IntArray:
    """
    Choose the positions that draw the same curve: first, lowest, highest and last of each column.

    Args:
        values: Shape (n,), n >= 0; what is not finite counts as a hole in the curve.
        columns: How many columns of pixels the curve gets, >= 1.

    Returns:
        Strictly increasing positions in 0..n-1, at most 4 * columns; all of them where n is no more
        than that. The first, the last, the lowest and the highest finite value are always among them.

    Source:
        Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014.
    """
    count = len(values)
    if count <= 4 * columns:
        return np.arange(count, dtype=np.int64)
    width = -(-count // columns)
    starts = np.arange(0, count, width, dtype=np.int64)
    ends = np.minimum(starts + width, count) - 1
    finite = np.isfinite(values)
    lowest = starts + _rows(np.where(finite, values, np.inf), width, np.inf).argmin(axis=1)
    highest = starts + _rows(np.where(finite, values, -np.inf), width, -np.inf).argmax(axis=1)
    return np.unique(np.concatenate((starts, lowest, highest, ends)))


def column_ranges(low: FloatArray, high: FloatArray, columns: int) -> Ranges:
    """
    Reduce two curves to one range a column: the least of `low`, the greatest of `high`.

    `low` and `high` have the same shape (n,), n >= 1, and may be the same array. The mean is that of the
    finite values of both; NaN where a column has none. At most `columns` (>= 1) ranges come back.
    """
    count = len(low)
    width = -(-count // columns)
    starts = np.arange(0, count, width, dtype=np.int64)
    ends = np.minimum(starts + width, count) - 1
    total, number = np.zeros(len(starts)), np.zeros(len(starts))
    for values in (low, high):
        finite = np.isfinite(values)
        total += np.add.reduceat(np.where(finite, values, 0.0), starts)
        number += np.add.reduceat(finite.astype(np.float64), starts)
    mean = np.divide(total, number, out=np.full(len(starts), np.nan), where=number > 0)
    return Ranges((starts + ends) // 2, np.fmin.reduceat(low, starts), mean, np.fmax.reduceat(high, starts))


def _rows(values: FloatArray, width: int, fill: float) -> FloatArray:
    """Lay an array out in rows of `width`; the last row is filled up."""
    missing = -len(values) % width
    return np.concatenate((values, np.full(missing, fill))).reshape(-1, width)
