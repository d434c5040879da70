"""Falls from a peak: how deep, and how long until the peak is seen again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray, IntArray

__all__ = ["Drawdowns", "Fall", "deepest_falls", "find_drawdowns"]

_BARS_AT_ONCE = 1 << 14  # what is between stays in the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Drawdowns:
    """
    Every fall from a peak, oldest first; arrays of shape (k,), k = 0 for a curve that never falls.

    `depth_pct` > 0 is the deepest point in percent of the peak; above 100 where an account goes below
    zero. `duration_s` runs from the last bar at the peak to the bar that reaches it again; a fall
    that has not recovered runs to the last bar.
    """

    depth_pct: FloatArray
    duration_s: FloatArray

    @property
    def max_pct(self) -> float:
        """
        The deepest fall in percent; 0 where there is none.

        Source: PerformanceAnalytics maxDrawdown(geometric=TRUE); Magdon-Ismail and Atiya, 2004.
        """
        return float(self.depth_pct.max()) if len(self.depth_pct) else 0.0

    @property
    def avg_pct(self) -> float | None:
        """The mean of the falls' depths in percent; None where there is none. As backtesting.py 0.6.6."""
        return float(self.depth_pct.mean()) if len(self.depth_pct) else None

    @property
    def max_duration_s(self) -> float:
        """The longest time from peak to recovery, in seconds; 0 where there is no fall."""
        return float(self.duration_s.max()) if len(self.duration_s) else 0.0

    @property
    def avg_duration_s(self) -> float | None:
        """The mean time from peak to recovery, in seconds; None where there is no fall."""
        return float(self.duration_s.mean()) if len(self.duration_s) else None


@dataclass(frozen=True, slots=True)
class Fall:
    """
    One fall: positions of the last bar at the peak (-1: before the first bar), of the lowest, of the recovery.

    `recovered` is None while the peak has not been seen again. `depth_pct` > 0 in percent of the peak;
    `duration_s` as in `Drawdowns`.
    """

    peak: int
    trough: int
    recovered: int | None
    depth_pct: float
    duration_s: float


def deepest_falls(equity: FloatArray, open_time: IntArray, *, start: float, most: int = 10) -> tuple[Fall, ...]:
    """Give at most `most` falls of `find_drawdowns`, which says what the arguments are; the deepest first."""
    first, recovered = _edges(equity, start)
    peaks = _peaks(equity, first, start)
    found = find_drawdowns(equity, open_time, start=start)
    order = np.argsort(-found.depth_pct, kind="stable")[:most]
    return tuple(
        Fall(
            peak=int(first[place]) - 1,
            trough=int(first[place] + np.argmin(equity[first[place] : recovered[place]] / peaks[place])),
            recovered=int(recovered[place]) if recovered[place] < len(equity) else None,
            depth_pct=float(found.depth_pct[place]),
            duration_s=float(found.duration_s[place]),
        )
        for place in order
    )


def find_drawdowns(equity: FloatArray, open_time: IntArray, *, start: float) -> Drawdowns:
    """
    Find every fall of a curve below its highest value so far.

    Args:
        equity: At the close of every bar, shape (n,), n >= 1, no NaN.
        open_time: ms UTC, shape (n,), ascending.
        start: Value before the first bar, > 0; it counts as a peak.
    """
    first, recovered = _edges(equity, start)
    if not len(first):
        return Drawdowns(np.empty(0), np.empty(0))
    # Up to the next fall nothing lies lower, because what comes after the recovery is as high as the peak.
    depth = (1.0 - np.minimum.reduceat(equity, first) / _peaks(equity, first, start)) * 100.0
    last = np.minimum(recovered, len(equity) - 1)
    duration = (open_time[last] - open_time[np.maximum(first - 1, 0)]) / 1000.0
    return Drawdowns(depth, duration)


def _edges(equity: FloatArray, start: float) -> tuple[IntArray, IntArray]:
    """Give the bar at which each fall begins, and that at which it has ended, n for one that has not."""
    under = np.zeros(len(equity) + 2, dtype=np.bool_)
    highest = start
    for at in range(0, len(equity), _BARS_AT_ONCE):
        some = equity[at : at + _BARS_AT_ONCE]
        peaks = np.maximum.accumulate(some)
        np.maximum(peaks, highest, out=peaks)
        np.less(some, peaks, out=under[at + 1 : at + 1 + len(some)])
        highest = float(peaks[-1])
    edges = np.flatnonzero(under[1:] != under[:-1])
    return edges[::2], edges[1::2]


def _peaks(equity: FloatArray, first: IntArray, start: float) -> FloatArray:
    """Give what each fall fell from: the value at the bar before it, or `start`."""
    return np.where(first > 0, equity[np.maximum(first - 1, 0)], start)
