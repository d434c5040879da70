"""Buy and hold, the measure that stands beside every strategy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.reports.metrics import buy_and_hold_curve, compute_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bt_run.core.market import BarFile
    from bt_run.core.results import RunResult

__all__ = ["Hold", "data_key", "find_holds"]


@dataclass(frozen=True, slots=True, eq=False)
class Hold:
    """Buy and hold on one file of bars: all of `cash` (quote currency) into the first close, without costs."""

    data: BarFile
    cash: float
    metrics: Mapping[str, float | int | None]


def data_key(data: BarFile) -> tuple[str, str, str, int]:
    """Tell which bars a run was made on: path, content, interval and first bar."""
    return str(data.path), data.sha256, str(data.interval), int(data.bars.open_time[0])


def find_holds(results: Sequence[RunResult]) -> tuple[Hold, ...]:
    """
    Give buy and hold once for each file of bars among the results, in their order.

    It starts with the cash of the first run on that file, and covers the longest (a strategy may stop early).
    """
    files: dict[tuple[str, str, str, int], tuple[BarFile, float]] = {}
    for result in results:
        key = data_key(result.data)
        data, cash = files.get(key, (result.data, result.settings.cash))
        files[key] = (max(data, result.data, key=lambda file: len(file.bars)), cash)
    return tuple(_hold(data, cash) for data, cash in files.values())


def _hold(data: BarFile, cash: float) -> Hold:
    metrics = compute_metrics(
        curve=buy_and_hold_curve(data.bars, cash),
        bars=data.bars,
        trades=(),
        fills=(),
        cash=cash,
        interval=data.interval,
    )
    return Hold(data, cash, metrics)
