"""Try combinations with the sweep's own kernel: the numbers of a backtest at thousands of runs a second."""

from __future__ import annotations

import inspect
from contextlib import ExitStack
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bt_run.core.errors import StrategyError
from bt_run.core.market import BAR_COLUMNS, Bars
from bt_run.core.trial import Trial
from bt_run.fast.engine import compute_levels, compute_signals, terms_of, why_not_fast
from bt_run.fast.freed_memory import keep_freed_memory
from bt_run.fast.sweep import SweepBars
from bt_run.fast.talib_memo import sharing_indicators
from bt_run.reports.search.metric_cell import USUAL
from bt_run.reports.swept_metrics import SWEPT, SweptBars, SweptRun, swept_metrics
from bt_run.run.optimize.measure import Measurer, in_short
from strategies.levels import levels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from bt_run.core.market import FloatArray
    from bt_run.core.run_sums import RunSums
    from bt_run.core.trial import Candidate
    from bt_run.run.optimize.request import SearchRequest
    from strategies.levels import Levels
    from strategies.loader import LoadedStrategy

T = TypeVar("T")

__all__ = ["ALWAYS", "Prepared", "SweptMeasurer", "measurer_of", "why_not_swept"]

WORTH_COMPILED = 500_000
"""Bars in all above which machine code repays numba's start, and the compiler's at the first time."""

_BARS_AT_ONCE = 1_600_000
"""Bars that a thread goes through at a time: two milliseconds of work, and little to hand over."""

_MOST_AT_ONCE = 64

ALWAYS = ("equity_final", *USUAL, "return_ann_pct", "exposure_pct", "profit_factor")
"""The metrics that every trial of a sweep has; others are computed where they are searched for."""


def why_not_swept(request: SearchRequest, measurer: Measurer) -> str | None:
    """Say in a sentence without a full stop why a search is not for the kernel; None where it is."""
    if request.settings.engine not in ("auto", "fast"):
        return f"the {request.settings.engine} engine was asked for"
    wanted = _wanted(request)
    missing = [name for name in wanted if name not in SWEPT]
    if missing:
        return f"{missing[0]} needs the whole equity curve of each run"
    return why_not_fast(measurer.strategy, request.data, request.settings)


def measurer_of(request: SearchRequest) -> Measurer | SweptMeasurer:
    """Give what runs the combinations of a request; raises as `load_strategy` does."""
    measurer = Measurer.load(request)
    return measurer if why_not_swept(request, measurer) is not None else SweptMeasurer(request, measurer)


def _wanted(request: SearchRequest) -> list[str]:
    named = [*(goal.metric for goal in request.goals), *(each.metric for each in request.constraints)]
    return list(dict.fromkeys((*ALWAYS, *named)))


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """
    Candidates whose signals are known.

    `flags` or `levels` are those of each candidate, as `SweepBars` takes them; `failed` the trials of those
    whose strategy raised.
    """

    candidates: Sequence[Candidate]
    flags: npt.NDArray[np.bool_]
    levels: Sequence[Levels]
    failed: Sequence[Trial]


class SweptMeasurer:
    """
    Runs combinations of a strategy of signals.

    `measure` is all of it. `prepare` calls the strategy, and `finish` makes trials: both hold the interpreter,
    so one thread should do them. `work` between them does not where `is_compiled`: any number of threads may be
    in it at once. `at_once` candidates together take about two milliseconds of work.

    A context manager: while it is entered, the runs share the indicators of TA-Lib.
    """

    def __init__(self, request: SearchRequest, measurer: Measurer) -> None:
        self._strategy = measurer.strategy
        self._settings = request.settings
        self._names = _wanted(request)
        self._sample_step = request.sample_step
        bars = request.data.bars
        self._bars = Bars(*(_read_only(getattr(bars, name)) for name in BAR_COLUMNS), flow=bars.flow)
        self._common = SweptBars(self._bars, request.data.interval, cash=float(request.settings.cash))
        self._terms = terms_of(request.settings)
        self.is_compiled = len(self._bars) * request.budget > WORTH_COMPILED
        self.at_once = min(_MOST_AT_ONCE, max(1, _BARS_AT_ONCE // len(self._bars)))
        self._prices = SweepBars(self._bars, self._common.ends, is_compiled=self.is_compiled)
        self._sharing = ExitStack()

    def __enter__(self) -> SweptMeasurer:
        keep_freed_memory()
        arrays = [getattr(self._bars, name) for name in BAR_COLUMNS]
        names = getattr(inspect.unwrap(self._strategy.cls.signals), "__globals__", None)
        self._sharing.enter_context(sharing_indicators(arrays, names=names))
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop sharing indicators."""
        self._sharing.close()

    def measure(self, candidates: Sequence[Candidate]) -> list[Trial]:
        """Run each candidate; where the strategy raises, its trial holds the error."""
        found: list[Trial] = []
        for first in range(0, len(candidates), self.at_once):
            prepared = self.prepare(candidates[first : first + self.at_once])
            found += self.finish(prepared, self.work(prepared))
        return found

    def prepare(self, candidates: Sequence[Candidate]) -> Prepared:
        """Compute the signals of each candidate, or the levels that they are made from."""
        has_levels = self.is_compiled and levels_of(self._strategy.cls) is not None
        levels: list[Levels] = []
        flags = self._room_for(0 if has_levels else len(candidates))
        ready: list[Candidate] = []
        failed: list[Trial] = []
        for candidate in candidates:
            try:
                if has_levels:
                    levels.append(self._levels(candidate.params))
                else:
                    self._write_signals(candidate.params, flags[len(ready)])
            except StrategyError as error:
                failed.append(Trial(candidate.number, candidate.params, {}, error=in_short(error)))
            else:
                ready.append(candidate)
        return Prepared(ready, flags[: len(ready)], levels, failed)

    def work(self, prepared: Prepared) -> list[RunSums]:
        """Run what was prepared."""
        if prepared.levels:
            return self._prices.sum_up_levels(
                prepared.levels,
                allow_short=self._settings.allow_short,
                cash=self._common.cash,
                terms=self._terms,
            )
        return self._prices.sum_up(prepared.flags, cash=self._common.cash, terms=self._terms)

    def finish(self, prepared: Prepared, sums: Sequence[RunSums]) -> list[Trial]:
        """Make trials of what came of it, in the order of their numbers."""
        runs = [SweptRun(self._common, each) for each in sums]
        metrics = swept_metrics(runs, self._names)
        found = [
            Trial(each.number, each.params, numbers, engine="fast", returns=self._kept(each, run))
            for each, run, numbers in zip(prepared.candidates, runs, metrics, strict=True)
        ]
        return sorted((*found, *prepared.failed), key=attrgetter("number"))

    def returns_and_profits(self, params: Mapping[str, Any]) -> tuple[FloatArray, FloatArray]:
        """Run one combination again, see `Measurer.returns_and_profits`."""
        flags = self._room_for(1)
        self._write_signals(params, flags[0])
        (sums,) = self._prices.sum_up(flags, cash=self._common.cash, terms=self._terms)
        run = SweptRun(self._common, sums)
        return run.returns, run.pnl

    def _kept(self, candidate: Candidate, run: SweptRun) -> FloatArray | None:
        """Give the returns of a candidate of the sample; a copy, because they lie among those of others."""
        return run.returns.copy() if candidate.number % self._sample_step == 0 else None

    def _room_for(self, runs: int) -> npt.NDArray[np.bool_]:
        return np.empty((runs, 4 if self._settings.allow_short else 2, len(self._bars)), dtype=np.bool_)

    def _write_signals(self, params: Mapping[str, Any], flags: npt.NDArray[np.bool_]) -> None:
        found = self._ask(compute_signals, params)
        flags[0], flags[1] = found.long_entry, found.long_exit
        if len(flags) == 4:
            flags[2], flags[3] = found.short_entry, found.short_exit

    def _levels(self, params: Mapping[str, Any]) -> Levels:
        found = self._ask(compute_levels, params)
        found.curve.flags.writeable = False  # as the memo's are: one kind of array for machine code
        return found

    def _ask(self, compute: Callable[[LoadedStrategy, Bars], T], params: Mapping[str, Any]) -> T:
        """Ask the strategy, a second time without sharing where it wrote into what others look at."""
        strategy = replace(self._strategy, params={**self._strategy.params, **params})
        try:
            return compute(strategy, self._bars)
        except StrategyError as error:
            if not _wrote_into_shared(error):
                raise
            self._sharing.close()
            return compute(strategy, self._bars)


def _wrote_into_shared(error: StrategyError) -> bool:
    """Tell whether a strategy wrote into an indicator that others look at; numpy says read-only."""
    return isinstance(error.__cause__, ValueError) and "read-only" in str(error.__cause__)


def _read_only(array: Any) -> Any:
    """Give a view that cannot be written to, so that no run can change what the others see."""
    view = array.view()
    view.flags.writeable = False
    return view
