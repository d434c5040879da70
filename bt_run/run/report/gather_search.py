"""Reports of searches: the best run with its map and its neighbours, and a walk-forward with its windows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from bt_run.reports.heading import time_cell
from bt_run.reports.page.contents import ReportContents, Sheet
from bt_run.reports.page.robustness import robustness_of
from bt_run.reports.search.metric_cell import heading_of, metric_cell, param_cell
from bt_run.reports.walk_forward.table import walk_words
from bt_run.run.report.gather import manifest_of, report_of_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bt_run.core.results import RunResult
    from bt_run.core.trial import Trial
    from bt_run.reports.honesty.honesty import HonestyReport
    from bt_run.reports.search.heat import HeatMap
    from bt_run.reports.walk_forward.result import WalkForward, WindowResult
    from strategies.loader import LoadedStrategy

__all__ = ["report_of_search", "report_of_walk"]


def report_of_search(
    best: RunResult,
    strategy: LoadedStrategy,
    *,
    trials: Sequence[Trial],
    names: Sequence[str],
    metrics: Sequence[str],
    heat: HeatMap | None,
    luck: HonestyReport,
    command: str,
    seed: int,
    written: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ReportContents:
    """
    Gather the report of a search: that of its best run, judged by how many tries were made.

    Args:
        best: The run of the best combination, made again.
        strategy: With the parameters of the best.
        trials: The best, first of all the best; with the `names` that moved and the `metrics` of the goals.
        heat: The map over two parameters, None where none moved.
        luck: What the tries say of the best.
        command: The command line of the search.
        seed: Of the search and of the resampling.
        written: The time of the clock; None leaves it out.
        progress: Called with how many repetitions under other costs are done.
    """
    plain = report_of_run(best, strategy, command=command, seed=seed, written=written, progress=progress)
    found = robustness_of(best, luck, seed=seed)
    columns = [*names, *(heading_of(metric) for metric in metrics)]
    rows = [
        [
            *(param_cell(trial.params[name]) for name in names),
            *(metric_cell(metric, trial.metrics.get(metric)) for metric in metrics),
        ]
        for trial in trials
    ]
    sheets = (Sheet("The best combinations", columns, rows, "Neighbours that do as well speak for the best."),)
    found = dataclasses.replace(found, sheets=sheets, **_map_of(heat))
    return dataclasses.replace(
        plain, kind="bt-run optimize", title=f"{plain.title}, the best found", robustness=found
    )


def _map_of(heat: HeatMap | None) -> dict[str, Any]:
    if heat is None:
        return {}
    return {
        "heat": heat.values,
        "heat_rows": (heat.y.name, heat.y.labels),
        "heat_columns": (heat.x.name, heat.x.labels),
        "heat_metric": heading_of(heat.metric),
    }


def report_of_walk(
    walk: WalkForward, luck: HonestyReport, *, command: str, written: str | None = None
) -> ReportContents:
    """Gather the report of a walk-forward: the stitched account, and a row for each window."""
    run = walk.stitched
    found = robustness_of(run, luck, seed=walk.seed)
    columns = [
        "#", "Test from", *walk.names, f"{heading_of(walk.metric)} in sample", "out of sample", "Return",
        "Max drawdown", "Trades",
    ]  # fmt: skip
    rows = [_window_row(each, walk) for each in walk.windows]
    note = f"Trained on {walk.train} ({'anchored' if walk.anchored else 'rolling'}), tested on {walk.test}."
    found = dataclasses.replace(
        found, words=(*walk_words(walk), *found.words), sheets=(Sheet("Windows", columns, rows, note),)
    )
    return ReportContents(
        title=f"{walk.label} on {run.data.title}, walk-forward",
        kind="bt-run walk-forward",
        runs=(run,),
        manifest=manifest_of(command, seed=walk.seed, written=written),
        robustness=found,
    )


def _window_row(each: WindowResult, walk: WalkForward) -> list[str]:
    run, chosen = each.run, each.params or {}
    with_clock = run.data.interval.approximate_ms < 3_600_000
    return [
        str(each.window.number),
        time_cell(int(run.data.bars.open_time[0]), with_clock=with_clock),
        *(param_cell(chosen[name]) if name in chosen else "none" for name in walk.names),
        metric_cell(walk.metric, each.in_sample.get(walk.metric)),
        *(
            metric_cell(key, run.metrics.get(key))
            for key in (walk.metric, "return_pct", "max_drawdown_pct", "trades")
        ),
    ]
