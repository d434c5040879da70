"""Where bars begin and end, for one bar at a time. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from feeds.resample import bar_bounds

if TYPE_CHECKING:
    from bt_run.core.interval import Interval

__all__ = ["Grid"]


class Grid:
    """
    The bars of an interval on the line of time, as Binance cuts it; months and weeks too.

    All times are ms since 1970 UTC. The end of a bar is the open of the next.
    """

    def __init__(self, interval: Interval) -> None:
        self.interval = interval
        self._length = interval.milliseconds
        self._origin = int(bar_bounds(np.zeros(1, dtype=np.int64), interval)[0][0])

    def open_of(self, time_ms: int) -> int:
        """Give the open of the bar that this time falls into."""
        return self._bounds(time_ms)[0]

    def end_of(self, time_ms: int) -> int:
        """Give the end of the bar that this time falls into."""
        return self._bounds(time_ms)[1]

    def back(self, open_time: int, count: int) -> int:
        """
        Give the open of the bar that lies `count` >= 0 bars before the one that opens here.

        No earlier than 1970, which exchanges take for the beginning of time: 5,000 weeks are a century.
        """
        if self.interval.milliseconds is not None:
            return max(open_time - count * self.interval.milliseconds, 0)
        month = np.datetime64(open_time, "ms").astype("datetime64[M]") - count * self.interval.count
        return max(int(month.astype("datetime64[ms]").astype(np.int64)), 0)

    def _bounds(self, time_ms: int) -> tuple[int, int]:
        if self._length is not None:  # an order waits for this, and an array of one is slow
            opened = time_ms - (time_ms - self._origin) % self._length
            return opened, opened + self._length
        opens, ends = bar_bounds(np.array([time_ms], dtype=np.int64), self.interval)
        return int(opens[0]), int(ends[0])
