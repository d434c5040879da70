"""Try one combination with the engine of a backtest."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import StrategyError
from bt_run.core.trial import Candidate, Trial
from bt_run.reports.returns import period_returns
from bt_run.run.backtest import run_backtest
from strategies.loader import LoadedStrategy, load_strategy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bt_run.core.market import BarFile, FloatArray
    from bt_run.core.results import RunResult
    from bt_run.core.settings import BacktestSettings

__all__ = ["Measurer", "in_short"]


@dataclass(frozen=True, slots=True, eq=False)
class Measurer:
    """Runs combinations of one strategy over the same bars, whatever the strategy is."""

    strategy: LoadedStrategy
    data: BarFile
    settings: BacktestSettings

    @classmethod
    def load(cls, spec: str, data: BarFile, settings: BacktestSettings) -> Measurer:
        """Load the strategy; raises as `load_strategy` does."""
        return cls(load_strategy(spec), data, settings)

    def measure(self, candidates: Sequence[Candidate]) -> list[Trial]:
        """Run each candidate; where the strategy raises, its trial holds the error."""
        return [self._measure(candidate) for candidate in candidates]

    def daily_returns(self, candidates: Sequence[Candidate]) -> list[FloatArray]:
        """
        Give the returns a day of each candidate, as the Sharpe ratio is made of.

        Shape (days,) each; empty where the account was ruined or the strategy failed.
        """
        return [self._daily(candidate.params) for candidate in candidates]

    def _measure(self, candidate: Candidate) -> Trial:
        try:
            result = self._run(candidate.params)
        except StrategyError as error:
            return Trial(candidate.number, candidate.params, {}, error=in_short(error))
        return Trial(candidate.number, candidate.params, dict(result.metrics), engine=result.engine)

    def _daily(self, params: Mapping[str, Any]) -> FloatArray:
        try:
            result = self._run(params)
        except StrategyError:
            return np.empty(0)
        bars = result.data.bars
        return period_returns(
            result.curve.equity, bars.open_time, start=self.settings.cash, interval=self.data.interval
        )

    def _run(self, params: Mapping[str, Any]) -> RunResult:
        strategy = dataclasses.replace(self.strategy, params={**self.strategy.params, **params})
        return run_backtest(strategy, self.data, self.settings)


def in_short(error: StrategyError) -> str:
    """Give what was raised and where, without the traceback: the last line of it says what."""
    last = error.story.rstrip().rpartition("\n")[2].strip()
    return f"{error.problem} {last}".strip()
