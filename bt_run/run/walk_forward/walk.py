"""Walk forward: window after window, choose on the past and trade the future."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError, StrategyError
from bt_run.reports.metrics import buy_and_hold_curve, compute_metrics
from bt_run.reports.walk_forward.result import WalkForward, WindowResult
from bt_run.run.backtest import run_backtest
from bt_run.run.optimize.ranking import best_trial
from bt_run.run.optimize.search import new_seed, stream_trials
from bt_run.run.walk_forward.out_of_sample import run_idle, run_test
from bt_run.run.walk_forward.stitch import stitch_runs
from bt_run.run.walk_forward.windows import cut_windows, parse_span
from strategies.loader import load_strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bt_run.core.settings import BacktestSettings
    from bt_run.core.trial import Trial
    from bt_run.reports.walk_forward.result import Window
    from bt_run.run.optimize.request import SearchRequest
    from strategies.loader import LoadedStrategy

__all__ = ["Walk", "plan_walk"]


@dataclass(slots=True)
class _Choice:
    """What a search has found so far: the best alone, and counts of the others."""

    request: SearchRequest
    best: Trial | None = None
    tried: int = 0
    failed: int = 0
    first_error: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A planned walk; `run` gives its windows as they end, `summarise` what they say together."""

    request: SearchRequest
    windows: tuple[Window, ...]
    train: str
    test: str
    anchored: bool
    seed: int

    @property
    def steps(self) -> int:
        """How many runs it takes at most, for a progress bar."""
        return len(self.windows) * (self.request.budget + 1)

    def run(self, *, progress: Callable[[int], None] | None = None) -> Iterator[WindowResult]:
        """
        Run the windows in order, each with the money that the one before left.

        It ends early where nothing is left. `progress` is called with the number of runs done. Closing the
        iterator stops the workers.

        Raises:
            StrategyError: every combination of a window failed, or the chosen one failed on the test bars.
            ConfigError: as a search.
        """
        strategy = load_strategy(self.request.spec)
        cash = self.request.settings.cash
        for place, window in enumerate(self.windows):
            done = place * (self.request.budget + 1)
            settings = dataclasses.replace(self.request.settings, cash=cash)
            found = self._choose(window, _counting(progress, done))
            result = self._trade(strategy, window, found, settings)
            if progress is not None:
                progress(done + self.request.budget + 1)
            yield result
            cash = float(result.run.curve.equity[-1])
            if cash <= 0.0:
                return

    def _choose(self, window: Window, progress: Callable[[int], None] | None) -> _Choice:
        """Search the training bars; the best alone is kept, so memory does not grow with the combinations."""
        data = self.request.data
        training = dataclasses.replace(data, bars=data.bars[window.train : window.test])
        request = self.request.on(training)
        goal, constraints = request.goals[0], request.constraints
        choice = _Choice(request)
        with closing(stream_trials(request, seed=self.seed)) as stream:
            for batch in stream:
                choice.tried += len(batch)
                errors = [trial.error for trial in batch if trial.error]
                choice.failed += len(errors)
                choice.first_error = choice.first_error or next(iter(errors), "")
                rivals = batch if choice.best is None else [choice.best, *batch]
                choice.best = best_trial(rivals, goal, constraints)
                if progress is not None:
                    progress(choice.tried)
        return choice

    def _trade(
        self, strategy: LoadedStrategy, window: Window, found: _Choice, settings: BacktestSettings
    ) -> WindowResult:
        if found.failed == found.tried and found.failed:
            raise StrategyError(
                f"Every combination failed in window {window.number}. The first: {found.first_error}"
            )
        best, data = found.best, self.request.data
        if best is None:
            run = run_idle(strategy, data, settings, window)
            return WindowResult(window, None, found.tried, found.failed, {}, run)
        chosen = dataclasses.replace(strategy, params={**strategy.params, **best.params})
        run = run_test(chosen, data, settings, window)
        # the search keeps only the metrics that it needs; the promise is told in all of them
        promised = run_backtest(chosen, found.request.data, self.request.settings).metrics
        return WindowResult(window, dict(best.params), found.tried, found.failed, dict(promised), run)

    def summarise(self, results: Sequence[WindowResult]) -> WalkForward:
        """Put the windows together; at least one."""
        data = self.request.data
        stitched = stitch_runs(data, results[0].window.test, [each.run for each in results])
        bars, cash = stitched.data.bars, self.request.settings.cash
        hold = compute_metrics(
            curve=buy_and_hold_curve(bars, cash),
            bars=bars,
            trades=(),
            fills=(),
            cash=cash,
            interval=data.interval,
        )
        return WalkForward(
            label=load_strategy(self.request.spec).name,
            metric=self.request.goals[0].metric,
            names=tuple(axis.name for axis in self.request.space.moving),
            anchored=self.anchored,
            train=self.train,
            test=self.test,
            method=self.request.method,
            seed=self.seed,
            windows=tuple(results),
            stitched=stitched,
            hold=hold,
            total=len(self.windows),
        )


def plan_walk(request: SearchRequest, *, train: str, test: str, anchored: bool) -> Walk:
    """
    Plan a walk.

    Args:
        request: The search that every window makes; one goal.
        train, test: Spans such as ``365d`` and ``90d``.
        anchored: Whether every window trains from the first bar on.

    Raises:
        ConfigError: several goals, a span that is none, data too short for a window.
    """
    if len(request.goals) > 1:
        raise ConfigError("A walk chooses by one metric. Give --metric once.")
    windows = cut_windows(request.data, train_ms=parse_span(train), test_ms=parse_span(test), anchored=anchored)
    seed = request.seed if request.seed is not None else new_seed()
    return Walk(request, windows, train, test, anchored, seed)


def _counting(progress: Callable[[int], None] | None, done: int) -> Callable[[int], None] | None:
    """Count on from what earlier windows did."""
    return None if progress is None else lambda count: progress(done + count)
