"""6 Distribution of returns a day and results a trade; 7 Sharpe ratio and volatility as time goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.reports import distribution
from bt_run.reports.cells import percent_cell, ratio_cell
from bt_run.reports.page.figure_json import packed, times
from bt_run.reports.page.look import figure, line_trace
from bt_run.reports.page.section import Section, number
from bt_run.reports.returns import period_returns, periods_per_year, return_times
from bt_run.reports.rolling import rolling_sharpe, rolling_volatility

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray
    from bt_run.core.results import RunResult

__all__ = ["distribution_section", "rolling_section"]

_BINS = 60
_WINDOW = 90


def distribution_section(result: RunResult) -> Section:
    """Draw both histograms, and tell the tails of the daily one."""
    daily = _daily(result) * 100.0
    pct = np.array([trade.pnl_pct for trade in result.trades])
    figures = {}
    moved = daily[
        daily != 0.0
    ]  # a strategy out of the market has many days of nothing, which would hide the rest
    if len(moved):
        figures["daily-chart"] = _histogram(moved, "days", "return of a day")
    if len(pct):
        figures["trade-chart"] = _histogram(pct, "trades", "result of a trade")
    tails = {
        "skewness": distribution.skewness(daily),
        "kurtosis": distribution.kurtosis(daily),
        "value_at_risk_pct": distribution.value_at_risk(daily),
        "expected_shortfall_pct": distribution.expected_shortfall(daily),
    }
    words = {
        "skewness": ("Skewness", "below 0: large losses are more frequent than large gains (G1)"),
        "kurtosis": ("Excess kurtosis", "above 0: extremes are more frequent than under a normal curve (G2)"),
        "value_at_risk_pct": ("Value at risk, 95 %", "mean + z * standard deviation of daily returns"),
        "expected_shortfall_pct": (
            "Expected shortfall, 95 %",
            "mean of the days beyond it under a normal curve",
        ),
    }
    shown = [
        (label, number(percent_cell(tails[key]) if key.endswith("pct") else ratio_cell(tails[key]), tails[key],
                       path=f"tails.{key}", hint=hint))
        for key, (label, hint) in words.items()
    ]  # fmt: skip
    return Section(
        "distribution",
        "Distribution of returns",
        "distribution.html",
        {"tails": shown, "still": len(daily) - len(moved)},
        figures,
        {"tails": tails},
    )


def rolling_section(result: RunResult) -> Section | None:
    """Draw both over windows of 90 returns; None where the run is shorter than two windows."""
    returns = _daily(result)
    if len(returns) < 2 * _WINDOW:
        return None
    year = periods_per_year(result.data.bars.open_time, result.data.interval)
    x = times(return_times(result.data.bars.open_time, interval=result.data.interval))
    ratio = rolling_sharpe(returns, window=_WINDOW, periods=year)
    swing = rolling_volatility(returns, window=_WINDOW, periods=year) * 100.0
    figures = {
        "rolling-sharpe-chart": figure(
            [line_trace(x, packed(ratio), "Sharpe ratio", "--long")],
            height=220,
            yaxis={"title": {"text": "Sharpe ratio"}},
        ),
        "rolling-volatility-chart": figure(
            [line_trace(x, packed(swing), "Volatility", "--accent-1")],
            height=220,
            yaxis={"ticksuffix": "%", "title": {"text": "volatility a year"}},
        ),
    }
    unit = "days" if result.data.interval.approximate_ms <= 86_400_000 else "bars"
    return Section(
        "rolling",
        "Rolling Sharpe ratio and volatility",
        "rolling.html",
        {"window": _WINDOW, "unit": unit},
        figures,
    )


def _daily(result: RunResult) -> FloatArray:
    return period_returns(
        result.curve.equity,
        result.data.bars.open_time,
        start=result.settings.cash,
        interval=result.data.interval,
    )


def _histogram(values: FloatArray, what: str, title: str) -> dict[str, Any]:
    low, high = np.percentile(values, [0.2, 99.8]) if len(values) > 500 else (values.min(), values.max())
    if low == high:
        low, high = low - 1.0, high + 1.0
    count, edges = np.histogram(
        np.clip(values, low, high), bins=min(_BINS, max(8, len(values) // 2)), range=(low, high)
    )
    middle = (edges[:-1] + edges[1:]) / 2
    trace = {
        "type": "bar",
        "x": packed(middle),
        "y": packed(count),
        "name": what,
        "marker": {"color": ["--gain" if place > 0 else "--loss" for place in middle]},
        "hovertemplate": f"%{{x:.2f}}%: %{{y}} {what}<extra></extra>",
    }
    return figure(
        [trace], height=240, bargap=0.06, hovermode="closest",
        xaxis={"ticksuffix": "%", "title": {"text": title}}, yaxis={"title": {"text": what}},
    )  # fmt: skip
