"""
What an indicator rule is made of, as frozen plain data.

The text of each part is the rule in its plainest spelling; read again it gives an equal part. `at` is where the
part begins in the text that was read, from 0; two parts are equal wherever they stood.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bt_run.core.interval import Interval

__all__ = [
    "All",
    "Any",
    "Arithmetic",
    "Call",
    "Column",
    "Compare",
    "Condition",
    "Cross",
    "Curve",
    "Negative",
    "Not",
    "Number",
    "Rule",
]


@dataclass(frozen=True, slots=True)
class Number:
    """A number, finite and >= 0."""

    value: float
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return number_text(self.value)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the bars, such as ``close``."""

    name: str
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Negative:
    """A curve with its sign turned."""

    of: Curve
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"-{_grouped(self.of)}"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two curves added, subtracted, multiplied or divided, bar by bar."""

    sign: Literal["+", "-", "*", "/"]
    left: Curve
    right: Curve
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{_grouped(self.left)} {self.sign} {_grouped(self.right)}"


@dataclass(frozen=True, slots=True)
class Call:
    """
    One curve of a TA-Lib function.

    `name` in TA-Lib's capitals; `inputs` the curves given in place of the function's own, none or all of them;
    `values` every parameter that was given, in the function's order; `output` the curve's name.
    """

    name: str
    inputs: tuple[Curve, ...] = ()
    values: tuple[tuple[str, float], ...] = ()
    output: str = "real"
    is_only_output: bool = True
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        given = [str(curve) for curve in self.inputs]
        given += [f"{name}={number_text(value)}" for name, value in self.values]
        chosen = "" if self.is_only_output else f".{self.output}"
        return f"{self.name.lower()}({', '.join(given)}){chosen}"


@dataclass(frozen=True, slots=True)
class Compare:
    """One curve against another, bar by bar."""

    sign: Literal["<", "<=", ">", ">=", "==", "!="]
    left: Curve
    right: Curve
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right}"


@dataclass(frozen=True, slots=True)
class Cross:
    """One curve that changes to the other side of another."""

    way: Literal["above", "below"]
    left: Curve
    right: Curve
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.left} crosses {self.way} {self.right}"


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary; unknown stays unknown."""

    of: Condition
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"not {_within(self.of, All, Any)}"


@dataclass(frozen=True, slots=True)
class All:
    """Both at once."""

    left: Condition
    right: Condition
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{_within(self.left, Any)} and {_within(self.right, Any, All)}"


@dataclass(frozen=True, slots=True)
class Any:
    """One of the two, or both."""

    left: Condition
    right: Condition
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.left} or {_within(self.right, Any)}"


Curve = Number | Column | Negative | Arithmetic | Call
Condition = Compare | Cross | Not | All | Any

CURVES = (Number, Column, Negative, Arithmetic, Call)


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition, and the interval of the bars that it is for; None where the text does not say."""

    condition: Condition
    interval: Interval | None = None

    def __str__(self) -> str:
        return f"{self.condition}" if self.interval is None else f"{self.condition} on {self.interval}"


def number_text(value: float) -> str:
    """Write a number as short as it can be read again: ``30``, not ``30.0``."""
    if value == int(value) and value < 1e15:
        return str(int(value))
    return repr(value)


def _grouped(curve: Curve) -> str:
    """Put round brackets about a curve that is made of others."""
    return _within(curve, Arithmetic, Negative)


def _within(part: Curve | Condition, *bracketed: type) -> str:
    """Put round brackets about parts of these kinds, which would bind otherwise."""
    return f"({part})" if isinstance(part, bracketed) else str(part)
