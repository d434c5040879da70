"""The space that a search goes through: one axis a parameter, read from words such as ``period=5:30``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import ConfigError, ParamError
from strategies.base import SignalStrategy
from strategies.description import describe
from strategies.params import check_value, parse_value, unknown_param

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from strategies.description import ParamInfo
    from strategies.loader import LoadedStrategy

__all__ = ["Axis", "Space", "find_conflict", "read_space"]

_MOST_VALUES = 1_000_000


@dataclass(frozen=True, slots=True)
class Axis:
    """
    One parameter and what it may be.

    `values` are its values in order, at least one; empty for a continuous axis, which takes every float from
    `low` to `high`.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0

    @property
    def is_continuous(self) -> bool:
        """Whether it has no list of values."""
        return not self.values

    @property
    def is_ordered(self) -> bool:
        """Whether its values are numbers, so that each has neighbours."""
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)


@dataclass(frozen=True, slots=True)
class Space:
    """
    All combinations of the axes' values; `fixed` are parameters that every combination has besides.

    Combinations are numbered from 0, the last axis moving fastest, and made when asked for: a space needs no
    more memory for a billion of them.
    """

    axes: tuple[Axis, ...]
    fixed: Mapping[str, Any]

    @property
    def size(self) -> int | None:
        """How many combinations there are, those in conflict included; None with a continuous axis."""
        if any(axis.is_continuous for axis in self.axes):
            return None
        return math.prod(len(axis.values) for axis in self.axes)

    @property
    def moving(self) -> tuple[Axis, ...]:
        """The axes with more than one value."""
        return tuple(axis for axis in self.axes if len(axis.values) != 1)

    def combination(self, number: int) -> dict[str, Any]:
        """Give the parameters of combination `number`, 0 <= number < size; the fixed ones come first."""
        places = []
        for axis in reversed(self.axes):
            number, place = divmod(number, len(axis.values))
            places.append(axis.values[place])
        return {
            **self.fixed,
            **{axis.name: value for axis, value in zip(self.axes, reversed(places), strict=True)},
        }


def find_conflict(cls: type[Any], params: Mapping[str, Any]) -> str | None:
    """Say why these parameters, each in its range, do not fit together; None where they do or none can tell."""
    if not issubclass(cls, SignalStrategy):
        return None
    return cls.find_conflict(SimpleNamespace(**{**cls.defaults(), **params}))


def read_space(strategy: LoadedStrategy, words: Sequence[str], *, is_stepped: bool) -> Space:
    """
    Read the axes of a search.

    Args:
        strategy: Its own parameters stay fixed, unless an axis has the same name.
        words: At least one: ``name=low:high``, ``name=low:high:step`` (both ends included), ``name=a,b,c``,
            ``name=value``, or ``name`` for the whole range or all choices that the class gives. Values are
            read by the type of the class's default and checked against its range or choices.
        is_stepped: Whether fractions need a step, as a grid does; without, a range of them is continuous.

    Raises:
        ParamError: an unknown name ("did you mean"), a wrong type, a value out of range.
        ConfigError: no axis at all, an empty range, a step of nothing, too many values, a name given twice.
    """
    known = {info.name: info for info in describe(strategy.cls).params if info.name in strategy.defaults}
    if not words:
        listed = ", ".join(_offer(info) for info in known.values())
        raise ConfigError(
            f"There is nothing to search: give --param, such as --param {_example(known.values())}. "
            f"{strategy.name} has {listed or 'no parameters'}."
        )
    axes: dict[str, Axis] = {}
    for word in words:
        name, equals, text = (part.strip() for part in word.partition("="))
        if name == "allow_short" and issubclass(strategy.cls, SignalStrategy):
            raise ParamError("allow_short is a setting of the run, not of the strategy. Give --allow-short.")
        if name not in known:
            raise unknown_param(strategy.cls.__name__, name, known)
        if name in axes:
            raise ConfigError(f"--param {name} is given twice. Give it once, with all its values.")
        reader = _AxisReader(strategy.cls, known[name], is_stepped=is_stepped)
        axes[name] = reader.read(text) if equals else reader.whole()
    fixed = {name: value for name, value in strategy.params.items() if name not in axes}
    return Space(tuple(axes.values()), fixed)


def _offer(info: ParamInfo) -> str:
    if info.limits is not None:
        return f"{info.name} ({info.limits[0]:g} to {info.limits[1]:g})"
    return f"{info.name} ({', '.join(info.choices)})" if info.choices else info.name


def _example(known: Iterable[ParamInfo]) -> str:
    """Give an axis that could be typed: the range around a parameter's default."""
    for info in known:
        if isinstance(info.default, int) and not isinstance(info.default, bool):
            return f"{info.name}={max(1, info.default // 2)}:{info.default * 2}"
    return "period=5:30"


@dataclass(frozen=True, slots=True)
class _AxisReader:
    """Reads the values of one parameter of one strategy class."""

    cls: type[Any]
    info: ParamInfo
    is_stepped: bool

    def whole(self) -> Axis:
        """Take all that the class allows."""
        name = self.info.name
        if self.info.choices:
            return Axis(name, self.info.choices)
        if isinstance(self.info.default, bool):
            return Axis(name, (False, True))
        if self.info.limits is None:
            raise ConfigError(f"{self.cls.__name__} gives no range for {name}. Write one, such as {name}=5:30.")
        low, high = self.info.limits
        if self._is_whole:
            return Axis(name, tuple(range(math.ceil(low), math.floor(high) + 1)))
        return self._range(f"{low!r}:{high!r}")

    def read(self, text: str) -> Axis:
        """Read what stands behind the equals sign."""
        if not text:
            raise ConfigError(
                f"--param {self.info.name}= has no values. Write {self.info.name}=5:30, or leave "
                f"the equals sign out for the whole range."
            )
        if ":" in text and not isinstance(self.info.default, str):
            return self._range(text)
        values = [self._value(part.strip()) for part in text.split(",")]
        if len(set(values)) < len(values):
            raise ConfigError(f"--param {self.info.name}={text} names a value twice.")
        return Axis(self.info.name, tuple(values))

    @property
    def _is_whole(self) -> bool:
        return isinstance(self.info.default, int) and not isinstance(self.info.default, bool)

    def _value(self, text: str) -> Any:
        owner, info = self.cls.__name__, self.info
        is_ours = issubclass(self.cls, SignalStrategy)
        value = parse_value(owner, info.name, text, default=info.default, is_strict=is_ours)
        if is_ours:
            check_value(
                owner, info.name, value, default=info.default, limits=info.limits, choices=info.choices or None
            )
        return value

    def _range(self, text: str) -> Axis:
        name, parts = self.info.name, [part.strip() for part in text.split(":")]
        if len(parts) not in (2, 3):
            raise ConfigError(
                f"--param {name}={text} is not a range. Write {name}=low:high or {name}=low:high:step."
            )
        ends = [self._value(part) for part in parts[:2]]
        if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends):
            raise ConfigError(f"{name} is not a number, so it has no range. Write its values: {name}=a,b.")
        low, high = ends
        if low > high:
            raise ConfigError(
                f"--param {name}={text} is empty: {parts[0]} is more than {parts[1]}. "
                f"Write {name}={parts[1]}:{parts[0]}."
            )
        if len(parts) == 3:
            return Axis(name, self._stepped(text, parts))
        if all(isinstance(end, int) for end in ends):
            self._check_count(text, high - low + 1)
            return Axis(name, tuple(range(low, high + 1)))
        if low == high:
            return Axis(name, (low,))
        if self.is_stepped:
            raise ConfigError(
                f"{name} takes fractions, so a grid needs a step: {name}={text}:{_nice_step(low, high):g}. "
                f"Or choose --method random or tpe, which need none."
            )
        return Axis(name, (), float(low), float(high))

    def _stepped(self, text: str, parts: Sequence[str]) -> tuple[Any, ...]:
        """List low, low + step, ... up to high; in decimals, so that 0.1:0.5:0.1 holds 0.3 itself."""
        try:
            low, high, step = (Decimal(part) for part in parts)
        except InvalidOperation as error:
            raise ConfigError(f"The step of --param {self.info.name}={text} is not a number.") from error
        if not step.is_finite() or step <= 0:
            raise ConfigError(f"The step of --param {self.info.name}={text} must be above zero.")
        count = int((high - low) // step) + 1
        self._check_count(text, count)
        return tuple(self._value(f"{(low + place * step).normalize():f}") for place in range(count))

    def _check_count(self, text: str, count: int) -> None:
        if count > _MOST_VALUES:
            raise ConfigError(
                f"--param {self.info.name}={text} has {count:,} values; at most {_MOST_VALUES:,} are searched. "
                f"Give a wider step."
            )


def _nice_step(low: float, high: float) -> float:
    """Suggest a step of one significant digit that makes about ten values."""
    rough = (high - low) / 10.0
    scale = 10.0 ** math.floor(math.log10(rough))
    return round(rough / scale) * scale
