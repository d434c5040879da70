"""Run several strategies over several files, in parallel where that pays."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.fast.engine import why_not_fast
from bt_run.run.backtest import run_backtest
from strategies.loader import load_strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bt_run.core.market import BarFile
    from bt_run.core.results import RunResult
    from bt_run.core.settings import BacktestSettings
    from strategies.loader import LoadedStrategy

__all__ = ["run_comparison"]

_WORTH_PROCESSES = 150_000
"""Bars above which new processes repay the second that each needs to start; the fast engine's do not count."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One run as a worker gets it: the strategy as text, because classes loaded from files do not travel."""

    spec: str
    data: BarFile
    settings: BacktestSettings


def run_comparison(
    specs: Sequence[str],
    data: Sequence[BarFile],
    settings: BacktestSettings,
    *,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[RunResult]:
    """
    Run every strategy over every file.

    Args:
        specs: Strategies as `strategies.loader.load_strategy` reads them.
        data: At least one file of bars.
        settings: The same for all runs.
        jobs: Processes, >= 1; None chooses by the work and the number of cores.
        progress: Called with the number of runs done.

    Returns:
        Results ordered by data, then by strategy, as given; the same whatever the number of processes.

    Raises:
        StrategyError, ConfigError: of the first run that failed; the others are stopped.
    """
    slow = {spec for spec in specs if not _is_quick(load_strategy(spec), data[0], settings)}
    todo = [_Job(spec, file, settings) for file in data for spec in specs]
    workers = _workers(todo, slow, jobs)
    if workers == 1:
        return _run_here(todo, progress)
    return _run_in_processes(todo, workers, progress)


def _is_quick(strategy: LoadedStrategy, data: BarFile, settings: BacktestSettings) -> bool:
    """Tell whether the fast engine will run this, in less time than a process needs to be given the bars."""
    return settings.engine in ("auto", "fast") and why_not_fast(strategy, data, settings) is None


def _workers(todo: Sequence[_Job], slow: set[str], jobs: int | None) -> int:
    if jobs is None:
        bars = sum(len(job.data.bars) for job in todo if job.spec in slow)
        jobs = (os.cpu_count() or 1) if bars > _WORTH_PROCESSES else 1
    return max(1, min(jobs, len(todo)))


def _run_here(todo: Sequence[_Job], progress: Callable[[int], None] | None) -> list[RunResult]:
    results = []
    for done, job in enumerate(todo, start=1):
        results.append(_run(job))
        if progress is not None:
            progress(done)
    return results


def _run_in_processes(
    todo: Sequence[_Job], workers: int, progress: Callable[[int], None] | None
) -> list[RunResult]:
    """
    Run the jobs in fresh processes; on an error or Ctrl-C the workers are stopped at once.

    Spawned, not forked: pandas and pyarrow run threads, and a fork of a threaded process can hang.
    """
    results: dict[int, RunResult] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_ctrl_c_to_parent) as pool:
        waiting = {pool.submit(_run_without_bars, job): place for place, job in enumerate(todo)}
        try:
            for future in as_completed(waiting):
                place = waiting[future]
                results[place] = _with_bars(future.result(), todo[place].data)
                if progress is not None:
                    progress(len(results))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            raise
    return [results[place] for place in range(len(todo))]


def _leave_ctrl_c_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(job: _Job) -> RunResult:
    return run_backtest(load_strategy(job.spec), job.data, job.settings)


def _run_without_bars(job: _Job) -> RunResult:
    """Run in a worker; the bars stay behind, because the parent has them and they are the bulk of a result."""
    result = _run(job)
    return dataclasses.replace(result, data=dataclasses.replace(result.data, bars=result.data.bars[:0]))


def _with_bars(result: RunResult, data: BarFile) -> RunResult:
    """Give a worker's result its bars back, cut where the strategy stopped early."""
    bars = data.bars[: len(result.curve.equity)]
    return dataclasses.replace(result, data=dataclasses.replace(data, bars=bars))
