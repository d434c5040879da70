"""Rolling statistics that look back only, and bear values that are not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["median_before"]

_ROWS = 20_000  # so many windows are sorted at a time, so that a million bars need no gigabytes


def median_before(values: FloatArray, window: int, *, least: int) -> FloatArray:
    """
    Give the median of the known values among the `window` bars before each bar, itself left out.

    Args:
        values: One a bar, shape (n,), n >= 0; NaN where unknown.
        window: How many bars to look back, >= 1.
        least: How many known values it takes, 1..window.

    Returns:
        Shape (n,); NaN on the first `window` bars and where fewer than `least` are known. No look-ahead.
    """
    medians = np.full(len(values), np.nan)
    for first in range(window, len(values), _ROWS):
        last = min(first + _ROWS, len(values))
        before = np.lib.stride_tricks.sliding_window_view(values[first - window : last - 1], window)
        ordered = np.sort(before, axis=1)  # NaN go to the end
        known = window - np.count_nonzero(np.isnan(ordered), axis=1)
        rows = np.arange(last - first)
        low = ordered[rows, np.maximum((known - 1) // 2, 0)]
        high = ordered[rows, np.minimum(known // 2, window - 1)]
        medians[first:last] = np.where(known >= max(least, 1), (low + high) / 2.0, np.nan)
    return medians
