"""The picture of a parity check: equity live and in the backtest, and the difference below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from bt_run.core.errors import DataError
from bt_run.reports.header import draw_head
from bt_run.reports.numbers import amount_text
from bt_run.reports.panels import EdgeLabel, Slot, draw_curve, label_edge, name_panel, stack_panels
from bt_run.reports.scales import bar_width, days, finite_range, set_dates, set_values
from bt_run.reports.style import CURVES, DPI, INK, LOSS, MUTED, drawing

if TYPE_CHECKING:
    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars, FloatArray

__all__ = ["draw_parity"]

_WIDTH, _HEIGHT = 14.0, 7.6
_HEAD, _FOOT = 0.95, 0.46


def draw_parity(
    bars: Bars,
    *,
    live: FloatArray,
    backtest: FloatArray,
    interval: Interval,
    title: str,
    quote_asset: str,
    verdict: str,
) -> Figure:
    """
    Draw both equity curves over each other and, below, live less backtest.

    `live` and `backtest` are equity at each close, shape (n,), n >= 1, quote asset. `verdict` stands in the
    corner. Uses no pyplot and needs no display. Raises DataError where there are no bars.
    """
    if not len(bars):
        raise DataError("There are no bars to draw a parity check of.")
    with drawing():
        figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=DPI)
        count = "1 bar" if len(bars) == 1 else f"{len(bars):,} bars"
        draw_head(figure, title, f"from the first live bar on \N{MIDDLE DOT} {count}", verdict)
        room = _HEIGHT - _HEAD - _FOOT - 0.8
        upper, lower = stack_panels(figure, [Slot(room * 0.65), Slot(room * 0.35)], top=_HEAD)
        half = bar_width(bars, interval.approximate_ms) / 2
        first, last = days(bars.open_time[[0, -1]])
        set_dates(upper, first - half, last + half)
        times = bars.open_time
        lines = [
            draw_curve(upper, times, backtest, color=CURVES[1], label="backtest", width=2.6),
            draw_curve(upper, times, live, color=CURVES[0], label="live", width=1.3),
        ]
        set_values(upper, finite_range([live, backtest]), most=8)
        name_panel(upper, f"Equity {quote_asset}".rstrip(), lines)
        label_edge(upper, [EdgeLabel(float(live[-1]), amount_text(float(live[-1])), INK)])
        gap = np.asarray(live - backtest)
        color = MUTED if not np.any(gap) else LOSS if gap[-1] < 0 else CURVES[2]
        lower.axhline(0.0, color=MUTED, linewidth=0.8)
        draw_curve(lower, times, gap, color=color, label="difference")
        low, high = finite_range([gap]) or (0.0, 0.0)
        set_values(lower, (min(low, 0.0), max(high, 0.0)) if low < high or low else (-1.0, 1.0), most=5)
        name_panel(lower, f"Live less backtest {quote_asset}".rstrip())
        label_edge(lower, [EdgeLabel(float(gap[-1]), amount_text(float(gap[-1])), INK)])
    return figure
