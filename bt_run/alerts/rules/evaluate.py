"""
Evaluate a rule over bars.

The arrays are those that strategies see, the functions are TA-Lib's own over the whole of them, and crossings
are told as in `strategies.indicators`. So a rule and a strategy that say the same see the same bars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bt_run.alerts.rules.arguments import parameters_of
from bt_run.alerts.rules.catalogue import functions
from bt_run.alerts.rules.syntax import (
    All,
    Any,
    Arithmetic,
    Call,
    Column,
    Cross,
    Negative,
    Not,
    Number,
)
from strategies.indicators import crossings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from bt_run.alerts.rules.syntax import Condition, Curve, Rule
    from bt_run.core.market import Bars, FloatArray

    BoolArray = npt.NDArray[np.bool_]

__all__ = ["Truth", "curve_of", "curves_at", "firings", "truth_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Where a condition holds, and where that is known; shape (n,). What is not known does not hold."""

    holds: BoolArray
    known: BoolArray


def firings(rule: Rule, bars: Bars) -> BoolArray:
    """
    Tell at which bars a rule begins to hold: it holds there, and was known not to hold at the bar before.

    Args:
        rule: Of bars of one interval.
        bars: Of that interval, n >= 0.

    Returns:
        Booleans, shape (n,); no look-ahead. A crossing is a beginning by itself.
    """
    truth = truth_of(rule.condition, bars)
    before = np.zeros(len(bars), dtype=np.bool_)
    before[1:] = truth.known[:-1] & ~truth.holds[:-1]
    return truth.holds & before


def truth_of(condition: Condition, bars: Bars) -> Truth:
    """Tell at which bars a condition holds."""
    if isinstance(condition, Not):
        inner = truth_of(condition.of, bars)
        return Truth(inner.known & ~inner.holds, inner.known)
    if isinstance(condition, All | Any):
        left, right = truth_of(condition.left, bars), truth_of(condition.right, bars)
        if isinstance(condition, All):
            known = (left.known & right.known) | (left.known & ~left.holds) | (right.known & ~right.holds)
            return Truth(left.holds & right.holds, known)
        return Truth(left.holds | right.holds, (left.known & right.known) | left.holds | right.holds)
    first, second = curve_of(condition.left, bars), curve_of(condition.right, bars)
    known = np.isfinite(first) & np.isfinite(second)
    if isinstance(condition, Cross):
        up, down = crossings(first, second, price=bars.close)
        return Truth(up if condition.way == "above" else down, known)
    return Truth(_COMPARE[condition.sign](first, second) & known, known)


def curve_of(curve: Curve, bars: Bars) -> FloatArray:
    """Give a curve's values, shape (n,), NaN where not known."""
    if isinstance(curve, Number):
        return np.full(len(bars), curve.value)
    if isinstance(curve, Column):
        column: FloatArray = getattr(bars, curve.name)
        return column
    if isinstance(curve, Negative):
        return -curve_of(curve.of, bars)
    if isinstance(curve, Arithmetic):
        with np.errstate(all="ignore"):
            result: FloatArray = _ARITHMETIC[curve.sign](
                curve_of(curve.left, bars), curve_of(curve.right, bars)
            )
        return result
    return _called(curve, bars)


def _called(call: Call, bars: Bars) -> FloatArray:
    import talib  # noqa: PLC0415  # takes time

    function = functions()[call.name]
    given = iter(call.inputs)
    arrays = [
        curve_of(next(given), bars) if name in function.free and call.inputs else getattr(bars, str(column))
        for name, column in function.inputs
    ]
    if not len(bars) or any(np.isnan(array).all() for array in arrays):
        return np.full(len(bars), np.nan)
    found = getattr(talib, call.name)(*arrays, **parameters_of(function, call.values))
    if len(function.outputs) > 1:
        found = found[function.outputs.index(call.output)]
    return np.asarray(found, dtype=np.float64)


def curves_at(rule: Rule, bars: Bars, place: int) -> Mapping[str, float]:
    """Give the values of the rule's curves at one bar, by their text, for a message; numbers are left out."""
    found: dict[str, float] = {}
    _collect(rule.condition, bars, place, found)
    return found


def _collect(condition: Condition, bars: Bars, place: int, found: dict[str, float]) -> None:
    if isinstance(condition, Not):
        _collect(condition.of, bars, place, found)
    elif isinstance(condition, All | Any):
        _collect(condition.left, bars, place, found)
        _collect(condition.right, bars, place, found)
    else:
        for curve in (condition.left, condition.right):
            if not isinstance(curve, Number):
                found[str(curve)] = float(curve_of(curve, bars)[place])


_COMPARE: dict[str, np.ufunc] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
_ARITHMETIC: dict[str, np.ufunc] = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
