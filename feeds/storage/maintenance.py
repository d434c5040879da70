"""The times when Binance's spot market stood still, and which gaps they explain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.clock import parse_time
from feeds.resample import bar_bounds
from feeds.table.spacing import missing_bars

if TYPE_CHECKING:
    from bt_run.core.interval import Interval
    from bt_run.core.market import IntArray
    from bt_run.core.venue import Market

__all__ = ["Gap", "Window", "explain_gaps", "known_windows"]

_ISSUES = "github.com/binance/binance-public-data, issues 84, 169, 312, 316, 365, 368, read 2026-11-20"
_KLINES = "no 1m kline of BTCUSDT in this time, found by a scan of 2019-01 to 2026-09, read 2026-11-21"

_SPOT = (
    ("2017-09-06T16:00", "2017-09-06T23:00"),
    ("2017-12-04T06:00", "2017-12-04T06:49"),
    ("2017-12-18T10:00", "2017-12-18T10:14"),
    ("2017-12-18T12:29", "2017-12-18T13:34"),
    ("2018-01-04T03:00", "2018-01-04T05:06"),
    ("2018-02-08T00:28", "2018-02-09T10:00"),
    ("2018-02-10T06:00", "2018-02-10T06:15"),
    ("2018-02-11T04:00", "2018-02-11T04:35"),
    ("2018-06-26T02:00", "2018-06-26T12:00"),
    ("2018-06-27T13:00", "2018-06-27T14:45"),
    ("2018-07-04T00:22", "2018-07-04T08:00"),
    ("2018-10-19T06:00", "2018-10-19T09:30"),
    ("2018-11-14T02:00", "2018-11-14T09:00"),
    ("2019-03-12T02:00", "2019-03-12T08:00"),
    ("2019-05-15T03:00", "2019-05-15T13:00"),
    ("2019-06-07T21:13", "2019-06-07T22:15"),
    ("2020-02-09T02:00", "2020-02-09T03:00"),
    ("2020-02-19T11:35", "2020-02-19T17:30"),
    ("2020-03-04T09:21", "2020-03-04T11:30"),
    ("2020-04-25T02:00", "2020-04-25T04:30"),
    ("2020-06-28T02:00", "2020-06-28T05:30"),
    ("2020-11-30T06:00", "2020-11-30T07:00"),
    ("2020-12-21T13:47", "2020-12-21T18:00"),
    ("2020-12-25T02:00", "2020-12-25T03:00"),
    ("2021-02-11T03:40", "2021-02-11T05:00"),
    ("2021-03-06T02:00", "2021-03-06T03:30"),
    ("2021-04-20T02:00", "2021-04-20T04:30"),
    ("2021-04-25T04:00", "2021-04-25T08:45"),
    ("2021-08-13T02:00", "2021-08-13T06:30"),
    ("2021-09-29T07:00", "2021-09-29T09:00"),
    ("2023-03-24T12:40", "2023-03-24T14:00"),
)
"""From, until (UTC), as the archive's maintainers and readers gave them."""

_SPOT_SEEN = (
    ("2019-08-15T02:00", "2019-08-15T10:00"),
    ("2019-11-13T02:00", "2019-11-13T04:20"),
    ("2019-11-13T05:30", "2019-11-13T05:33"),
    ("2019-11-25T02:00", "2019-11-25T04:00"),
)
"""From, until (UTC), as the klines themselves show them. A scan found none after 2023-03 up to 2026-09."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time without trading: ms since 1970 UTC, from `start` up to, not including, `end`; and who says so."""

    start: int
    end: int
    source: str


@dataclass(frozen=True, slots=True)
class Gap:
    """
    Bars that are missing between two that are there.

    `first` and `last` are the open times of the first and last missing bar, ms since 1970 UTC, `bars` their
    number. `window` is the known maintenance that explains them, None where none does. `confirmed` says that
    the exchange was asked for them and has none.
    """

    first: int
    last: int
    bars: int
    window: Window | None = None
    confirmed: bool = False

    @property
    def explained(self) -> bool:
        """Whether it is known why the bars are missing."""
        return self.window is not None or self.confirmed


@lru_cache
def known_windows(market: Market) -> tuple[Window, ...]:
    """Give the known times without trading, ascending; none are known of USD-M futures."""
    if market != "spot":
        return ()
    told = [Window(parse_time(start), parse_time(end), _ISSUES) for start, end in _SPOT]
    seen = [Window(parse_time(start), parse_time(end), _KLINES) for start, end in _SPOT_SEEN]
    return tuple(sorted(told + seen, key=lambda window: window.start))


def explain_gaps(times: IntArray, interval: Interval, market: Market = "spot") -> list[Gap]:
    """
    Find every gap and the maintenance that explains it.

    A gap is explained where each missing bar overlaps one window, so that the bar could not have been whole.

    Args:
        times: Open times, ms since 1970 UTC, shape (n,), strictly increasing.
        interval: Of the bars.
        market: Whose windows count.
    """
    missing = missing_bars(times, interval)
    places = np.flatnonzero(missing > 0)
    if not len(places):
        return []
    firsts = bar_bounds(times[places], interval)[1]
    lasts = _last_missing(times, places, interval)
    ends = bar_bounds(lasts, interval)[1]
    return [
        Gap(int(first), int(last), int(missing[place]), _window(int(first), int(end), interval, market))
        for place, first, last, end in zip(places, firsts, lasts, ends, strict=True)
    ]


def _last_missing(times: IntArray, places: IntArray, interval: Interval) -> IntArray:
    """The last missing bar opens one bar before the next that is there, on the grid."""
    opens, _ = bar_bounds(times[places + 1] - 1, interval)
    return opens


def _window(first: int, end: int, interval: Interval, market: Market) -> Window | None:
    for window in known_windows(market):
        opens, ends = bar_bounds(np.array([window.start, window.end - 1], dtype=np.int64), interval)
        if opens[0] <= first and end <= ends[1]:
            return window
    return None
