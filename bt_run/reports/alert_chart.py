"""The picture in a message: the last bars with their signals, readable on a phone."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, cast

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy

from bt_run.core.errors import DataError
from bt_run.reports.chart_marks import marks_within
from bt_run.reports.chart_theme import theme_of
from bt_run.reports.indicators import group_panels, is_threshold
from bt_run.reports.numbers import amount_text
from bt_run.reports.scales import bar_width, days, finite_range, set_dates, set_values
from bt_run.reports.style import drawing, fit_text, text_width

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from bt_run.core.market import Bars, FloatArray
    from bt_run.reports.chart_marks import ChartMark
    from bt_run.reports.chart_theme import ChartTheme, ThemeName

__all__ = ["BARS_SHOWN", "PANELS_SHOWN", "draw_alert_chart"]

BARS_SHOWN = 120
"""Older bars are left out: a phone is about as many candles wide."""

PANELS_SHOWN = 3
"""More indicator panels than that would be too flat to read; the first ones are drawn."""

_INCHES, _DPI = 9.0, 120
_LEFT, _RIGHT, _BOTTOM, _TOP = 0.2, 1.12, 0.42, 1.16  # margins in inches
_TITLE, _TEXT, _SMALL = 19.0, 14.0, 13.0  # points
_BARS = frozenset({"histogram", "hist", "difference", "volume difference"})
_LABELLED = 6


def draw_alert_chart(
    bars: Bars,
    markers: Sequence[ChartMark] = (),
    *,
    title: str,
    subtitle: str = "",
    panels: Mapping[str, FloatArray] | None = None,
    overlays: Mapping[str, FloatArray] | None = None,
    theme: ThemeName = "light",
    shown: int = BARS_SHOWN,
) -> bytes:
    """
    Draw the last bars as candles with their marks and indicators; 1080 by 1080 pixels, a PNG of about 170 kB.

    Uses no pyplot and no display, and may be called from any thread: pictures are drawn one after the other.
    Call it off the thread that trades, which would wait for it.

    Args:
        bars: Closed bars; the last `shown` are drawn.
        markers: Signals and liquidations; those on the bars shown are drawn, the last ones with their text.
        title: The first line, such as ``BTCUSDT 5m: long``; any text, cut where it is too long.
        subtitle: The second line, smaller.
        panels: Curves below the price by name, each of shape (n,) for all of `bars`; curves share a panel as
            `bt_run.reports.indicators` tells. Those called histogram or difference become bars from zero.
        overlays: Curves on the price by name, of shape (n,).
        theme: ``light`` or ``dark``.
        shown: How many bars, 1 or more.

    Raises:
        DataError: no bars.
        ConfigError: no such theme.
    """
    colors = theme_of(theme)
    if not len(bars):
        raise DataError("There are no bars yet, so there is nothing to draw.")
    window = slice(max(len(bars) - max(shown, 1), 0), len(bars))
    lower = list(group_panels(panels or {}).items())[:PANELS_SHOWN]
    with drawing():
        figure = Figure(figsize=(_INCHES, _INCHES), dpi=_DPI, facecolor=colors.ground)
        _write_head(figure, title, subtitle, colors)
        price, *rest = _stack(figure, len(lower), colors)
        last = bars[window]
        _draw_price(price, last, {name: curve[window] for name, curve in (overlays or {}).items()}, colors)
        _draw_marks(price, last, markers, colors)
        for axes, (name, curves) in zip(rest, lower, strict=True):
            _draw_panel(axes, last, name, {label: curve[window] for label, curve in curves.items()}, colors)
        _set_time(rest[-1] if rest else price, last, colors)
        return _png(figure)


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    written = io.BytesIO()
    figure.savefig(written, format="png", facecolor=figure.get_facecolor(), metadata={"Software": "bt-run"})
    return written.getvalue()


def _write_head(figure: Figure, title: str, subtitle: str, colors: ChartTheme) -> None:
    room = _INCHES - 2 * _LEFT
    x, top = _LEFT / _INCHES, 1.0 - 0.14 / _INCHES
    title = fit_text(title, _TITLE, room, weight="bold")
    figure.text(x, top, title, fontsize=_TITLE, fontweight="bold", color=colors.ink, va="top")
    subtitle = fit_text(subtitle, _TEXT, room)
    figure.text(x, top - 0.4 / _INCHES, subtitle, fontsize=_TEXT, color=colors.muted, va="top")


def _stack(figure: Figure, lower: int, colors: ChartTheme) -> list[Axes]:
    """Place the price and, below it, `lower` panels that share its time axis; a third of the room at most."""
    gap = 0.34
    room = _INCHES - _TOP - _BOTTOM - gap * lower
    each = min(1.25, room * 0.45 / lower) if lower else 0.0
    heights = [room - each * lower, *[each] * lower]
    panels: list[Axes] = []
    y = _INCHES - _TOP
    for height in heights:
        y -= height
        place = (_LEFT / _INCHES, y / _INCHES, (_INCHES - _LEFT - _RIGHT) / _INCHES, height / _INCHES)
        axes = figure.add_axes(place, sharex=panels[0] if panels else None, facecolor=colors.ground)
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.spines["bottom"].set_color(colors.grid)
        axes.grid(color=colors.grid, linewidth=0.9)
        axes.yaxis.tick_right()
        axes.tick_params(colors=colors.muted, labelsize=_SMALL, length=0, labelbottom=False)
        panels.append(axes)
        y -= gap
    panels[-1].tick_params(labelbottom=True)
    return panels


def _draw_price(axes: Axes, bars: Bars, overlays: Mapping[str, FloatArray], colors: ChartTheme) -> None:
    x = days(bars.open_time)
    paint = np.where(bars.close >= bars.open, colors.up, colors.down)
    wicks = np.stack((np.column_stack((x, bars.low)), np.column_stack((x, bars.high))), axis=1)
    axes.add_collection(LineCollection(list(wicks), colors=list(paint), linewidths=1.3), autolim=False)
    half = 0.36 * bar_width(bars, 60_000)
    corners = ((x - half, bars.open), (x + half, bars.open), (x + half, bars.close), (x - half, bars.close))
    bodies = np.stack([np.column_stack(corner) for corner in corners], axis=1)
    axes.add_collection(
        PolyCollection(list(bodies), facecolors=list(paint), edgecolors=list(paint), linewidths=0.8),
        autolim=False,
    )
    entries = []
    for number, (name, values) in enumerate(overlays.items()):
        color = colors.curves[number % len(colors.curves)]
        axes.plot(x, values, color=color, linewidth=1.8, zorder=3)
        entries.append((name, color))
    low, high = finite_range((bars.low, bars.high)) or (0.0, 1.0)
    set_values(axes, (low, high), most=7, room=0.1)
    last = float(bars.close[-1])
    axes.axhline(last, color=colors.muted, linewidth=1.0, linestyle=(0, (2, 3)), zorder=1.5)
    _write_last(axes, last, colors.up if bars.close[-1] >= bars.open[-1] else colors.down, colors)
    _name(axes, entries, colors)


def _write_last(axes: Axes, value: float, color: str, colors: ChartTheme) -> None:
    """Write the last price over the axis, on a ground of its own."""
    axes.annotate(
        amount_text(value), (1.0, value), xycoords=("axes fraction", "data"), xytext=(4, 0),
        textcoords="offset points", va="center", ha="left", fontsize=_SMALL, fontweight="bold",
        color=colors.ground, annotation_clip=False, zorder=10,
        bbox={"boxstyle": "round,pad=0.25", "fc": color, "ec": "none"},
    )  # fmt: skip


def _name(axes: Axes, entries: Sequence[tuple[str, str]], colors: ChartTheme, *, title: str = "") -> None:
    """Write the names of the curves above the panel, each in its colour, as far as they fit."""
    x, end = 0.0, _INCHES - _LEFT - _RIGHT
    for number, (text, color) in enumerate([(title, colors.ink)] * bool(title) + list(entries)):
        if end - x < 0.5:
            return
        weight = "bold" if title and not number else "normal"
        shown = fit_text(text, _SMALL, end - x, weight=weight)
        axes.annotate(
            shown, (0.0, 1.0), xycoords="axes fraction", xytext=(x * 72, 3), textcoords="offset points",
            va="bottom", ha="left", fontsize=_SMALL, color=color, fontweight=weight, annotation_clip=False,
        )  # fmt: skip
        x += text_width(shown, _SMALL, weight=weight) + 0.2


def _draw_marks(axes: Axes, bars: Bars, markers: Sequence[ChartMark], colors: ChartTheme) -> None:
    """Draw each mark below or above its bar, the last ones with their text; an entry is filled."""
    placed = marks_within(bars, markers)
    figure = cast("Figure", axes.figure)
    x = days(bars.open_time)
    for number, (position, mark) in enumerate(placed):
        color = colors.mark_color(mark.kind)
        price = float(bars.low[position] if mark.buys else bars.high[position])
        away = -1.0 if mark.buys else 1.0
        axes.plot(
            x[position], price, marker="D" if mark.is_liquidation else "^" if mark.buys else "v",
            markersize=9 if mark.is_liquidation else 14, markeredgecolor=color, markeredgewidth=2.0, zorder=6,
            markerfacecolor=colors.ground if mark.kind.endswith("exit") else color, clip_on=False,
            transform=offset_copy(axes.transData, figure, y=14 * away, units="points"),
        )  # fmt: skip
        text = fit_text(mark.text, _SMALL, 2.6) if number >= len(placed) - _LABELLED else ""
        if text:
            place = position / len(bars)
            axes.annotate(
                text, (x[position], price), xytext=(0, 25 * away), textcoords="offset points", color=color,
                fontsize=_SMALL, fontweight="bold", va="top" if mark.buys else "bottom", zorder=7,
                ha="left" if place < 0.25 else "right" if place > 0.75 else "center",
                bbox={"boxstyle": "round,pad=0.12", "fc": colors.ground, "ec": "none", "alpha": 0.8},
            )  # fmt: skip


def _draw_panel(
    axes: Axes, bars: Bars, title: str, curves: Mapping[str, FloatArray], colors: ChartTheme
) -> None:
    """
    Draw one indicator: lines, bars from zero for differences, dashes for thresholds.

    Of liquidations the exchange tells one a second at most, which is said beside the name.
    """
    x = days(bars.open_time)
    entries: list[tuple[str, str]] = []
    marks = sorted({float(values[0]) for values in curves.values() if is_threshold(values)})
    for mark in marks:
        axes.axhline(mark, color=colors.muted, linewidth=1.0, linestyle=(0, (5, 4)), zorder=2)
    for label, values in curves.items():
        if is_threshold(values) and len(curves) > 1:
            continue
        if label.casefold() in _BARS:
            paint = np.where(np.nan_to_num(values) >= 0.0, colors.up, colors.down)
            axes.bar(x, values, width=0.72 * bar_width(bars, 60_000), color=list(paint), linewidth=0, zorder=2)
            color = colors.muted
        else:
            color = colors.curves[len(entries) % len(colors.curves)]
            axes.plot(x, values, color=color, linewidth=1.8, zorder=3)
        known = values[np.isfinite(values)]
        entries.append((f"{label} {amount_text(float(known[-1]) if len(known) else None)}", color))
    set_values(axes, finite_range(curves.values()), most=3, room=0.1)
    alone = len(entries) == 1 and next(iter(curves)) == title
    caution = " (at most 1/s)" if title.startswith("Liquidation") else ""
    _name(axes, entries, colors, title="" if alone else f"{title}{caution}")


def _set_time(axes: Axes, bars: Bars, colors: ChartTheme) -> None:
    x, half = days(bars.open_time), bar_width(bars, 60_000) / 2
    set_dates(axes, float(x[0]) - half, float(x[-1]) + half, labels=(3, 6))
    axes.xaxis.get_offset_text().set_visible(False)
    axes.annotate(
        "UTC", (1.0, 0.0), xycoords="axes fraction", xytext=(8, -5), textcoords="offset points", va="top",
        ha="left", fontsize=_SMALL, color=colors.muted, annotation_clip=False,
    )  # fmt: skip
