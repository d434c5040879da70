"""11 Comparison: runs side by side, their equity in one picture, and how alike their days are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.reports.account import buy_and_hold, drawdown_of
from bt_run.reports.benchmark import find_holds
from bt_run.reports.correlation import daily_correlation
from bt_run.reports.metric_words import METRIC_WORDS
from bt_run.reports.page.look import ACCENTS, figure, line_trace
from bt_run.reports.page.section import Section
from bt_run.reports.page.sections.equity import curve_points
from bt_run.reports.page.sections.summary import metric_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bt_run.core.results import RunResult
    from bt_run.reports.page.section import Number

__all__ = ["versus_section"]

_KEYS = (
    "equity_final", "return_pct", "return_ann_pct", "sharpe", "sortino", "calmar", "max_drawdown_pct",
    "max_drawdown_duration_s", "volatility_ann_pct", "exposure_pct", "trades", "win_rate_pct", "profit_factor",
    "expectancy_pct", "sqn", "fees_paid",
)  # fmt: skip


def versus_section(runs: Sequence[RunResult]) -> Section:
    """Lay out the matrix, curves of equal starting worth, and the correlation of daily returns."""
    holds = find_holds(runs)
    names = [*(run.label for run in runs), *(f"buy and hold {hold.data.title}" for hold in holds)]
    columns: list[Mapping[str, float | int | None]] = [
        *(run.metrics for run in runs),
        *(hold.metrics for hold in holds),
    ]
    matrix = [
        (METRIC_WORDS[key], [_cell(key, column, place) for place, column in enumerate(columns)])
        for key in _KEYS
    ]
    correlation = daily_correlation(runs)
    figures = {"versus-chart": _curves(runs), "versus-underwater-chart": _falls(runs)}
    if len(runs) > 1:
        figures["correlation-chart"] = _correlation([run.label for run in runs], correlation)
    best = {key: _best(key, columns) for key in _KEYS}
    values = {"names": names, "matrix": list(zip(_KEYS, matrix, strict=True)), "best": best}
    return Section(
        "versus",
        "Comparison",
        "versus.html",
        values,
        figures,
        {"columns": [dict(column) for column in columns]},
    )


def _cell(key: str, column: Mapping[str, float | int | None], place: int) -> Number:
    return metric_number(key, column, path=f"columns.{place}.{key}")


def _best(key: str, columns: Sequence[Mapping[str, float | int | None]]) -> float | None:
    known = [value for value in (column.get(key) for column in columns) if value is not None]
    better = METRIC_WORDS[key].better
    if not better or len(known) < 2:
        return None
    return max(known) if better > 0 else min(known)


def _curves(runs: Sequence[RunResult]) -> dict[str, Any]:
    traces = []
    for place, run in enumerate(runs):
        x, y = curve_points(run.data.bars.open_time, run.curve.equity / run.settings.cash * 100.0)
        traces.append(line_trace(x, y, run.label, ACCENTS[place % len(ACCENTS)]))
    for hold in find_holds(runs):
        x, y = curve_points(hold.data.bars.open_time, buy_and_hold(100.0, hold.data.bars.close))
        traces.append(line_trace(x, y, f"buy and hold {hold.data.title}", "--hold", line={"dash": "dash"}))
    return figure(traces, height=400, yaxis={"title": {"text": "starting cash = 100"}})


def _falls(runs: Sequence[RunResult]) -> dict[str, Any]:
    traces = []
    for place, run in enumerate(runs):
        x, y = curve_points(run.data.bars.open_time, drawdown_of(run.curve.equity))
        traces.append(line_trace(x, y, run.label, ACCENTS[place % len(ACCENTS)], line={"width": 1}))
    return figure(
        traces, height=220, showlegend=False, yaxis={"ticksuffix": "%", "title": {"text": "drawdown"}}
    )


def _correlation(names: list[str], found: Any) -> dict[str, Any]:
    cells = [[float(value) if np.isfinite(value) else None for value in row] for row in found]
    trace = {
        "type": "heatmap", "z": cells, "x": names, "y": names, "zmin": -1, "zmax": 1,
        "colorscale": [[0, "#b2182b"], [0.5, "#f7f7f7"], [1, "#2166ac"]],
        "text": [["" if value is None else f"{value:.2f}" for value in row] for row in cells],
        "texttemplate": "%{text}",
        "hovertemplate": "%{y} and %{x}: %{z:.3f}<extra></extra>",
    }  # fmt: skip
    height = 140 + 44 * len(names)
    return figure([trace], height=height, hovermode="closest", margin={"l": 160, "r": 24, "t": 16, "b": 90},
                  xaxis={"type": "category"}, yaxis={"type": "category", "autorange": "reversed"})  # fmt: skip
