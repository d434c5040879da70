"""
Mean and standard deviation: the floats of numpy's functions, without what those do for arrays of all kinds.

A sweep asks for them thousands of times a second, of arrays so short that numpy's checks took most of the time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["mean", "standard_deviation"]


def mean(values: FloatArray) -> float:
    """Give the arithmetic mean of float64 values, shape (n,), n >= 1; the same float as ``np.mean``."""
    return float(np.add.reduce(values)) / len(values)


def standard_deviation(values: FloatArray, *, ddof: int) -> float:
    """Give the root of the squared distances over n - ddof, n > ddof; the same float as ``np.std``."""
    away = values - np.add.reduce(values) / len(values)
    away *= away
    return math.sqrt(float(np.add.reduce(away)) / (len(values) - ddof))
