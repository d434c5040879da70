"""Bars at several grains, so that a page can show a million bars and, zoomed in, each that it has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.reports.page.figure_json import packed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.market import Bars, FloatArray, IntArray

__all__ = ["finest_step", "price_levels"]

_STEP = 4
_FEW = 1200
"""A level that has no more bars than this is the coarsest."""

_BUDGET = 3_000_000
"""Bytes that the finest level may take, before base64; the coarser ones together take a third of it."""


def finest_step(bars: int, curves: int) -> int:
    """Say how many bars the finest level puts into one, so that the page stays small; 1 for most files."""
    return max(1, -(-bars * (6 + curves) * 8 // _BUDGET))


def price_levels(bars: Bars, curves: Mapping[str, FloatArray]) -> list[dict[str, Any]]:
    """
    Pack the bars, finest level first; each level has a quarter of the bars of the one before.

    A bar of a coarser level has the open of its first bar, the highest high, the lowest low, the close and
    the curves of its last, and the sum of the volumes. `curves` have shape (n,) and keep their names.

    Returns:
        Dicts with `step`, `t` (open time, ms), `o`, `h`, `l`, `c`, `v` and `curves`; every array is packed as
        `figure_json.packed` does. The page slices them; no number of a trade or metric is taken from here.
    """
    step = finest_step(len(bars), len(curves))
    levels = []
    while True:
        levels.append(_level(bars, curves, step))
        if len(bars) / step <= _FEW:
            return levels
        step *= _STEP


def _level(bars: Bars, curves: Mapping[str, FloatArray], step: int) -> dict[str, Any]:
    first = np.arange(0, len(bars), step)
    last = np.minimum(first + step, len(bars)) - 1
    return {
        "step": step,
        "t": packed(bars.open_time[first]),
        "o": packed(bars.open[first]),
        "h": packed(np.maximum.reduceat(bars.high, first)),
        "l": packed(np.minimum.reduceat(bars.low, first)),
        "c": packed(bars.close[last]),
        "v": packed(_sums(bars.volume, first), exact=False),
        "curves": {name: packed(curve[last], exact=False) for name, curve in curves.items()},
    }


def _sums(values: FloatArray, first: IntArray) -> FloatArray:
    found: FloatArray = np.add.reduceat(np.nan_to_num(values), first)
    return found
