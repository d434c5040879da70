"""A walk-forward analysis as plain data, and what its windows say together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.results import RunResult

__all__ = ["WalkForward", "Window", "WindowResult"]


@dataclass(frozen=True, slots=True)
class Window:
    """
    Two stretches of bars by position: parameters are chosen on [train, test) and traded on [test, end).

    `number` counts from 1.
    """

    number: int
    train: int
    test: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class WindowResult:
    """
    What one window chose, and what came of it.

    `params` are None where nothing could be chosen: no combination kept the constraints or defined the metric;
    then nothing was traded. `tried` and `failed` count combinations. `in_sample` are the metrics of the choice
    on the training bars, `run` is the account on the test bars, which begins with what the windows before left.
    """

    window: Window
    params: Mapping[str, Any] | None
    tried: int
    failed: int
    in_sample: Mapping[str, float | int | None]
    run: RunResult

    @property
    def efficiency(self) -> float | None:
        """Annual return out of sample over that in sample; None unless the latter is above zero."""
        return _ratio(self.run.metrics.get("return_ann_pct"), self.in_sample.get("return_ann_pct"))


@dataclass(frozen=True, slots=True, eq=False)
class WalkForward:
    """
    The whole analysis.

    `stitched` is one account over all test bars; what was held at the end of a window was sold there. `hold`
    are the metrics of buy and hold on the same bars. `metric` is what was searched for, `names` are the
    parameters that moved. `total` windows fit the data; fewer were run where the account was ruined or the
    run was stopped.
    """

    label: str
    metric: str
    names: tuple[str, ...]
    anchored: bool
    train: str
    test: str
    method: str
    seed: int
    windows: tuple[WindowResult, ...]
    stitched: RunResult
    hold: Mapping[str, float | int | None]
    total: int

    def promise(self, metric: str) -> float | None:
        """Give the mean of a metric in sample, weighed by the windows' test bars; None where none has it."""
        found = [
            (value, each.window.end - each.window.test)
            for each in self.windows
            if (value := each.in_sample.get(metric)) is not None
        ]
        weight = sum(bars for _, bars in found)
        return sum(value * bars for value, bars in found) / weight if weight else None

    @property
    def efficiency(self) -> float | None:
        """
        Annual return out of sample over what was promised in sample; None unless that is above zero.

        Source: Pardo, "The Evaluation and Optimization of Trading Strategies", 2008, walk-forward efficiency;
        he asks for more than one half.
        """
        return _ratio(self.stitched.metrics.get("return_ann_pct"), self.promise("return_ann_pct"))

    @property
    def profitable(self) -> int:
        """How many windows earned something out of sample."""
        return sum((each.run.metrics.get("return_pct") or 0.0) > 0.0 for each in self.windows)


def _ratio(after: float | None, before: float | None) -> float | None:
    return after / before if after is not None and before is not None and before > 0.0 else None
