"""A heat map in the terminal: numbers on coloured ground, the best in brackets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table
from rich.text import Text

from bt_run.reports.fitted import Fitted
from bt_run.reports.heading import one_line
from bt_run.reports.search.metric_cell import heading_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from bt_run.reports.search.heat import HeatMap

__all__ = ["MOST_COLUMNS", "MOST_ROWS", "heat_table"]

MOST_COLUMNS = 9
MOST_ROWS = 16
"""How many cells a map of the terminal may have, to fit 80 columns and one screen."""

_GROUND = (
    "#440154",
    "#46327e",
    "#365c8d",
    "#277f8e",
    "#1fa187",
    "#4ac16d",
    "#a0da39",
)  # viridis, darkest first


def heat_table(heat: HeatMap) -> RenderableType:
    """Lay out a map of at most MOST_ROWS by MOST_COLUMNS cells; the largest y is the top row."""
    return Fitted(lambda _: _parts(heat))


def _parts(heat: HeatMap) -> Iterator[RenderableType]:
    y_name = one_line(heat.y.name)
    title = f"{heading_of(heat.metric)} by {one_line(heat.x.name)} (across)" + (
        f" and {y_name} (up)" if y_name else ""
    )
    table = Table(box=None, padding=(0, 0), pad_edge=False, header_style="bold cyan")
    table.add_column(y_name[:12], justify="right", style="cyan")
    for label in heat.x.labels:
        table.add_column(label, justify="right", min_width=7, no_wrap=True)
    for row in reversed(range(len(heat.y.cells))):
        label = heat.y.labels[row] if y_name else ""
        cells = [_cell(heat, row, column) for column in range(len(heat.x.cells))]
        table.add_row(label, *cells)
    yield Text(title, style="bold")
    yield table
    if any(len(cell) > 1 for axis in (heat.x, heat.y) for cell in axis.cells):
        yield Text("A cell holds several values and shows the best of them.", style="dim")


def _cell(heat: HeatMap, row: int, column: int) -> Text:
    value = float(heat.values[row, column])
    if np.isnan(value):
        return Text("· ", style="dim")
    is_best = heat.best == (row, column)
    size = np.nanmax(np.abs(heat.values))
    text = f"{value:.0f}" if size >= 1000 else f"{value:.1f}" if size >= 100 else f"{value:.2f}"
    return Text(f"[{text}]" if is_best else f"{text} ", style=_style(heat, value, is_best=is_best))


def _style(heat: HeatMap, value: float, *, is_best: bool) -> str:
    low, high = float(np.nanmin(heat.values)), float(np.nanmax(heat.values))
    share = (value - low) / (high - low) if high > low else 0.0
    place = round((share if heat.sign > 0 else 1.0 - share) * (len(_GROUND) - 1))
    ink = "black" if place >= 5 else "white"
    return f"{'bold ' if is_best else ''}{ink} on {_GROUND[place]}"
