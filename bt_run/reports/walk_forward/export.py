"""A walk-forward analysis as JSON, and its windows as CSV."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from bt_run.core.atomic import replacing
from bt_run.core.clock import iso_utc
from bt_run.reports.export import result_to_dict
from bt_run.reports.walk_forward.table import walk_words

if TYPE_CHECKING:
    from pathlib import Path

    from bt_run.reports.walk_forward.result import WalkForward, WindowResult

__all__ = ["WALK_SCHEMA", "walk_to_dict", "write_windows_csv"]

WALK_SCHEMA = "bt-run/walk-forward/1"

_MEASURED = ("sharpe", "return_pct", "return_ann_pct", "max_drawdown_pct", "trades", "win_rate_pct")


def walk_to_dict(walk: WalkForward) -> dict[str, Any]:
    """Turn the analysis into plain JSON values; the stitched run is there as a backtest's result is."""
    return {
        "schema": WALK_SCHEMA,
        "strategy": walk.label,
        "metric": walk.metric,
        "train": walk.train,
        "test": walk.test,
        "anchored": walk.anchored,
        "method": walk.method,
        "seed": walk.seed,
        "windows_planned": walk.total,
        "windows": [_window(each) for each in walk.windows],
        "efficiency": walk.efficiency,
        "profitable_windows": walk.profitable,
        "promise": {name: walk.promise(name) for name in dict.fromkeys((walk.metric, *_MEASURED))},
        "buy_and_hold": dict(walk.hold),
        "sentences": walk_words(walk),
        "stitched": result_to_dict(walk.stitched),
    }


def _window(each: WindowResult) -> dict[str, Any]:
    return {
        **_times(each),
        "params": dict(each.params) if each.params is not None else None,
        "tried": each.tried,
        "failed": each.failed,
        "efficiency": each.efficiency,
        "in_sample": dict(each.in_sample),
        "out_of_sample": dict(each.run.metrics),
    }


def _times(each: WindowResult) -> dict[str, Any]:
    times, window = each.run.data.bars.open_time, each.window
    return {
        "number": window.number,
        "test_start": iso_utc(int(times[0])),
        "test_end": iso_utc(int(times[-1])),
        "train_bars": window.test - window.train,
        "test_bars": window.end - window.test,
    }


def write_windows_csv(path: Path, walk: WalkForward) -> None:
    """Write one line a window: times, its choice, metrics in and out of sample. Raises ConfigError."""
    measured = tuple(dict.fromkeys((walk.metric, *_MEASURED)))
    names = [*_times(walk.windows[0]), "tried", "failed", *walk.names]
    columns = [
        *names,
        *(f"in_{name}" for name in measured),
        *(f"out_{name}" for name in measured),
        "efficiency",
    ]
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n", restval="")
        writer.writeheader()
        for each in walk.windows:
            row: dict[str, Any] = {**_times(each), "tried": each.tried, "failed": each.failed}
            row |= {name: (each.params or {}).get(name) for name in walk.names}
            row |= {f"in_{name}": each.in_sample.get(name) for name in measured}
            row |= {f"out_{name}": each.run.metrics.get(name) for name in measured}
            writer.writerow({**row, "efficiency": each.efficiency})
