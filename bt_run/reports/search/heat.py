"""A search seen along two of its parameters: the best value of a metric in every cell."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.reports.search.metric_cell import param_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bt_run.core.market import FloatArray
    from bt_run.core.trial import Trial

__all__ = ["HeatAxis", "HeatMap", "heat_of"]


@dataclass(frozen=True, slots=True)
class HeatAxis:
    """
    A parameter as the cells of a map: `cells` holds the values that share a cell, or its (low, high).

    A continuous parameter is cut into equal pieces; of a long list neighbours share a cell.
    """

    name: str
    cells: tuple[tuple[Any, ...], ...]
    is_continuous: bool = False

    @classmethod
    def of_values(cls, name: str, values: Sequence[Any], *, most: int) -> HeatAxis:
        """Cut a list, in its order (numbers ascending), into at most `most` cells of about equal size."""
        ordered = sorted(values) if all(isinstance(value, int | float) for value in values) else list(values)
        count = min(most, len(ordered))
        edges = [round(place * len(ordered) / count) for place in range(count + 1)]
        return cls(name, tuple(tuple(ordered[a:b]) for a, b in itertools.pairwise(edges)))

    @classmethod
    def of_span(cls, name: str, low: float, high: float, *, most: int) -> HeatAxis:
        """Cut the floats from `low` to `high` into `most` equal pieces."""
        edges = np.linspace(low, high, most + 1).tolist()
        return cls(name, tuple(itertools.pairwise(edges)), is_continuous=True)

    @property
    def labels(self) -> list[str]:
        """What stands beside a cell: its value, or the first of them; the low end of a continuous one."""
        return [param_cell(cell[0]) for cell in self.cells]

    def place(self, value: Any) -> int:
        """Find the cell of a value."""
        if self.is_continuous:
            low, high = self.cells[0][0], self.cells[-1][1]
            return min(len(self.cells) - 1, int((value - low) / (high - low) * len(self.cells)))
        return next(place for place, cell in enumerate(self.cells) if value in cell)


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """
    The best value of `metric` in every cell, shape (len(y.cells), len(x.cells)); NaN where nothing was tried.

    `sign` is 1 where more is better, -1 where less is. `best` is the (row, column) of the best cell, None where
    all are NaN. `y` has one cell where the search
    moved a single parameter.
    """

    metric: str
    x: HeatAxis
    y: HeatAxis
    values: FloatArray
    sign: int
    best: tuple[int, int] | None


def heat_of(trials: Iterable[Trial], *, metric: str, sign: int, x: HeatAxis, y: HeatAxis | None) -> HeatMap:
    """
    Draw up the map of a search in one pass over its trials.

    Args:
        trials: Failed ones, and those that do not define the metric, are passed over.
        metric: What is shown.
        sign: 1 where more of it is better, -1 where less is: which value a cell shows that holds several.
        x: The parameter that runs to the right.
        y: The one that runs upward; None for a search that moves only one.
    """
    rows = y or HeatAxis("", ((None,),))
    scores = np.full((len(rows.cells), len(x.cells)), -np.inf)
    places: tuple[dict[Any, int], dict[Any, int]] = ({}, {})
    for trial in trials:
        value = trial.metrics.get(metric)
        if value is None:
            continue
        column = _place(x, trial.params, places[0])
        row = 0 if y is None else _place(y, trial.params, places[1])
        scores[row, column] = max(scores[row, column], sign * value)
    found = np.isfinite(scores)
    best = None
    if found.any():
        best = divmod(int(np.argmax(scores)), scores.shape[1])
    return HeatMap(metric, x, rows, np.where(found, sign * scores, np.nan), sign, best)


def _place(axis: HeatAxis, params: Mapping[str, Any], known: dict[Any, int]) -> int:
    value = params[axis.name]
    if axis.is_continuous:
        return axis.place(value)
    if value not in known:
        known[value] = axis.place(value)
    return known[value]
