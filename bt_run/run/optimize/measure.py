"""Try one combination with the engine of a backtest."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import StrategyError
from bt_run.core.trial import Trial
from bt_run.reports.returns import period_returns
from bt_run.run.backtest import run_backtest
from strategies.loader import LoadedStrategy, load_strategy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bt_run.core.market import BarFile, FloatArray
    from bt_run.core.results import RunResult
    from bt_run.core.settings import BacktestSettings
    from bt_run.core.trial import Candidate
    from bt_run.run.optimize.request import SearchRequest

__all__ = ["Measurer", "in_short"]


@dataclass(frozen=True, slots=True, eq=False)
class Measurer:
    """
    Runs combinations of one strategy over the same bars, whatever the strategy is.

    Candidates whose number `sample_step` divides keep their returns a day.
    """

    strategy: LoadedStrategy
    data: BarFile
    settings: BacktestSettings
    sample_step: int = 1

    @classmethod
    def load(cls, request: SearchRequest) -> Measurer:
        """Load the strategy of a request; raises as `load_strategy` does."""
        return cls(load_strategy(request.spec), request.data, request.settings, request.sample_step)

    def measure(self, candidates: Sequence[Candidate]) -> list[Trial]:
        """Run each candidate; where the strategy raises, its trial holds the error."""
        return [self._measure(candidate) for candidate in candidates]

    def returns_and_profits(self, params: Mapping[str, Any]) -> tuple[FloatArray, FloatArray]:
        """
        Run one combination again: its returns a day, shape (days,), and its trades' profits, shape (k,).

        The returns are empty where the account was ruined. Raises StrategyError.
        """
        result = self._run(params)
        return self._returns(result), np.array([trade.pnl for trade in result.trades], dtype=np.float64)

    def _measure(self, candidate: Candidate) -> Trial:
        try:
            result = self._run(candidate.params)
        except StrategyError as error:
            return Trial(candidate.number, candidate.params, {}, error=in_short(error))
        kept = self._returns(result) if candidate.number % self.sample_step == 0 else None
        return Trial(
            candidate.number, candidate.params, dict(result.metrics), engine=result.engine, returns=kept
        )

    def _returns(self, result: RunResult) -> FloatArray:
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
    problem = error.problem.replace(_ABOVE, "")
    return f"{problem} {last}".strip()


_ABOVE = " The traceback above ends where it happened."
