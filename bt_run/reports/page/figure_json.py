"""Plotly figures as plain JSON: arrays packed as base64, colours named by role."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.market import FloatArray, IntArray

__all__ = ["Figure", "packed", "script_json", "times"]

Figure = dict[str, Any]
"""``{"data": [traces], "layout": {...}}``, as Plotly.react() takes it."""


def packed(values: FloatArray | IntArray, *, exact: bool = True) -> dict[str, str]:
    """
    Pack an array for Plotly: little-endian bytes as base64; float64, or float32 where not `exact`.

    Source: plotly.js typed array spec, ``{"dtype": "f8", "bdata": ...}``, since 2.35.
    """
    dtype = "<f8" if exact else "<f4"
    array = np.ascontiguousarray(values, dtype=dtype)
    return {"dtype": dtype[1:], "bdata": base64.b64encode(array.tobytes()).decode("ascii")}


def times(open_time: IntArray) -> dict[str, str]:
    """Pack times for a date axis: milliseconds since 1970 UTC, which float64 holds exactly."""
    return packed(open_time)


def script_json(document: Mapping[str, Any]) -> str:
    """
    Write a document that may stand inside a script element.

    ``<``, ``>`` and ``&`` are written as escapes, so that no name in it can end the element; NaN is refused.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text
