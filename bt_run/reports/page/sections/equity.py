"""2 Equity: the account against buy and hold, how far below its peak it stood, and how much was at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.reports.account import buy_and_hold, drawdown_of
from bt_run.reports.density import column_ranges, envelope
from bt_run.reports.page.figure_json import packed, times
from bt_run.reports.page.look import figure, line_trace
from bt_run.reports.page.section import Section
from bt_run.reports.scales import finite_range, wants_log

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray, IntArray
    from bt_run.core.results import RunResult

__all__ = ["curve_points", "equity_section"]

_COLUMNS = 1500


def curve_points(open_time: IntArray, values: FloatArray) -> tuple[Any, Any]:
    """Pack a curve for the page; a long one keeps the extremes of each column of pixels, and first and last."""
    kept = envelope(values, _COLUMNS)
    return times(open_time[kept]), packed(values[kept])


def equity_section(result: RunResult) -> Section:
    """Draw equity (linear or logarithmic at a click), the drawdown, and cash beside the position's worth."""
    return Section(
        "equity",
        "Equity",
        "equity.html",
        {"log": _wants_log(result)},
        figures={
            "equity-chart": _equity(result),
            "underwater-chart": _underwater(result),
            "exposure-chart": _exposure(result),
        },
    )


def _equity(result: RunResult) -> dict[str, Any]:
    bars = result.data.bars
    held = buy_and_hold(result.settings.cash, bars.close)
    traces = [
        line_trace(*curve_points(bars.open_time, result.curve.equity), "Equity", "--long", line={"width": 2}),
        line_trace(*curve_points(bars.open_time, held), "Buy and hold", "--hold", line={"dash": "dash"}),
    ]
    scale = "log" if _wants_log(result) else "linear"
    return figure(traces, height=340, yaxis={"title": {"text": "equity"}, "type": scale})


def _wants_log(result: RunResult) -> bool:
    held = buy_and_hold(result.settings.cash, result.data.bars.close)
    limits = finite_range((result.curve.equity, held))
    return limits is not None and wants_log(*limits)


def _underwater(result: RunResult) -> dict[str, Any]:
    bars = result.data.bars
    x, y = curve_points(bars.open_time, drawdown_of(result.curve.equity))
    trace = line_trace(x, y, "Drawdown", "--loss", fill="tozeroy", line={"width": 1})
    return figure([trace], height=200, yaxis={"ticksuffix": "%", "title": {"text": "drawdown"}})


def _exposure(result: RunResult) -> dict[str, Any]:
    bars, curve = result.data.bars, result.curve
    worth = np.abs(curve.position * bars.close)
    total = np.maximum(np.abs(curve.cash) + worth, 1e-300)
    share = worth / total * 100.0
    if len(share) > 4 * _COLUMNS:
        means = column_ranges(share, share, _COLUMNS)
        x, y = times(bars.open_time[means.middle]), packed(means.mean)
    else:
        x, y = times(bars.open_time), packed(share)
    trace = line_trace(x, y, "In the market", "--accent-2", fill="tozeroy", line={"width": 0.5, "shape": "hv"})
    return figure(
        [trace], height=140, yaxis={"ticksuffix": "%", "range": [0, 105], "title": {"text": "position"}}
    )
