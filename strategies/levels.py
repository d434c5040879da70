"""Signals of a curve and two levels, told so that a sweep need not compare every bar in Python."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import StrategyError
from strategies.base import Signals

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.market import Bars, FloatArray

    LevelsOf = Callable[[Bars, Any], "Levels"]

__all__ = ["Levels", "from_levels", "levels_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """
    A curve that is weak below one level and strong above another.

    `curve`: floats, shape (n,), NaN while warming up, which is neither. Weak enters long and leaves short,
    strong leaves long and enters short. `name` is for plots.
    """

    name: str
    curve: FloatArray
    low: float
    high: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "curve", np.ascontiguousarray(self.curve, dtype=np.float64))

    def signals(self) -> Signals:
        """Compare every bar."""
        weak, strong = self.curve < self.low, self.curve > self.high
        return Signals(
            long_entry=weak,
            long_exit=strong,
            short_entry=strong,
            short_exit=weak,
            panels={
                self.name: self.curve,
                f"{self.name} oversold": np.broadcast_to(float(self.low), self.curve.shape),
                f"{self.name} overbought": np.broadcast_to(float(self.high), self.curve.shape),
            },
        )


def from_levels(function: LevelsOf) -> Callable[[Bars, Any], Signals]:
    """
    Make the `signals` of a strategy from a function that gives its levels; beneath ``@staticmethod``.

    Every engine gets the same signals; a sweep asks for the levels and compares in its kernel.
    """

    @functools.wraps(function)
    def signals(bars: Bars, p: Any) -> Signals:
        found = function(bars, p)
        if not isinstance(found, Levels):
            raise StrategyError(
                f"{function.__qualname__} returned {type(found).__name__}; it must return Levels(...)."
            )
        return found.signals()

    vars(signals)["levels"] = function
    return signals


def levels_of(cls: type[Any]) -> LevelsOf | None:
    """Give the function that the `signals` of a strategy are made from by `from_levels`; None for others."""
    found: LevelsOf | None = getattr(cls.signals, "levels", None)
    return found
