"""Put a page of klines in order, whatever order it came in. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.errors import FrameError
from bt_run.core.market import BAR_COLUMNS, Bars

if TYPE_CHECKING:
    from bt_run.core.market import IntArray
    from feeds.wire.codec_rest import KlinePage

__all__ = ["Page", "tidy_page"]


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """
    The bars of one page that were asked for, oldest first, each once.

    `close_time`, shape (n,), is the last ms of each. `rows` counts what the page held before: a page that
    is full by this count may have a successor.
    """

    bars: Bars
    close_time: IntArray
    rows: int


def tidy_page(page: KlinePage, *, start: int, end: int) -> Page:
    """
    Sort a page, drop rows outside start <= open time <= end (ms), and keep one of rows that are alike.

    Raises:
        FrameError: two rows of one time differ, so that nobody can tell which is right.
    """
    times = page.bars.open_time
    if len(times) and int(times[0]) >= start and int(times[-1]) <= end and bool((np.diff(times) > 0).all()):
        return Page(page.bars, page.close_time, len(times))
    order = np.argsort(times, kind="stable")
    order = order[(times[order] >= start) & (times[order] <= end)]
    columns = np.array([getattr(page.bars, name)[order] for name in BAR_COLUMNS[1:]])
    repeated = np.flatnonzero(np.diff(times[order]) == 0)
    different = repeated[(columns[:, repeated] != columns[:, repeated + 1]).any(axis=0)]
    if len(different):
        values = columns[:, different[0] : different[0] + 2].T.tolist()
        raise FrameError(f"Two rows of {int(times[order][different[0]])} differ.", json.dumps(values))
    once = np.append(np.diff(times[order]) > 0, True) if len(order) else np.ones(0, dtype=np.bool_)
    chosen = order[once]
    bars = Bars(*(np.ascontiguousarray(getattr(page.bars, name)[chosen]) for name in BAR_COLUMNS))
    return Page(bars, page.close_time[chosen], len(times))
