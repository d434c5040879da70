"""A metric by its name: the heading of its column, and how its values are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_run.reports.cells import duration_cell, money_cell, percent_cell, ratio_cell

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["USUAL", "heading_of", "metric_cell", "param_cell"]

USUAL = ("return_pct", "sharpe", "max_drawdown_pct", "trades", "win_rate_pct")
"""The metrics that every table of a search shows beside those that were searched for."""

_HEADINGS: Mapping[str, str] = {
    "return_pct": "Return",
    "return_ann_pct": "Ann.",
    "cagr_pct": "CAGR",
    "max_drawdown_pct": "Max DD",
    "avg_drawdown_pct": "Avg DD",
    "win_rate_pct": "Win",
    "equity_final": "Final",
    "profit_factor": "PF",
    "sqn": "SQN",
    "volatility_ann_pct": "Vol.",
    "exposure_pct": "Expos.",
    "fees_paid": "Fees",
}
_SHARES = ("win_rate_pct", "exposure_pct", "volatility_ann_pct")
_MONEY = ("equity_final", "equity_peak", "fees_paid")


def heading_of(metric: str) -> str:
    """Give a short heading: ``Max DD``, ``Sharpe``."""
    return (
        _HEADINGS.get(metric) or metric.removesuffix("_pct").removesuffix("_s").replace("_", " ").capitalize()
    )


def metric_cell(metric: str, value: float | None) -> str:
    """Write a value in the unit of its metric; a dash where it is not defined. A drawdown has its minus."""
    if metric.endswith("drawdown_pct"):
        value = None if value is None else -value
    if metric.endswith("_pct"):
        return percent_cell(value, signed=metric not in _SHARES, digits=1)
    if metric.endswith("_s"):
        return duration_cell(value)
    if metric in _MONEY:
        return money_cell(value, digits=0 if value is None or abs(value) >= 100 else 4)
    return ratio_cell(value, digits=0 if metric == "trades" else 2)


def param_cell(value: Any) -> str:
    """Write a parameter's value; a fraction with six digits at most."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
