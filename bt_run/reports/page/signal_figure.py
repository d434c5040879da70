"""The figure of one pair: candles with signals, liquidations and the volume difference, indicators below."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.reports.chart_marks import marks_within
from bt_run.reports.indicators import group_panels
from bt_run.reports.page.figure_json import packed, times
from bt_run.reports.page.look import ACCENTS, bar_trace, line_trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bt_run.core.market import Bars, FloatArray
    from bt_run.reports.chart_marks import ChartMark
    from bt_run.reports.page.figure_json import Figure

__all__ = ["SignalChart", "signal_figure"]

_PRICE, _PANEL, _GAP = 380, 120, 26  # pixels
_IN_VIEW = 180
_BARS = frozenset({"histogram", "hist", "difference", "volume difference"})
_SYMBOLS = {
    "long entry": ("triangle-up", "--long"),
    "long exit": ("triangle-down-open", "--long"),
    "short entry": ("triangle-down", "--short"),
    "short exit": ("triangle-up-open", "--short"),
    "long liquidation": ("diamond", "--warn"),
    "short liquidation": ("diamond-open", "--warn"),
}


@dataclass(frozen=True, slots=True, eq=False)
class SignalChart:
    """
    What is drawn of one pair: `bars`, `marks` on them, and curves of shape (n,) by name.

    `overlays` go on the price, `panels` below it, as `bt_run.reports.indicators` groups them. Where the bars
    have order flow its difference and its liquidations are drawn too.
    """

    title: str
    bars: Bars
    marks: Sequence[ChartMark] = ()
    overlays: Mapping[str, FloatArray] = field(default_factory=dict)
    panels: Mapping[str, FloatArray] = field(default_factory=dict)


def signal_figure(chart: SignalChart) -> Figure:
    """Make the figure; colours are named by role, as in `bt_run.reports.page.look`."""
    panels = _panels(chart)
    height = _PRICE + (_PANEL + _GAP) * len(panels)
    x = times(chart.bars.open_time)
    traces: list[dict[str, Any]] = [_candles(chart.bars, x)]
    for number, (name, curve) in enumerate(chart.overlays.items()):
        traces.append(line_trace(x, packed(curve), _plain(name), ACCENTS[number % len(ACCENTS)]))
    traces += _marks(chart)
    axes: dict[str, Any] = {"yaxis": {"domain": [1.0 - _PRICE / height, 1.0], "title": {"text": "Price"}}}
    top = 1.0 - (_PRICE + _GAP) / height
    for number, (name, curves) in enumerate(panels.items(), start=2):
        axes[f"yaxis{number}"] = {
            "domain": [max(top - _PANEL / height, 0.0), top],
            "title": {"text": _short(name)},
        }
        traces += [
            _curve(x, label, values, place, f"y{number}", one=len(curves) == 1, panel=name)
            for place, (label, values) in enumerate(curves.items())
        ]
        top -= (_PANEL + _GAP) / height
    layout = {
        "height": height + 120,
        "margin": {"l": 70, "r": 24, "t": 80, "b": 40},
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        "dragmode": "pan",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "--muted", "activecolor": "--ink"},
        "barmode": "relative",
        "xaxis": {
            "type": "date",
            "range": _view(chart.bars),
            "rangeslider": {"visible": False},
            "anchor": f"y{len(panels) + 1}" if panels else "y",
        },
        **axes,
    }
    return {"data": traces, "layout": layout}


def _view(bars: Bars) -> list[int]:
    """Give what is in view at first: the last bars, with a little room, ms since 1970 UTC."""
    first = max(len(bars) - _IN_VIEW, 0)
    step = int(np.median(np.diff(bars.open_time))) if len(bars) > 1 else 60_000
    return [int(bars.open_time[first]) - step, int(bars.open_time[-1]) + 3 * step]


def _panels(chart: SignalChart) -> dict[str, dict[str, FloatArray]]:
    """Give the panels: the strategy's, and those of order flow that it does not show itself."""
    panels = {name: dict(curves) for name, curves in group_panels(chart.panels).items()}
    flow = chart.bars.flow
    if flow is None:
        return panels
    panels.setdefault("Volume difference", {"Volume difference": flow.difference})
    panels["Cumulative difference"] = {"Cumulative difference": flow.cumulative_difference}
    if "Liquidations" not in panels and flow.knows_liquidations.any():
        panels["Liquidations"] = {
            "longs": flow.long_liquidation_volume,
            "shorts": flow.short_liquidation_volume,
        }
    return panels


def _candles(bars: Bars, x: Any) -> dict[str, Any]:
    return {
        "type": "candlestick",
        "name": "price",
        "x": x,
        **{name: packed(getattr(bars, name)) for name in ("open", "high", "low", "close")},
        "increasing": {"line": {"color": "--gain", "width": 1}, "fillcolor": "--gain"},
        "decreasing": {"line": {"color": "--loss", "width": 1}, "fillcolor": "--loss"},
        "showlegend": False,
    }


def _marks(chart: SignalChart) -> list[dict[str, Any]]:
    """Draw marks by kind, below or above their bar; the words come when they are pointed at."""
    groups: dict[str, list[tuple[int, ChartMark]]] = {}
    for position, mark in marks_within(chart.bars, chart.marks):
        groups.setdefault(mark.kind, []).append((position, mark))
    away = 0.5 * float(np.median(chart.bars.high / chart.bars.low - 1.0))
    traces = []
    for kind in (kind for kind in _SYMBOLS if kind in groups):
        symbol, color = _SYMBOLS[kind]
        placed = groups[kind]
        room = away * (2.5 if kind.endswith("liquidation") else 1.0)  # outside of the signals of the same bar
        low, high = chart.bars.low, chart.bars.high
        heights = [low[at] * (1 - room) if mark.buys else high[at] * (1 + room) for at, mark in placed]
        traces.append({
            "type": "scatter",
            "mode": "markers+text",
            "name": kind,
            "x": packed(chart.bars.open_time[[at for at, _ in placed]]),
            "y": packed(np.array(heights)),
            "text": [_plain(mark.label) for _, mark in placed],
            "textposition": "bottom center" if placed[0][1].buys else "top center",
            "textfont": {"color": color, "size": 11},
            "hovertext": [_plain(mark.text or mark.kind) for _, mark in placed],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "marker": {"symbol": symbol, "size": 8 if "liquidation" in kind else 12, "color": color},
        })  # fmt: skip
    return traces


def _curve(
    x: Any, label: str, values: FloatArray, place: int, axis: str, *, one: bool, panel: str
) -> dict[str, Any]:
    name = _plain(panel if one else f"{panel}: {label}")
    if label.casefold() in _BARS:
        color = ["--gain" if value >= 0.0 else "--loss" for value in np.nan_to_num(values)]
        return bar_trace(x, packed(values), name, color, yaxis=axis, showlegend=False)
    if panel == "Liquidations":
        return bar_trace(x, packed(values), name, "--loss" if label == "longs" else "--gain", yaxis=axis)
    return line_trace(x, packed(values), name, ACCENTS[place % len(ACCENTS)], yaxis=axis, showlegend=False)


def _short(name: str) -> str:
    return _plain(name if len(name) <= 22 else f"{name[:21]}…")


def _plain(text: str) -> str:
    """Take out what Plotly would read as markup in a label."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
