"""The picture of a walk-forward analysis: one account over all windows, and what each of them chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter

from bt_run.reports.account import draw_drawdown, draw_equity
from bt_run.reports.header import data_line, draw_head, draw_tiles, metric_tiles
from bt_run.reports.numbers import percent_text
from bt_run.reports.panels import Slot, name_panel, stack_panels
from bt_run.reports.scales import bar_width, days, finite_range, set_dates, set_values
from bt_run.reports.search.metric_cell import heading_of, param_cell
from bt_run.reports.style import CURVES, DPI, INK, LOSS, MUTED, WIN, drawing, fit_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from bt_run.reports.walk_forward.result import WalkForward, WindowResult

__all__ = ["draw_walk"]

_WIDTH, _HEAD, _FOOT = 16.0, 1.48, 0.42
_EQUITY, _DRAWDOWN, _KEPT, _DRIFT = Slot(3.6), Slot(0.8), Slot(1.5), Slot(0.8)
_MOST_PARAMS = 6
_BAND = "#f3f4f6"
_MOST_NUMBERS = 40
"""Windows up to which each is numbered in the picture."""


def draw_walk(walk: WalkForward) -> Figure:
    """
    Draw the stitched account against buy and hold, its drawdown, the metric in and out of sample, and the
    parameters that each window chose.

    Every other window is shaded. Up to six parameters are drawn, a panel each. Uses no pyplot and needs no
    display.
    """
    names = walk.names[:_MOST_PARAMS]
    slots = [_EQUITY, _DRAWDOWN, _KEPT, *[_DRIFT] * len(names)]
    height = _HEAD + _FOOT + sum(slot.height + slot.above for slot in slots)
    with drawing():
        figure = Figure(figsize=(_WIDTH, height), dpi=DPI)
        panels = stack_panels(figure, slots, top=_HEAD)
        _draw_head(figure, walk)
        data = walk.stitched.data
        half = bar_width(data.bars, data.interval.approximate_ms) / 2
        start, end = days(data.bars.open_time[[0, -1]])
        set_dates(panels[0], start - half, end + half)
        spans = _spans(walk.windows, half)
        for panel in panels:
            _shade(panel, spans)
        _number(panels[0], walk.windows, spans)
        draw_equity(panels[0], walk.stitched)
        draw_drawdown(panels[1], walk.stitched)
        _draw_kept(panels[2], walk, spans)
        for place, (panel, name) in enumerate(zip(panels[3:], names, strict=True)):
            _draw_drift(panel, name, walk.windows, spans, CURVES[place % len(CURVES)])
    return figure


def _draw_head(figure: Figure, walk: WalkForward) -> None:
    kind = "anchored" if walk.anchored else "rolling"
    about = f"out of sample: {data_line(walk.stitched.data)} · train {walk.train} ({kind}) · test {walk.test}"
    draw_head(figure, f"{walk.label}, walk-forward by {walk.metric}", about, walk.stitched.data.note)
    kept = walk.efficiency
    efficiency = percent_text(None if kept is None else kept * 100.0)
    windows = f"{walk.profitable} of {len(walk.windows)}"
    tiles = [*metric_tiles(walk.stitched)[:5], ("Windows won", windows, INK), ("Efficiency", efficiency, INK)]
    draw_tiles(figure, tiles, top=1.02)


def _spans(windows: Sequence[WindowResult], half: float) -> list[tuple[float, float]]:
    """Give where each test window begins and ends, in days; each ends where the next begins."""
    ends = [days(each.run.data.bars.open_time[[0, -1]]) for each in windows]
    starts = [float(first) - half for first, _ in ends]
    return list(zip(starts, [*starts[1:], float(ends[-1][1]) + half], strict=True))


def _shade(axes: Axes, spans: Sequence[tuple[float, float]]) -> None:
    for place, (start, end) in enumerate(spans):
        if place % 2 == 0:
            axes.axvspan(start, end, color=_BAND, linewidth=0, zorder=0)


def _number(axes: Axes, windows: Sequence[WindowResult], spans: Sequence[tuple[float, float]]) -> None:
    if len(windows) > _MOST_NUMBERS:
        return
    for each, (start, end) in zip(windows, spans, strict=True):
        axes.annotate(
            str(each.window.number), ((start + end) / 2, 0.0), xycoords=("data", "axes fraction"),
            xytext=(0, 3), textcoords="offset points", ha="center", va="bottom", color=MUTED, fontsize=9,
        )  # fmt: skip


def _draw_kept(axes: Axes, walk: WalkForward, spans: Sequence[tuple[float, float]]) -> None:
    """Draw each window's metric: a bar out of sample, a line where the training had promised."""
    sign = -1.0 if walk.metric.endswith("drawdown_pct") else 1.0  # falls are drawn downward
    promised = [_signed(each.in_sample.get(walk.metric), sign) for each in walk.windows]
    kept = [_signed(each.run.metrics.get(walk.metric), sign) for each in walk.windows]
    for (start, end), before, after in zip(spans, promised, kept, strict=True):
        room = (end - start) * 0.18
        if after is not None:
            color = WIN if after >= 0 else LOSS
            axes.bar((start + end) / 2, after, width=end - start - 2 * room, color=color, alpha=0.75, zorder=2)
        if before is not None:
            axes.plot([start + room / 2, end - room / 2], [before, before], color=INK, linewidth=1.6, zorder=3)
    axes.axhline(0.0, color=MUTED, linewidth=0.8, zorder=1.5)
    known = [value for value in (*promised, *kept) if value is not None]
    suffix = "%" if walk.metric.endswith("_pct") else ""
    set_values(axes, finite_range([[*known, 0.0]]), most=4, suffix=suffix, room=0.08)
    entries = [
        Line2D([], [], color=INK, linewidth=1.6, label="in sample: promised"),
        Patch(facecolor=WIN, alpha=0.75, label="out of sample: kept"),
    ]
    name_panel(axes, heading_of(walk.metric), entries)


def _signed(value: float | None, sign: float) -> float | None:
    return None if value is None else sign * value


def _draw_drift(
    axes: Axes, name: str, windows: Sequence[WindowResult], spans: Sequence[tuple[float, float]], color: str
) -> None:
    """Draw what each window chose for a parameter, as steps; texts get a line each."""
    chosen = [(each.params or {}).get(name) for each in windows]
    heights, texts = _heights(chosen)
    edges = [start for start, _ in spans] + [spans[-1][1]]
    axes.stairs(heights, edges, baseline=None, color=color, linewidth=1.8, zorder=2.5)
    if texts:
        set_values(axes, (0.0, float(max(len(texts) - 1, 1))), room=0.3)
        axes.yaxis.set_major_locator(FixedLocator(list(range(len(texts)))))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: fit_text(texts[round(y)], 9, 0.8)))
    else:
        set_values(axes, finite_range([heights]), most=3, room=0.25)
    name_panel(axes, name)
    if len(windows) <= _MOST_NUMBERS:
        for value, height, (start, end) in zip(chosen, heights, spans, strict=True):
            if value is not None:
                axes.annotate(
                    param_cell(value), ((start + end) / 2, height), xytext=(0, 3), textcoords="offset points",
                    ha="center", va="bottom", fontsize=8.5, color=INK, annotation_clip=False,
                )  # fmt: skip


def _heights(chosen: Sequence[Any]) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Give numbers as they are, and texts and truths by their place among those that occur."""
    if all(
        value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in chosen
    ):
        return np.array([np.nan if value is None else float(value) for value in chosen]), []
    texts = sorted({str(value) for value in chosen if value is not None})
    return np.array([np.nan if value is None else texts.index(str(value)) for value in chosen], float), texts
