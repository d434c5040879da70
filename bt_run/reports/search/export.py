"""A search as files: every trial as CSV, what was found as JSON; see ``docs/how-to/optimise.md``."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, Any

from bt_run.core.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bt_run.core.trial import Trial
    from bt_run.reports.search.heat import HeatMap

__all__ = ["SEARCH_SCHEMA", "heat_to_dict", "trial_to_dict", "write_trials_csv"]

SEARCH_SCHEMA = "bt-run/optimize/1"


def write_trials_csv(
    path: Path, trials: Iterable[Trial], *, names: Sequence[str], metrics: Sequence[str]
) -> None:
    """
    Write one line a trial: its number, the parameters in `names`, the metrics, and the error where it failed.

    Numbers read back exactly; what is not defined is empty. Written as the trials are read, so a large search
    needs no memory. Raises ConfigError.
    """
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["number", *names, *metrics, "error"])
        for trial in trials:
            params = [trial.params.get(name) for name in names]
            values = [trial.metrics.get(metric) for metric in metrics]
            writer.writerow([trial.number, *params, *values, trial.error])


def trial_to_dict(trial: Trial) -> dict[str, Any]:
    """Give a trial as plain JSON values."""
    return {
        "number": trial.number,
        "params": dict(trial.params),
        "metrics": dict(trial.metrics),
        "error": trial.error,
        "engine": trial.engine,
    }


def heat_to_dict(heat: HeatMap) -> dict[str, Any]:
    """Give a map as plain JSON values: `values` holds a row for each cell of y; empty cells are None."""
    rows = [[None if math.isnan(value) else value for value in row] for row in heat.values.tolist()]
    return {
        "metric": heat.metric,
        "x": {"name": heat.x.name, "cells": [list(cell) for cell in heat.x.cells]},
        "y": {"name": heat.y.name, "cells": [list(cell) for cell in heat.y.cells]},
        "values": rows,
    }
