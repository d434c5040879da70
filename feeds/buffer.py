"""
Float columns whose memory Backtrader's lines can take over without a copy.

A line keeps its values in an ``array.array``. The columns that `feeds` reads are numpy views on such arrays,
so a feed hands the very memory on: a million bars then exist once, not twice.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["as_line_buffer", "copied_buffer", "floats_of", "unknown_floats"]


def floats_of(buffer: array[float]) -> FloatArray:
    """View an ``array("d")`` as float64, shape (n,); while the view lives, its length is fixed."""
    return np.frombuffer(buffer, dtype=np.float64) if buffer else np.empty(0, dtype=np.float64)


def unknown_floats(length: int) -> FloatArray:
    """Give `length` NaN, viewed on an ``array("d")``."""
    return floats_of(array("d", [float("nan")]) * length)


def as_line_buffer(values: FloatArray) -> array[float]:
    """Give the ``array("d")`` that `values` view in full, or else a copy of them as one."""
    base = values.base
    while isinstance(base, np.ndarray):
        base = base.base
    owner = getattr(base, "obj", None)
    if isinstance(owner, array) and owner.typecode == "d" and len(owner) == len(values):
        return owner
    return copied_buffer(values)


def copied_buffer(values: FloatArray) -> array[float]:
    """Copy float64 values, shape (n,), into an ``array("d")`` that may grow."""
    copy = array("d")
    copy.frombytes(np.ascontiguousarray(values, dtype=np.float64).data.cast("B"))
    return copy
