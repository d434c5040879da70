"""The best of a search as a table, and the best beside its neighbours."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from bt_run.reports.fitted import Fitted
from bt_run.reports.heading import one_line
from bt_run.reports.search.metric_cell import USUAL, heading_of, metric_cell, param_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from bt_run.core.trial import Trial

__all__ = ["neighbour_table", "neighbour_words", "trial_table"]

_DISPENSABLE = ("win_rate_pct", "trades", "return_pct", "max_drawdown_pct", "sharpe")


def trial_table(trials: Sequence[Trial], *, names: Sequence[str], metrics: Sequence[str]) -> RenderableType:
    """
    Lay out trials, the best first, with a column for each parameter in `names`.

    `metrics` are those that were searched for; they come first and bold. The usual ones follow as far as the
    terminal is wide enough.
    """
    return Fitted(lambda width: _trial_parts(trials, names, metrics, width))


def _trial_parts(
    trials: Sequence[Trial], names: Sequence[str], metrics: Sequence[str], width: int
) -> Iterator[RenderableType]:
    columns = _fitting(trials, names, metrics, width)
    table = _table()
    table.add_column("#", justify="right", no_wrap=True)
    for name in names:
        table.add_column(one_line(name), justify="right", overflow="fold", min_width=3)
    for metric in columns:
        table.add_column(heading_of(metric), justify="right", no_wrap=True)
    for place, trial in enumerate(trials, start=1):
        values = [Text(one_line(param_cell(trial.params.get(name, "")))) for name in names]
        cells = [
            Text(metric_cell(key, trial.metrics.get(key)), style="bold" if key in metrics else "")
            for key in columns
        ]
        table.add_row(Text(str(place), style="dim"), *values, *cells)
    yield table


def _table() -> Table:
    return Table(box=None, padding=(0, 0, 0, 2), pad_edge=False, header_style="bold cyan")


def _fitting(trials: Sequence[Trial], names: Sequence[str], metrics: Sequence[str], width: int) -> list[str]:
    """Choose the columns that fit beside the parameters; those searched for stay in any case."""
    columns = [*metrics, *(key for key in USUAL if key not in metrics)]
    room = width - 4 - sum(2 + max(3, len(name)) for name in names)
    wide = {
        key: 2
        + max([len(heading_of(key)), *(len(metric_cell(key, trial.metrics.get(key))) for trial in trials)])
        for key in columns
    }
    for key in _DISPENSABLE:
        if sum(wide[each] for each in columns) <= room:
            break
        if key not in metrics and key in columns:
            columns.remove(key)
    return columns


def neighbour_table(
    best: Trial, neighbours: Sequence[tuple[str, Any, Trial | None]], *, metrics: Sequence[str]
) -> RenderableType:
    """
    Lay out the best and the combinations one step away from it.

    `neighbours` are (parameter, value, trial), trial None where it was not tried; `metrics` as `trial_table`.
    """
    return Fitted(lambda width: _neighbour_parts(best, neighbours, metrics, width))


def _neighbour_parts(
    best: Trial, neighbours: Sequence[tuple[str, Any, Trial | None]], metrics: Sequence[str], width: int
) -> Iterator[RenderableType]:
    tried = [best, *(trial for _, _, trial in neighbours if trial is not None)]
    columns = _fitting(tried, ["x" * 24], metrics, width)
    table = _table()
    table.add_column("Best and neighbours", overflow="fold", min_width=20)
    for metric in columns:
        table.add_column(heading_of(metric), justify="right", no_wrap=True)
    rows: list[tuple[str, Trial | None]] = [("the best", best)]
    rows += [(f"{name}={param_cell(value)}", trial) for name, value, trial in neighbours]
    for label, trial in rows:
        found = trial.metrics if trial is not None else {}
        cells = [
            Text(metric_cell(key, found.get(key)), style="bold" if trial is best else "") for key in columns
        ]
        note = (
            "" if trial is not None and not trial.error else "  failed" if trial is not None else "  not tried"
        )
        table.add_row(Text(one_line(label) + note), *cells)
    yield table


def neighbour_words(best: float, around: Sequence[float], *, metric: str) -> str:
    """
    Say whether the best stands on a plateau or on a peak.

    Args:
        best: Its value of `metric`, whichever way is better.
        around: The neighbours' values, where defined.
    """
    if not around:
        return "No neighbour of the best was tried, so nothing tells a plateau from a lucky peak."
    middle = statistics.median(around)
    share = abs(middle - best) / abs(best) if best else float("inf")
    name = heading_of(metric)
    told = f"{name} {metric_cell(metric, best)}, its neighbours' middle {metric_cell(metric, middle)}"
    if share <= 0.15:
        return f"The best stands on a plateau: {told}."
    if share <= 0.5:
        return f"The best stands on a slope: {told}."
    return f"The best is a peak alone: {told}. One step aside it is mostly gone; distrust it."
