"""
Indicator panels: which curves share one, and how each is drawn.

The convention, for strategies: the keys of ``Signals.panels`` name the curves. ``"RSI"`` gets a panel of
its own. ``"MACD"``, ``"MACD signal"`` and ``"MACD histogram"`` share one, because the others begin with
the name of the first and a space; so do ``"Stochastic: fast"`` and ``"Stochastic: slow"``, because they
say the same before the colon. A curve called histogram is drawn as bars from zero. A curve that never
changes (``"RSI oversold"``, filled with 30.0) is a threshold: a thin dashed line, whose value is written
on the axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Patch

from bt_run.reports.density import column_ranges
from bt_run.reports.numbers import amount_text
from bt_run.reports.panels import COLUMNS, EdgeLabel, draw_curve, label_edge, name_panel
from bt_run.reports.scales import days, finite_range, set_values
from bt_run.reports.style import ACCENTS, INK, LONG, LOSS, MUTED, WIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from bt_run.core.market import FloatArray, IntArray

__all__ = ["draw_indicator", "group_panels", "is_threshold"]

_HISTOGRAM = frozenset({"histogram", "hist"})
_COLORS = (LONG, *ACCENTS)


def group_panels(panels: Mapping[str, FloatArray]) -> dict[str, dict[str, FloatArray]]:
    """Gather curves by the panel they name, as the module tells; both in the order they came."""
    groups: dict[str, dict[str, FloatArray]] = {}
    for key, values in panels.items():
        panel, curve = _place(key, panels)
        groups.setdefault(panel, {})[curve] = values
    return groups


def _place(key: str, keys: Iterable[str]) -> tuple[str, str]:
    """Split a key into its panel and its own name in there."""
    panel, _, curve = key.partition(": ")
    if curve:
        return panel, curve
    owner = min((other for other in keys if key.startswith(f"{other} ")), key=len, default=key)
    return owner, key.removeprefix(f"{owner} ")


def is_threshold(values: FloatArray) -> bool:
    """Tell whether a curve has one finite value from first to last bar, and at least two bars."""
    return len(values) > 1 and bool(np.isfinite(values[0]) and np.all(values == values[0]))


def draw_indicator(axes: Axes, title: str, times_ms: IntArray, curves: Mapping[str, FloatArray]) -> None:
    """Draw the curves of one panel; `times_ms` and each curve have shape (n,)."""
    handles: list[Artist] = []
    edges: list[EdgeLabel] = []
    colors = iter(_COLORS * (1 + len(curves) // len(_COLORS)))
    thresholds = {label: values for label, values in curves.items() if is_threshold(values)}
    if len(thresholds) == len(curves):
        thresholds = {}
    for values in thresholds.values():
        axes.axhline(float(values[0]), color=MUTED, linewidth=0.9, linestyle=(0, (5, 4)), zorder=2)
    for label, values in curves.items():
        if label in thresholds:
            continue
        if label.casefold() in _HISTOGRAM:
            handles.append(_draw_histogram(axes, times_ms, values, label))
            continue
        color = next(colors)
        handles.append(draw_curve(axes, times_ms, values, color=color, label=label, noisy=True))
        edges.append(EdgeLabel(float(values[-1]), amount_text(float(values[-1])), color))
    marks = sorted({float(values[0]) for values in thresholds.values()})
    set_values(axes, finite_range(curves.values()), most=4, room=0.08, marks=marks)
    alone = len(handles) == 1 and handles[0].get_label() == title
    name_panel(axes, title, [] if alone else handles)
    label_edge(axes, edges if len(edges) > 1 else [EdgeLabel(edge.value, edge.text, INK) for edge in edges])


def _draw_histogram(axes: Axes, times_ms: IntArray, values: FloatArray, label: str) -> Artist:
    """Fill from zero to the values: green above, red below."""
    if len(values) > COLUMNS:
        found = column_ranges(values, values, COLUMNS)
        x, low, high = days(times_ms[found.middle]), found.low, found.high
    else:
        x, low, high = days(times_ms), values, values
    for part, color in ((np.maximum(high, 0.0), WIN), (np.minimum(low, 0.0), LOSS)):
        axes.fill_between(x, 0.0, part, step="mid", color=color, alpha=0.45, linewidth=0, zorder=2)
    return Patch(facecolor=MUTED, alpha=0.5, label=label)
