"""
The deepest fall of the equity, found without looking at most bars.

While a holding does not change, its equity lies between that at the highest and that at the lowest close. Where
both ends of 64 bars are neither a new high nor a new low, none of them is, and the 64 are passed over at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bt_run.fast.steps import equity_at

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray
    from bt_run.fast.kernel import Floats
    from bt_run.fast.steps import Account

__all__ = ["Blocks", "Falls", "blocks_of", "deepest_fall", "walk"]

BLOCK = 64
_ROUNDING = 1e-14
"""
Of all that is added up, more than the rounding of two equities comes to: each takes at most 8 roundings of
1.1e-16 of cash, value or gain.
"""


class Blocks(NamedTuple):
    """The highest and the lowest close of every 64 bars; the last of them may be fewer."""

    highest: Floats
    lowest: Floats


class Falls(NamedTuple):
    """The highest equity so far, the lowest since then, and the deepest fall before, as a share of its peak."""

    highest: float
    lowest: float
    before: float


def blocks_of(close: FloatArray) -> Blocks:
    """Find the blocks of the closes of n >= 1 bars."""
    starts = np.arange(0, len(close), BLOCK)
    return Blocks(np.maximum.reduceat(close, starts), np.minimum.reduceat(close, starts))


def walk(  # noqa: PLR0917  # numba's functions are called by position
    account: Account, close: Floats, blocks: Blocks, first: int, until: int, falls: Falls
) -> Falls:
    """Look at the equity of the bars from `first` to before `until`."""
    highest, lowest, before = falls
    bar = first
    while bar < until:
        block = bar // BLOCK
        stop = min(until, (block + 1) * BLOCK)
        if not _is_between(account, blocks.highest[block], blocks.lowest[block], highest, lowest):
            for each in range(bar, stop):
                equity = equity_at(account, close[each])
                if equity > highest:
                    before = deepest_fall(Falls(highest, lowest, before))
                    highest = lowest = equity
                lowest = min(lowest, equity)
        bar = stop
    return Falls(highest, lowest, before)


def deepest_fall(falls: Falls) -> float:
    """Give the deepest fall; one division a peak, because a fall is deepest at its lowest point."""
    if falls.lowest == falls.highest:
        return falls.before
    return max(falls.before, 1.0 - falls.lowest / falls.highest)


def _is_between(account: Account, high: float, low: float, highest: float, lowest: float) -> bool:
    """Tell whether no equity at a close from `low` to `high` is above `highest` or below `lowest`."""
    one, other = equity_at(account, high), equity_at(account, low)
    slack = _ROUNDING * (abs(account.cash) + abs(account.size) * (high + account.price))
    return max(one, other) + slack <= highest and min(one, other) - slack >= lowest
