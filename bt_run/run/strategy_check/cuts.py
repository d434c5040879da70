"""Where to cut data so that looking ahead shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["choose_cuts", "choose_starts"]


def choose_cuts(decisive: npt.NDArray[np.intp], bars: int, *, most: int, least: int = 1) -> list[int]:
    """
    Choose lengths of prefixes, in least..bars-1, ascending.

    Most of them end with a bar at which something is decided, where a glance at the next bar matters most, or
    with the bar before; a quarter is spread evenly; the longest leaves out one bar.

    Args:
        decisive: Positions of bars at which the strategy decided something, ascending.
        bars: How many there are.
        most: About how many prefixes are wanted, >= 4.
    """
    if bars <= least:
        return []
    even = np.linspace(least, bars - 1, max(2, most // 4)).astype(int)
    wanted = max(1, most * 3 // 8)
    places = np.unique(np.linspace(0, len(decisive) - 1, min(wanted, len(decisive))).astype(int))
    picked = decisive[places] if len(decisive) else decisive
    cuts = np.unique(np.concatenate([even, picked, picked + 1]))
    return [int(cut) for cut in cuts if least <= cut < bars]


def choose_starts(bars: int, *, most: int) -> list[int]:
    """Choose where data begins later, ascending, above 0: in the first half, so that enough follows."""
    if bars < 2:
        return []
    return [int(start) for start in np.unique(np.linspace(1, bars // 2, most).astype(int))]
