"""The charts of messages: which bars and marks one shows, and its drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from bt_run.alerts.happening import Picture
from bt_run.core.market import Bars

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bt_run.alerts.happening import Happening, Mark
    from bt_run.core.interval import Interval

__all__ = ["SHOWN", "draw_picture", "picture_of"]

SHOWN = 90
"""Bars of a chart."""


def picture_of(happening: Happening, bars: Bars, interval: Interval, marks: Iterable[Mark]) -> Picture | None:
    """
    Choose what the chart of a happening shows: the last bars that had opened by then, and the marks on them.

    Returns None where no bar had.
    """
    until = bars.between(None, happening.time_ms)
    shown = until[max(0, len(until) - SHOWN) :]
    if not len(shown):
        return None
    columns = (shown.open, shown.high, shown.low, shown.close, shown.volume)
    rows = tuple(
        (int(shown.open_time[place]), *(float(column[place]) for column in columns))
        for place in range(len(shown))
    )
    first = int(shown.open_time[0])
    return Picture(
        title=happening.title,
        interval=str(interval),
        rows=rows,  # type: ignore[arg-type]  # six each
        marks=tuple(mark for mark in marks if first <= mark.time_ms <= happening.time_ms),
        subtitle=happening.text.partition("\n")[0],
    )


def draw_picture(picture: Picture) -> bytes:
    """Draw a chart as a PNG; takes about a second, off the thread that trades."""
    from bt_run.reports.alert_chart import draw_alert_chart  # noqa: PLC0415  # matplotlib takes time
    from bt_run.reports.chart_marks import ChartMark, MarkKind  # noqa: PLC0415

    columns = list(zip(*picture.rows, strict=True))
    bars = Bars.of(
        columns[0], open=columns[1], high=columns[2], low=columns[3], close=columns[4], volume=columns[5]
    )
    marks = [
        ChartMark(mark.time_ms, mark.price, cast("MarkKind", mark.kind), mark.text)
        for mark in picture.marks
        if mark.kind in get_args(MarkKind)
    ]
    return draw_alert_chart(bars, marks, title=picture.title, subtitle=picture.subtitle)
