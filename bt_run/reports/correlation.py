"""How alike the days of several runs are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bt_run.reports.returns import period_returns, return_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.market import FloatArray
    from bt_run.core.results import RunResult

__all__ = ["daily_correlation"]


def daily_correlation(runs: Sequence[RunResult]) -> FloatArray:
    """
    Give Pearson's correlation of the daily returns of each pair of runs, over the days that both have.

    Returns:
        Shape (runs, runs), in [-1, 1], 1 on the diagonal where a run's returns vary; NaN where fewer than two
        days are shared or one side does not vary.
    """
    days = [_by_time(run) for run in runs]
    found = np.full((len(runs), len(runs)), np.nan)
    for row, mine in enumerate(days):
        for column, theirs in enumerate(days[: row + 1]):
            found[row, column] = found[column, row] = _pearson(mine, theirs)
    return found


def _by_time(run: RunResult) -> dict[int, float]:
    times = run.data.bars.open_time
    interval = run.data.interval
    returns = period_returns(run.curve.equity, times, start=run.settings.cash, interval=interval)
    if not len(returns):
        return {}
    ends = return_times(times, interval=interval) // 86_400_000
    return dict(zip(ends.tolist(), returns.tolist(), strict=True))


def _pearson(mine: dict[int, float], theirs: dict[int, float]) -> float:
    shared = sorted(mine.keys() & theirs.keys())
    if len(shared) < 2:
        return float("nan")
    a, b = (np.array([side[day] for day in shared]) for side in (mine, theirs))
    if not np.ptp(a) or not np.ptp(b):
        return float("nan")
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1.0, 1.0))
