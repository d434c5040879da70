"""Cut data into windows to train and test on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.clock import iso_utc
from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from bt_run.reports.walk_forward.result import Window

if TYPE_CHECKING:
    from bt_run.core.market import BarFile

__all__ = ["cut_windows", "parse_span"]

_DAY_MS = 86_400_000


def parse_span(text: str) -> int:
    """Read a span such as ``365d``, ``12w`` or ``48h`` in ms. Raises ConfigError."""
    try:
        milliseconds = Interval.parse(text).milliseconds
    except ConfigError:
        milliseconds = None
    if milliseconds is None:
        raise ConfigError(f"{text!r} is not a span of time. Write a number and h, d or w, such as 90d or 12w.")
    return milliseconds


def cut_windows(data: BarFile, *, train_ms: int, test_ms: int, anchored: bool) -> tuple[Window, ...]:
    """
    Cut bars into windows whose test stretches follow each other without a gap or an overlap.

    By the clock, not by counting bars, so that an outage does not shift them. A rolling window trains on the
    `train_ms` before its test, an anchored one on everything before. The last test may be shorter. A stretch
    of time without bars gives no window.

    Args:
        data: At least one bar.
        train_ms, test_ms: Spans, > 0.
        anchored: Whether every window trains from the first bar on.

    Raises:
        ConfigError: the data is too short for a single window, or a span for a bar.
    """
    times = data.bars.open_time
    bar_ms = data.interval.approximate_ms
    for name, span in (("train", train_ms), ("test", test_ms)):
        if span < 2 * bar_ms:
            raise ConfigError(f"--{name} is shorter than two bars of {data.interval}. Give a longer span.")
    first, last = int(times[0]), int(times[-1])
    windows: list[Window] = []
    for begin in range(first + train_ms, last + 1, test_ms):
        start = first if anchored else begin - train_ms
        train, test, end = (int(np.searchsorted(times, time)) for time in (start, begin, begin + test_ms))
        if test - train >= 2 and end > test:
            windows.append(Window(len(windows) + 1, train, test, end))
    if not windows:
        held = _days(last + bar_ms - first)
        raise ConfigError(
            f"The data holds {held}, {iso_utc(first)} to {iso_utc(last)}, which is not enough to train on "
            f"{_days(train_ms)} and test on what follows. Give more data or a shorter --train."
        )
    return tuple(windows)


def _days(span_ms: int) -> str:
    days = span_ms / _DAY_MS
    return f"{days:,.0f} days" if days >= 2 else f"{span_ms / 3_600_000:,.0f} hours"
