"""
Float columns whose memory Backtrader's lines can take over without a copy.

A line keeps its values in an ``array.array``. The columns that `feeds` reads are numpy views on such arrays,
so a feed hands the very memory on: a million bars then exist once, not twice.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["append_floats", "arrow_view", "as_line_buffer", "copied_buffer", "floats_of", "unknown_floats"]


def floats_of(buffer: array[float]) -> FloatArray:
    """View an ``array("d")`` as float64, shape (n,); while the view lives, its length is fixed."""
    return np.frombuffer(buffer, dtype=np.float64) if buffer else np.empty(0, dtype=np.float64)


def unknown_floats(length: int) -> FloatArray:
    """Give `length` NaN, viewed on an ``array("d")``."""
    return floats_of(array("d", [float("nan")]) * length)


def append_floats(buffer: array[float], chunk: Any) -> None:
    """Append an Arrow array of float64 to `buffer`; null becomes NaN."""
    whole = chunk.fill_null(float("nan")) if chunk.null_count else chunk
    buffer.frombytes(arrow_view(whole, np.dtype(np.float64)).data.cast("B"))


def arrow_view(chunk: Any, dtype: np.dtype[Any]) -> Any:
    """
    View the values of an Arrow array of plain numbers without nulls.

    Arrow's own to_numpy() loads pandas, which takes longer than reading most files.
    """
    values = np.frombuffer(chunk.buffers()[1], dtype=dtype) if len(chunk) else np.empty(0, dtype)
    return values[chunk.offset : chunk.offset + len(chunk)]


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
