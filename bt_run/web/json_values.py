"""Curves as JSON can have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["json_values"]


def json_values(curve: FloatArray) -> list[float | None]:
    """Give a curve's values, shape (n,), as a list; None where one is not known or not finite."""
    return [value if known else None for value, known in zip(curve.tolist(), np.isfinite(curve), strict=True)]
