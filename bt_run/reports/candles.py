"""The price and volume panels: candles while there is room, then a line on the range of its column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection

from bt_run.reports.density import column_ranges, envelope
from bt_run.reports.markers import draw_fills, draw_trades
from bt_run.reports.numbers import amount_text
from bt_run.reports.panels import COLUMNS, EdgeLabel, draw_curve, label_edge, name_panel
from bt_run.reports.scales import bar_width, days, finite_range, set_values, wants_log
from bt_run.reports.style import ACCENTS, INK, LOSS, MUTED, WIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from bt_run.core.market import Bars, FloatArray
    from bt_run.core.results import RunResult

__all__ = ["CANDLES_UP_TO", "draw_price", "draw_volume", "has_volume", "overlay_colors"]

CANDLES_UP_TO = 300
"""Up to so many bars each gets a candle at least four pixels wide."""

_LINE = "#4b5563"
_VOLUME = "#b4bcc8"
_DOTTED = ("SAR", "Parabolic SAR")


def draw_price(axes: Axes, result: RunResult) -> None:
    """Draw bars, overlays, trades and fills, and choose the scale."""
    bars = result.data.bars
    if len(bars) <= CANDLES_UP_TO:
        _draw_candles(axes, bars, bar_width(bars, result.data.interval.approximate_ms))
    else:
        _draw_line(axes, bars)
    handles: list[Artist] = []
    for label, color in overlay_colors(list(result.overlays)).items():
        handles.append(_draw_overlay(axes, bars, result.overlays[label], color=color, label=label))
    draw_trades(axes, result.trades)
    handles = [*draw_fills(axes, result.fills), *handles]
    low, high = _limits(result)
    log = wants_log(low, high)
    set_values(axes, (low, high), log=log, most=8, room=0.06)
    name_panel(axes, "Price (log scale)" if log else "Price", handles)
    last = float(bars.close[-1])
    label_edge(axes, [EdgeLabel(last, amount_text(last), INK)])


def overlay_colors(labels: Sequence[str]) -> dict[str, str]:
    """Give each overlay its colour; the upper and the lower band of one thing share theirs."""
    pairs = {label: re.sub(r"\b(upper|lower)\b", "", label.casefold()) for label in labels}
    order = list(dict.fromkeys(pairs.values()))
    return {label: ACCENTS[order.index(pair) % len(ACCENTS)] for label, pair in pairs.items()}


def _draw_overlay(axes: Axes, bars: Bars, values: FloatArray, *, color: str, label: str) -> Artist:
    """Draw a curve on the price; a parabolic SAR, which jumps, as dots while there is room."""
    if not label.startswith(_DOTTED) or len(bars) > COLUMNS:
        return draw_curve(
            axes, bars.open_time, values, color=color, label=label, width=1.2, noisy=True, zorder=3
        )
    (dots,) = axes.plot(
        days(bars.open_time), values, linestyle="none", marker="o", markersize=1.8, color=color,
        markeredgewidth=0, label=label, zorder=3,
    )  # fmt: skip
    return dots


def _limits(result: RunResult) -> tuple[float, float]:
    """Hold all bars and fills; overlays too, as far as a third of the range beyond."""
    bars = result.data.bars
    prices = [fill.price for fill in result.fills]
    found = finite_range((bars.low, bars.high, bars.close, prices))
    if found is None:
        return 0.0, 1.0
    low, high = found
    beyond = finite_range(result.overlays.values())
    if beyond is not None:
        factor = max((high / low) ** (1 / 3), 1.0) if low > 0 else 1.0
        low, high = min(low, max(beyond[0], low / factor)), max(high, min(beyond[1], high * factor))
    return low, high


def _draw_candles(axes: Axes, bars: Bars, width: float) -> None:
    x = days(bars.open_time)
    colors = np.where(bars.close >= bars.open, WIN, LOSS)
    wicks = np.stack((np.column_stack((x, bars.low)), np.column_stack((x, bars.high))), axis=1)
    axes.add_collection(
        LineCollection(list(wicks), colors=list(colors), linewidths=1.0, zorder=2), autolim=False
    )
    left, right = x - 0.36 * width, x + 0.36 * width
    corners = [(left, bars.open), (right, bars.open), (right, bars.close), (left, bars.close)]
    bodies = np.stack([np.column_stack(corner) for corner in corners], axis=1)
    axes.add_collection(
        PolyCollection(
            list(bodies), facecolors=list(colors), edgecolors=list(colors), linewidths=0.7, zorder=2.1
        ),
        autolim=False,
    )


def _draw_line(axes: Axes, bars: Bars) -> None:
    """Draw the close (its last value in each column where bars are many) on the range from low to high."""
    if len(bars) > COLUMNS:
        found = column_ranges(bars.low, bars.high, COLUMNS)
        x, low, high = days(bars.open_time[found.middle]), found.low, found.high
    else:
        x, low, high = days(bars.open_time), bars.low, bars.high
    axes.fill_between(x, low, high, color=_LINE, alpha=0.22, linewidth=0, zorder=2)
    kept = envelope(bars.close, COLUMNS)
    axes.plot(
        days(bars.open_time[kept]), bars.close[kept], color=_LINE, linewidth=1.0, zorder=2.2, label="close"
    )


def has_volume(bars: Bars) -> bool:
    """Tell whether any bar knows its volume."""
    return bool(np.isfinite(bars.volume).any())


def draw_volume(axes: Axes, bars: Bars, approximate_ms: int) -> None:
    """Draw volume from zero: one bar each while there is room, else the highest of each column."""
    if len(bars) > COLUMNS:
        found = column_ranges(bars.volume, bars.volume, COLUMNS)
        x, volume = days(bars.open_time[found.middle]), found.high
    else:
        x, volume = days(bars.open_time), bars.volume
    if len(bars) <= CANDLES_UP_TO:
        axes.bar(x, volume, width=0.72 * bar_width(bars, approximate_ms), color=_VOLUME, linewidth=0, zorder=2)
    else:
        axes.fill_between(x, 0.0, volume, step="mid", color=_VOLUME, linewidth=0, zorder=2)
    found_range = finite_range([volume])
    top = found_range[1] if found_range else 1.0
    set_values(axes, (0.0, top or 1.0), most=2, room=0.0)
    axes.text(1.0, 0.5, " Volume", transform=axes.transAxes, ha="left", va="center", color=MUTED, fontsize=9.5)
