"""10 Robustness: what chance makes of the same trades, windows that were not trained on, neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.reports.cells import percent_cell, ratio_cell
from bt_run.reports.page.figure_json import packed
from bt_run.reports.page.look import figure, line_trace
from bt_run.reports.page.section import Number, Section, number

if TYPE_CHECKING:
    from bt_run.reports.page.contents import Band, Robustness

__all__ = ["luck_section"]


def luck_section(found: Robustness) -> Section | None:
    """Lay out what there is; None where nothing was tried."""
    if not found:
        return None
    figures: dict[str, Any] = {}
    if found.paths is not None:
        figures["paths-chart"] = _paths(found)
    if found.heat is not None:
        figures["heat-chart"] = _heat(found)
    rows = [
        (band, [_cell(band, name, place) for name in ("measured", "low", "high")])
        for place, band in enumerate(found.bands)
    ]
    data = {
        "bands": [{"measured": band.measured, "low": band.low, "high": band.high} for band in found.bands],
        "sheets": [
            {"title": sheet.title, "columns": list(sheet.columns), "rows": [list(row) for row in sheet.rows]}
            for sheet in found.sheets
        ],
    }
    return Section("robustness", "Robustness", "luck.html", {"found": found, "rows": rows}, figures, data)


def _cell(band: Band, name: str, place: int) -> Number:
    value = getattr(band, name)
    if band.kind == "ratio":
        text = ratio_cell(value)
    else:
        text = percent_cell(value if band.kind == "change" or value is None else -value)
    return number(text, value, path=f"bands.{place}.{name}")


def _paths(found: Robustness) -> dict[str, Any]:
    paths = np.asarray(found.paths, dtype=np.float64)
    steps = np.arange(paths.shape[1])
    traces = [
        line_trace(
            packed(steps), packed(path), f"{quantile:.0%} lie below",
            "--long" if quantile == 0.5 else "--hold", line={"width": 2 if quantile == 0.5 else 1},
        )
        for quantile, path in zip(found.quantiles, paths, strict=True)
    ]  # fmt: skip
    return figure(traces, height=300, xaxis={"title": {"text": "trades"}}, yaxis={"title": {"text": "equity"}})


def _heat(found: Robustness) -> dict[str, Any]:
    values = np.asarray(found.heat, dtype=np.float64)
    trace = {
        "type": "heatmap",
        "z": [[float(value) if np.isfinite(value) else None for value in row] for row in values],
        "x": list(found.heat_columns[1]),
        "y": list(found.heat_rows[1]),
        "colorscale": "Viridis",
        "colorbar": {"title": {"text": found.heat_metric}},
        "hovertemplate": "%{y}, %{x}: %{z:.4g}<extra></extra>",
    }
    return figure(
        [trace], height=420, hovermode="closest",
        xaxis={"type": "category", "title": {"text": found.heat_columns[0]}},
        yaxis={"type": "category", "title": {"text": found.heat_rows[0]}},
    )  # fmt: skip
