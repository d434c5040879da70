"""What a search is told and what it gives back, as plain data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from bt_run.core.market import BarFile
    from bt_run.core.settings import BacktestSettings
    from bt_run.run.optimize.goal import Constraint, Goal
    from bt_run.run.optimize.space import Space

__all__ = ["METHODS", "Method", "SearchRequest"]

Method = Literal["grid", "random", "tpe", "nsga2"]
METHODS: tuple[Method, ...] = ("grid", "random", "tpe", "nsga2")

DEFAULT_TRIALS = 100
"""How many combinations the methods try that could go on for ever."""


SAMPLE = 200
"""How many trials keep their returns a day, to be judged together: enough for cross-validation, and small."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """
    One search.

    `spec` is the strategy as `strategies.loader.load_strategy` reads it, because classes loaded from files do
    not travel to other processes. `goals`: one ranks the results, several make a Pareto front. `trials` >= 1,
    None for all of a grid and 100 otherwise. `timeout_s` > 0: no run begins after it. `seed` makes random
    methods repeatable; the same seed and `jobs` give the same trials. `jobs` >= 1, None chooses by the work.
    `cluster` is the address of a Dask scheduler, empty for this machine.

    Raises:
        ConfigError: no goal, a number of trials for a grid, several goals where a method takes one.
    """

    spec: str
    data: BarFile
    settings: BacktestSettings
    space: Space
    goals: tuple[Goal, ...]
    constraints: tuple[Constraint, ...] = ()
    method: Method = "grid"
    trials: int | None = None
    timeout_s: float | None = None
    seed: int | None = None
    jobs: int | None = None
    cluster: str = ""

    def __post_init__(self) -> None:
        if not self.goals:
            raise ConfigError("There is no metric to search for. Give --metric, such as --metric sharpe.")
        if len({goal.metric for goal in self.goals}) < len(self.goals):
            raise ConfigError("A metric is given twice. Give each --metric once.")
        if self.method == "grid" and self.trials is not None:
            raise ConfigError("A grid tries every combination. Leave --trials out, or choose --method random.")

    @property
    def budget(self) -> int:
        """How many combinations are tried at most."""
        if self.method == "grid":
            return self.space.size or 0
        wanted = self.trials or DEFAULT_TRIALS
        size = self.space.size
        return wanted if size is None or self.method != "random" else min(wanted, size)

    @property
    def sample_step(self) -> int:
        """Of every how many candidates one keeps its returns a day, so that some 200 do."""
        return max(1, -(-self.budget // SAMPLE))

    def on(self, data: BarFile) -> SearchRequest:
        """Give the same search over other bars, such as a window of these."""
        return dataclasses.replace(self, data=data)
