"""Any function of TA-Lib as an indicator of a chart: what there is, what it takes, its curves over bars."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.alerts.rules.arguments import parameters_of
from bt_run.alerts.rules.catalogue import functions
from bt_run.core.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.market import Bars, FloatArray

__all__ = ["COLUMNS", "IndicatorInfo", "IndicatorSpec", "ParameterInfo", "catalogue", "compute_indicator"]

COLUMNS = ("open", "high", "low", "close", "volume")
"""What an indicator of one curve may be made of."""

_SAME_SCALE = "Output scale same as input"
_CANDLES = "Pattern Recognition"
_HUGE = 1e9
_LOWEST = (0, 1, 2, 3)
_HIGHEST = (100_000, *range(30, 0, -1))
"""What TA-Lib's whole parameters may begin and end with: periods, and kinds of moving averages."""


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """A parameter: `whole` numbers only or not, its default, and the range that TA-Lib takes."""

    name: str
    default: float
    low: float
    high: float
    whole: bool


@dataclass(frozen=True, slots=True)
class IndicatorInfo:
    """
    A function of TA-Lib.

    `takes_curve`: whether it is made of one column that can be chosen. `overlay`: whether its curves have the
    scale of the price, so that they are drawn over it; other ones get a panel of their own.
    """

    name: str
    title: str
    group: str
    parameters: tuple[ParameterInfo, ...]
    outputs: tuple[str, ...]
    takes_curve: bool
    overlay: bool


@dataclass(frozen=True, slots=True)
class IndicatorSpec:
    """What is wanted: a function, its parameters (those left out have their defaults), and of which column."""

    name: str
    parameters: tuple[tuple[str, float], ...] = ()
    column: str = "close"


def catalogue() -> tuple[IndicatorInfo, ...]:
    """List every function that works on the bars alone, by group and name; imports TA-Lib."""
    found = [_info(name) for name, function in functions().items() if _works_on_bars(name, function)]
    return tuple(sorted(found, key=lambda info: (info.group, info.name)))


def compute_indicator(spec: IndicatorSpec, bars: Bars) -> Mapping[str, FloatArray]:
    """
    Compute all curves of an indicator, as `talib.NAME(...)` in a strategy does over the same bars.

    Args:
        spec: What is wanted.
        bars: Shape (n,), n >= 0; the forming bar may be the last.

    Returns:
        A float64 array of shape (n,) for each output, NaN where it is not known.

    Raises:
        UnknownName: no such function, parameter or column.
        ConfigError: a value that the function does not take.
    """
    known = functions()
    if spec.name not in known or not _works_on_bars(spec.name, known[spec.name]):
        raise UnknownName("indicator", spec.name, [name for name in known if _works_on_bars(name, known[name])])
    if spec.column not in COLUMNS:
        raise UnknownName("column", spec.column, COLUMNS)
    function = known[spec.name]
    _check(spec, _info(spec.name))
    columns = [column or spec.column for _, column in function.inputs]
    if len(function.free) == 1 and len(function.inputs) == 1:
        columns = [spec.column]
    arrays = [getattr(bars, column) for column in columns]
    if not len(bars) or any(np.isnan(array).all() for array in arrays):
        return {name: np.full(len(bars), np.nan) for name in function.outputs}
    talib: Any = importlib.import_module("talib")
    found = getattr(talib, function.name)(*arrays, **parameters_of(function, spec.parameters))
    curves = found if len(function.outputs) > 1 else (found,)
    return {
        name: np.asarray(curve, dtype=np.float64) for name, curve in zip(function.outputs, curves, strict=True)
    }


def _works_on_bars(name: str, function: Any) -> bool:
    """Leave out functions of two curves that the caller must name, such as ADD and BETA."""
    return not (function.needs_inputs or len(function.free) > 1)


@cache
def _info(name: str) -> IndicatorInfo:
    function = functions()[name]
    abstract: Any = importlib.import_module("talib.abstract")
    flags = abstract.Function(name).info.get("function_flags") or ()
    return IndicatorInfo(
        name=name,
        title=function.title,
        group=function.group,
        parameters=tuple(_parameter(name, item) for item in function.parameters.items()),
        outputs=function.outputs,
        takes_curve=len(function.free) == 1 and len(function.inputs) == 1,
        overlay=_SAME_SCALE in flags and function.group != _CANDLES,
    )


def _parameter(function: str, item: tuple[str, int | float]) -> ParameterInfo:
    """Find the range by asking TA-Lib what it takes: its metadata has none that can be read from Python."""
    name, default = item
    if not isinstance(default, int):
        return ParameterInfo(name, float(default), -_HUGE, _HUGE, whole=False)
    low = next((value for value in _LOWEST if _takes(function, name, value)), default)
    high = next((value for value in _HIGHEST if _takes(function, name, value)), default)
    return ParameterInfo(name, float(default), float(low), float(high), whole=True)


def _takes(name: str, parameter: str, value: int) -> bool:
    talib: Any = importlib.import_module("talib")
    arrays = [np.array([2.0, 3.0]) for _ in functions()[name].inputs]
    try:
        getattr(talib, name)(*arrays, **{parameter: value})
    except Exception:  # noqa: BLE001  # TA-Lib raises this very class
        return False
    return True


def _check(spec: IndicatorSpec, info: IndicatorInfo) -> None:
    known = {parameter.name: parameter for parameter in info.parameters}
    for name, value in spec.parameters:
        parameter = known.get(name)
        if parameter is None:
            raise UnknownName(f"parameter of {spec.name}", name, known)
        if parameter.whole and value != int(value):
            raise ConfigError(f"{name} of {spec.name} is {value:g}; it is a whole number.")
        if not parameter.low <= value <= parameter.high:
            raise ConfigError(
                f"{name} of {spec.name} is {value:g}; it lies between {parameter.low:g} and {parameter.high:g}."
            )
