"""Axes that a trader can read: UTC dates, round numbers, and a log scale where the range asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.dates import UTC, AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FixedLocator, Formatter, LogLocator, MaxNLocator, NullLocator

from bt_run.reports.numbers import tick_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes

    from bt_run.core.market import Bars, FloatArray, IntArray

__all__ = [
    "LOG_FROM_RATIO",
    "AxisNumbers",
    "bar_width",
    "days",
    "finite_range",
    "set_dates",
    "set_values",
    "wants_log",
]

LOG_FROM_RATIO = 8.0
"""From this ratio of highest to lowest value on, prices and equity are drawn on a log scale."""

_DAY_MS = 86_400_000.0


def days(times_ms: IntArray | Sequence[int]) -> FloatArray:
    """Turn ms since 1970 UTC into matplotlib's days since 1970."""
    return np.asarray(times_ms, dtype=np.float64) / _DAY_MS


def bar_width(bars: Bars, approximate_ms: int) -> float:
    """Give the width of a bar in days: the median spacing, or the interval's where there is one bar."""
    if len(bars) < 2:
        return approximate_ms / _DAY_MS
    return float(np.median(np.diff(bars.open_time[:100_000]))) / _DAY_MS


def finite_range(curves: Iterable[npt.ArrayLike]) -> tuple[float, float] | None:
    """Find the lowest and highest finite value of several curves; None where there is none."""
    ends = []
    for curve in curves:
        values = np.asarray(curve, dtype=np.float64)
        values = values[np.isfinite(values)]
        if values.size:
            ends += [float(values.min()), float(values.max())]
    return (min(ends), max(ends)) if ends else None


def wants_log(low: float, high: float) -> bool:
    """Tell whether a log scale reads better: all values above zero and a range of 8 times or more."""
    return low > 0 and high / low >= LOG_FROM_RATIO


class AxisNumbers(Formatter):
    """Label an axis by `tick_texts`, with a suffix such as ``%``."""

    def __init__(self, *, even: bool, suffix: str = "") -> None:
        self._even = even
        self._suffix = suffix

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Label one value."""
        return self.format_ticks([x])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Label all values of the axis."""
        return [text + self._suffix for text in tick_texts([float(value) for value in values], even=self._even)]


class _UtcDates(ConciseDateFormatter):
    """Short dates, with the zone at the end of the axis."""

    def __init__(self, locator: AutoDateLocator) -> None:
        formats = {"formats": _DATES, "zero_formats": _FIRST_DATES, "offset_formats": _END_DATES}
        super().__init__(locator, tz=UTC, **formats)  # type: ignore[no-untyped-call]  # as below

    def get_offset(self) -> str:
        return f"{super().get_offset()} UTC".strip()  # type: ignore[no-untyped-call]  # matplotlib.dates has no types


# By the step of the labels: years, months, days, hours, minutes, seconds.
_DATES = ["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S.%f"]
_FIRST_DATES = ["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"]
_END_DATES = ["", "%Y", "%Y", "%d %b %Y", "%d %b %Y", "%d %b %Y %H:%M"]


def set_dates(axes: Axes, start: float, end: float, *, labels: tuple[int, int] = (5, 12)) -> None:
    """
    Label the x axis with dates from seconds to decades; `start` and `end` in days, with a little room.

    `labels` says how many there shall be at least and at most.
    """
    room = (end - start) * 0.006
    axes.set_xlim(start - room, end + room)
    least, most = labels
    locator = AutoDateLocator(tz=UTC, minticks=least, maxticks=most)  # type: ignore[no-untyped-call]  # as in _UtcDates
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(_UtcDates(locator))


def set_values(
    axes: Axes,
    limits: tuple[float, float] | None,
    *,
    log: bool = False,
    suffix: str = "",
    most: int = 6,
    room: float = 0.05,
    marks: Sequence[float] = (),
) -> None:
    """
    Set limits, scale and labels of the y axis.

    `limits` are the lowest and highest value (None: nothing to show); `room` is added on both sides, as
    a part of the range. `most` is how many labels there may be; `marks` replace the round numbers.
    """
    axes.yaxis.set_minor_locator(NullLocator())
    low, high = limits if limits is not None else (0.0, 1.0)
    if log:
        factor = (high / low) ** room if high > low else 1.05
        axes.set_yscale("log", nonpositive="mask")
        axes.set_ylim(low / factor, high * factor)
        axes.yaxis.set_major_locator(LogLocator(subs=_subs(low, high, most), numticks=most + 4))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(AxisNumbers(even=False, suffix=suffix))
        return
    span = (high - low) * room if high > low else max(abs(high) * 0.02, 1e-12)
    axes.set_ylim(low - span, high + span)
    ticks = FixedLocator(list(marks)) if marks else MaxNLocator(most, steps=[1, 2, 2.5, 5, 10])
    axes.yaxis.set_major_locator(ticks)
    axes.yaxis.set_major_formatter(AxisNumbers(even=True, suffix=suffix))


def _subs(low: float, high: float, most: int) -> tuple[float, ...]:
    """Choose the finest division of a decade that stays within `most` labels."""
    decades = np.log10(high / low) if high > low else 0.1
    for subs in ((1.0, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0, 3.0)):
        if decades * len(subs) <= most:
            return subs
    return (1.0,)
