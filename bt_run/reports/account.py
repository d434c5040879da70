"""The account's panels: equity against buy and hold, and how far below its peak it stood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bt_run.reports.density import column_ranges
from bt_run.reports.numbers import amount_text, percent_text
from bt_run.reports.panels import COLUMNS, EdgeLabel, draw_curve, label_edge, name_panel
from bt_run.reports.scales import days, finite_range, set_values, wants_log
from bt_run.reports.style import HOLD, LONG, LOSS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bt_run.core.market import FloatArray
    from bt_run.core.results import RunResult

__all__ = ["buy_and_hold", "draw_drawdown", "draw_equity", "drawdown_of"]


def buy_and_hold(cash: float, close: FloatArray) -> FloatArray:
    """Give the worth of `cash` (quote currency) put in at the first close (> 0), without costs; shape (n,)."""
    return np.asarray(cash * (close / close[0]))


def drawdown_of(equity: FloatArray) -> FloatArray:
    """
    Give percent below the highest equity so far as numbers <= 0; shape (n,).

    NaN where equity is, and while the highest is not above zero. Below -100 where equity is negative.
    """
    peak = np.fmax.accumulate(equity) if len(equity) else equity
    fall = np.full(len(equity), np.nan)
    np.divide((equity - peak) * 100.0, peak, out=fall, where=peak > 0)
    return fall


def draw_equity(axes: Axes, result: RunResult) -> None:
    """Draw the account at every close against buying and holding the same cash from the first close."""
    bars, equity = result.data.bars, result.curve.equity
    held = buy_and_hold(result.settings.cash, bars.close)
    handles = [
        draw_curve(axes, bars.open_time, equity, color=LONG, label="equity", width=1.6, zorder=3),
        draw_curve(axes, bars.open_time, held, color=HOLD, label="buy & hold", width=1.2, dashes=(0, (4, 2))),
    ]
    limits = finite_range((equity, held)) or (0.0, 1.0)
    log = wants_log(*limits)
    set_values(axes, limits, log=log, most=5)
    name_panel(axes, "Equity (log scale)" if log else "Equity", handles)
    last, last_held = float(equity[-1]), float(held[-1])
    label_edge(
        axes,
        [
            EdgeLabel(last, amount_text(last), LONG, bold=True),
            EdgeLabel(last_held, amount_text(last_held), HOLD),
        ],
    )


def draw_drawdown(axes: Axes, result: RunResult) -> None:
    """Fill from zero down to the drawdown, and write the deepest at its height."""
    times, fall = result.data.bars.open_time, drawdown_of(result.curve.equity)
    if len(fall) > COLUMNS:
        found = column_ranges(fall, fall, COLUMNS)
        x, low = days(times[found.middle]), found.low
    else:
        x, low = days(times), fall
    axes.fill_between(x, 0.0, low, color=LOSS, alpha=0.28, linewidth=0, zorder=2)
    axes.plot(x, low, color=LOSS, linewidth=0.9, zorder=2.1, label="drawdown")
    limits = finite_range((low, [0.0])) or (0.0, 0.0)
    set_values(axes, limits if limits[0] < 0 else (-1.0, 0.0), most=3, suffix="%", room=0.04)
    name_panel(axes, "Drawdown")
    label_edge(axes, [EdgeLabel(limits[0], percent_text(limits[0]), LOSS)])
