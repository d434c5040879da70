"""Try combinations with the sweep's own kernel: the numbers of a backtest at thousands of runs a second."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import StrategyError
from bt_run.core.market import BAR_COLUMNS, Bars
from bt_run.core.trial import Trial
from bt_run.fast.engine import compute_signals, terms_of, why_not_fast
from bt_run.fast.freed_memory import keep_freed_memory
from bt_run.fast.sweep import SweepBars
from bt_run.fast.talib_memo import sharing_indicators
from bt_run.reports.search.metric_cell import USUAL
from bt_run.reports.swept_metrics import SWEPT, SweptBars, SweptRun, swept_metrics
from bt_run.run.optimize.measure import Measurer, in_short
from strategies.base import decision_codes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bt_run.core.market import FloatArray
    from bt_run.core.trial import Candidate
    from bt_run.run.optimize.request import SearchRequest

__all__ = ["ALWAYS", "SweptMeasurer", "measurer_of", "why_not_swept"]

WORTH_COMPILED = 500_000
"""Bars in all above which machine code repays numba's start, and the compiler's at the first time."""

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


class SweptMeasurer:
    """
    Runs combinations of a strategy of signals, from any number of threads at once.

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
        is_compiled = len(self._bars) * request.budget > WORTH_COMPILED
        self._prices = SweepBars(self._bars, self._common.ends, is_compiled=is_compiled)
        self._sharing = ExitStack()

    def __enter__(self) -> SweptMeasurer:
        keep_freed_memory()
        arrays = [getattr(self._bars, name) for name in BAR_COLUMNS]
        names = getattr(self._strategy.cls.signals, "__globals__", None)
        self._sharing.enter_context(sharing_indicators(arrays, names=names))
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop sharing indicators."""
        self._sharing.close()

    def measure(self, candidates: Sequence[Candidate]) -> list[Trial]:
        """Run each candidate; where the strategy raises, its trial holds the error."""
        return [self._measure(candidate) for candidate in candidates]

    def returns_and_profits(self, params: Mapping[str, Any]) -> tuple[FloatArray, FloatArray]:
        """Run one combination again, see `Measurer.returns_and_profits`."""
        run = self._run(params)
        return run.returns, run.pnl

    def _run(self, params: Mapping[str, Any]) -> SweptRun:
        codes = self._codes(params)
        sums = self._prices.sum_up(codes, cash=self._common.cash, terms=self._terms)
        return SweptRun(
            self._common,
            sums.closes,
            sums.trades,
            sums.final,
            sums.highest,
            sums.fall,
            sums.held,
            sums.open_fee,
        )

    def _measure(self, candidate: Candidate) -> Trial:
        try:
            run = self._run(candidate.params)
        except StrategyError as error:
            return Trial(candidate.number, candidate.params, {}, error=in_short(error))
        kept = run.returns if candidate.number % self._sample_step == 0 else None
        found = swept_metrics(run, self._names)
        return Trial(candidate.number, candidate.params, found, engine="fast", returns=kept)

    def _codes(self, params: Mapping[str, Any]) -> Any:
        strategy = replace(self._strategy, params={**self._strategy.params, **params})
        try:
            found = compute_signals(strategy, self._bars)
        except StrategyError as error:
            if not _wrote_into_shared(error):
                raise
            self._sharing.close()
            found = compute_signals(strategy, self._bars)
        return decision_codes(found, allow_short=self._settings.allow_short)


def _wrote_into_shared(error: StrategyError) -> bool:
    """Tell whether a strategy wrote into an indicator that others look at; numpy says read-only."""
    return isinstance(error.__cause__, ValueError) and "read-only" in str(error.__cause__)


def _read_only(array: Any) -> Any:
    """Give a view that cannot be written to, so that no run can change what the others see."""
    view = array.view()
    view.flags.writeable = False
    return view
