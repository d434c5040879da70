"""
Run a search: plan combinations, hand them to workers, give trials as they come.

`stream_trials` keeps nothing, so that its memory does not grow with the number of combinations; `search`
collects what a caller wants to look at whole, such as one window of a walk-forward analysis.
"""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from bt_run.run.optimize.measure import Measurer
from bt_run.run.optimize.plan import check_some_fit, plan_grid, plan_random
from bt_run.run.optimize.ranking import best_trial, pareto_front
from bt_run.run.optimize.swept import SweptMeasurer, why_not_swept
from bt_run.run.optimize.workers import Here, Processes, Threads, Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from bt_run.core.trial import Candidate, Trial
    from bt_run.run.optimize.request import SearchRequest

__all__ = ["SearchResult", "check_search", "new_seed", "search", "stream_trials"]

_WORTH_KERNELS = 1_000_000_000
"""
Bars in all above which processes that run the kernel repay their start, and a copy of the bars each. More than
two threads gain little: signals and results are the work of one.
"""

_WORTH_TWO_KERNELS = 4_000_000_000
"""The same for two jobs, which threads serve nearly as well."""

_WORTH_THREADS = 20_000_000
"""Bars in all above which a second thread that runs the kernel is worth having: some ten milliseconds."""

_KERNEL_BARS = 25_000_000
"""Bars that a process of the kernel goes through at a time: a tenth of a second, so that sending is little."""

_WORTH_PROCESSES = 150_000
"""Bars in all above which new processes repay the second that each needs to start."""


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """All trials of a search in the order of their numbers, and the seed that repeats it."""

    request: SearchRequest
    trials: tuple[Trial, ...]
    seed: int

    @property
    def best(self) -> Trial | None:
        """The best by the first goal among those that keep the constraints; None where none does."""
        return best_trial(self.trials, self.request.goals[0], self.request.constraints)

    @property
    def front(self) -> list[Trial]:
        """The Pareto front of all goals."""
        return pareto_front(self.trials, self.request.goals, self.request.constraints)


def new_seed() -> int:
    """Draw a seed for a search that was given none."""
    return secrets.randbelow(2**31)


def search(request: SearchRequest, *, progress: Callable[[int], None] | None = None) -> SearchResult:
    """
    Run a whole search and keep every trial.

    Args:
        request: What to search; `request.on(data)` gives the same over other bars.
        progress: Called with the number of combinations done.

    Raises:
        ConfigError: nothing to try, a stake in another asset than the symbol's, a cluster that is not there.
        StrategyError: the strategy cannot be loaded. One that raises is recorded in its trial instead.
    """
    seed = request.seed if request.seed is not None else new_seed()
    trials: list[Trial] = []
    for batch in stream_trials(request, seed=seed):
        trials += batch
        if progress is not None:
            progress(len(trials))
    return SearchResult(request, tuple(sorted(trials, key=lambda trial: trial.number)), seed)


def check_search(request: SearchRequest, *, seed: int) -> None:
    """Check all that can be known before the first run, the cluster too; raises as `search` does."""
    request.settings.stake.check_symbol(request.data.symbol)
    check_some_fit(request.space, Measurer.load(request).strategy.cls, seed=seed)
    if request.cluster:
        from bt_run.run.optimize.cluster import check_cluster  # noqa: PLC0415  # brings Dask, an extra

        check_cluster(request)


def stream_trials(
    request: SearchRequest,
    *,
    seed: int,
    is_done: Callable[[int], bool] = lambda number: False,
    earlier: Callable[[], Iterable[Trial]] = tuple,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[list[Trial]]:
    """
    Run a search and give its trials in batches, as they come.

    Args:
        request: What to search.
        seed: For the methods that draw.
        is_done: Tells of a combination's number whether an earlier run tried it.
        earlier: Gives the trials of an earlier run, for methods that learn from them.
        clock: Seconds, for the time-out.

    Raises as `search` does. Closing the generator stops the workers.
    """
    request.settings.stake.check_symbol(request.data.symbol)
    measurer = Measurer.load(request)
    cls = measurer.strategy.cls
    check_some_fit(request.space, cls, seed=seed)
    ends = clock() + request.timeout_s if request.timeout_s is not None else float("inf")
    with _workers_for(request, measurer) as workers:
        if request.method in ("tpe", "nsga2"):
            yield from _learn(
                request, cls, workers, seed=seed, earlier=list(earlier()), has_time=lambda: clock() < ends
            )
            return
        plan: Iterator[Candidate]
        if request.method == "grid":
            plan = plan_grid(request.space, cls, is_done=is_done)
        else:
            plan = plan_random(request, cls, seed=seed, is_done=is_done)
        yield from workers.stream(takewhile(lambda _: clock() < ends, plan))


def _learn(
    request: SearchRequest,
    cls: type[Any],
    workers: Workers,
    *,
    seed: int,
    earlier: list[Trial],
    has_time: Callable[[], bool],
) -> Iterator[list[Trial]]:
    from bt_run.run.optimize.adaptive import Proposer  # noqa: PLC0415  # Optuna takes half a second to import

    proposer = Proposer(request, cls, seed=seed, told=earlier)
    left = request.budget - len(earlier)
    while left > 0 and has_time():
        candidates = proposer.propose(min(left, workers.width))
        if not candidates:
            return
        trials = [trial for batch in workers.stream(candidates) for trial in batch]
        proposer.tell(trials)
        left -= len(trials)
        yield trials


def _workers_for(request: SearchRequest, measurer: Measurer) -> Workers:
    if request.cluster:
        from bt_run.run.optimize.cluster import Cluster  # noqa: PLC0415  # brings Dask, an extra

        return Cluster(request)
    bars = len(request.data.bars) * request.budget
    cores = os.cpu_count() or 1
    if why_not_swept(request, measurer) is None:
        jobs = min(request.jobs or _kernel_jobs(request, bars=bars, cores=cores), request.budget)
        if jobs > 1 and bars > (_WORTH_TWO_KERNELS if jobs == 2 else _WORTH_KERNELS):
            return Processes(request, width=jobs, at_once=max(1, _KERNEL_BARS // len(request.data.bars)))
        return Threads(SweptMeasurer(request, measurer), width=jobs)
    jobs = request.jobs or (cores if bars > _WORTH_PROCESSES else 1)
    jobs = min(jobs, request.budget)
    return Here(measurer) if jobs == 1 else Processes(request, width=jobs)


def _kernel_jobs(request: SearchRequest, *, bars: int, cores: int) -> int:
    """Choose how many run the kernel at once; a method that learns would give other trials with more."""
    if bars > _WORTH_KERNELS:
        return cores
    learns = request.method in ("tpe", "nsga2")
    return min(cores, 2) if bars > _WORTH_THREADS and not learns else 1
