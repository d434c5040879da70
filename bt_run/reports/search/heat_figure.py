"""The picture of a search: a heat map over two parameters, a curve over one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bt_run.core.errors import DataError
from bt_run.reports.header import draw_head
from bt_run.reports.search.metric_cell import heading_of, metric_cell
from bt_run.reports.style import CURVES, DPI, GRID, INK, LOSS, MUTED, clean_text, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bt_run.reports.search.heat import HeatMap

__all__ = ["MOST_CELLS", "MOST_POINTS", "draw_heat"]

MOST_CELLS = 60
"""How many cells a picture's axis may have."""

MOST_POINTS = 600
"""How many points the curve of a single parameter may have."""

_WIDTH, _HEIGHT = 10.0, 7.6
_HEAD = 0.95
_NUMBERED = 16  # cells on an axis up to which each holds its number


def draw_heat(heat: HeatMap, *, title: str, subtitle: str, corner: str) -> Figure:
    """
    Draw the map; the best cell has a frame.

    Uses no pyplot and needs no display. Raises DataError where no combination defines the metric.
    """
    if heat.best is None:
        raise DataError(f"No combination has a {heat.metric}, so there is nothing to draw.")
    with drawing():
        figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=DPI)
        draw_head(figure, title, subtitle, corner)
        if len(heat.y.cells) == 1 and not heat.y.name:
            _draw_curve(_axes(figure, right=0.35), heat, best=heat.best[1])
        else:
            _draw_map(figure, heat, best=heat.best)
    return figure


def _axes(figure: Figure, *, right: float) -> Axes:
    left, foot = 1.05, 0.85
    box = (left / _WIDTH, foot / _HEIGHT, (_WIDTH - left - right) / _WIDTH, (_HEIGHT - foot - _HEAD) / _HEIGHT)
    return figure.add_axes(box)


def _draw_map(figure: Figure, heat: HeatMap, *, best: tuple[int, int]) -> None:
    axes = _axes(figure, right=1.35)
    axes.grid(visible=False)
    axes.set_facecolor(GRID)  # shows where nothing was tried
    colors = "viridis" if heat.sign > 0 else "viridis_r"  # the better, the brighter
    image = axes.imshow(np.ma.masked_invalid(heat.values), origin="lower", aspect="auto", cmap=colors)
    _label(axes.xaxis, heat.x.labels, most=16)
    _label(axes.yaxis, heat.y.labels, most=20)
    axes.set_xlabel(clean_text(heat.x.name))
    axes.set_ylabel(clean_text(heat.y.name))
    if max(heat.values.shape) <= _NUMBERED:
        _write_numbers(axes, heat)
    row, column = best
    frame = Rectangle(
        (column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=LOSS, linewidth=2.4, zorder=3, clip_on=False
    )
    axes.add_patch(frame)
    box = axes.get_position()
    bar_axes = figure.add_axes((box.x1 + 0.02, box.y0, 0.02, box.height))
    bar = figure.colorbar(image, cax=bar_axes)
    bar.outline.set_visible(False)
    bar_axes.set_title(_titled(heat.metric), fontsize=10, loc="left", pad=8)


def _titled(metric: str) -> str:
    return f"{heading_of(metric)}, %" if metric.endswith("_pct") else heading_of(metric)


def _label(axis: Any, labels: list[str], *, most: int) -> None:
    step = -(-len(labels) // most)
    axis.set_ticks(range(0, len(labels), step), labels[::step])


def _write_numbers(axes: Axes, heat: HeatMap) -> None:
    low, high = float(np.nanmin(heat.values)), float(np.nanmax(heat.values))
    for (row, column), value in np.ndenumerate(heat.values):
        if np.isnan(value):
            continue
        share = (value - low) / (high - low) if high > low else 0.0
        is_bright = (share if heat.sign > 0 else 1.0 - share) > 0.6
        text = metric_cell(heat.metric, float(value))
        color = INK if is_bright else "white"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)


def _draw_curve(axes: Axes, heat: HeatMap, *, best: int) -> None:
    places = np.arange(len(heat.x.cells))
    values = heat.values[0]
    axes.plot(
        places, values, color=CURVES[0], marker="o", markersize=5 if len(places) <= 60 else 2, linewidth=1.6
    )
    axes.plot(
        [best], [values[best]], marker="o", markersize=11, fillstyle="none", color=LOSS, markeredgewidth=2
    )
    if np.nanmin(values) < 0 < np.nanmax(values):
        axes.axhline(0.0, color=MUTED, linewidth=0.8)
    _label(axes.xaxis, heat.x.labels, most=16)
    axes.set_xlabel(clean_text(heat.x.name))
    axes.set_ylabel(_titled(heat.metric))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
