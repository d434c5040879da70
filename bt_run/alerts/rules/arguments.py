"""Match what a rule gives a function with what the function takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.alerts.rules.parse_error import ParseError
from bt_run.alerts.rules.syntax import Call, Negative, Number
from bt_run.core.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bt_run.alerts.rules.catalogue import Function
    from bt_run.alerts.rules.syntax import Curve
    from bt_run.alerts.rules.tokens import Token

    Argument = tuple[Token | None, Curve]

__all__ = ["make_call"]

_SHORT = {
    "signal": "macdsignal",
    "hist": "macdhist",
    "upper": "upperband",
    "middle": "middleband",
    "lower": "lowerband",
}


def make_call(text: str, function: Function, at: int, given: Sequence[Argument], output: Token | None) -> Call:
    """
    Make a call out of what stands in the brackets.

    Curves come first where the function's inputs are given, all of them; then its parameters by position; then
    any of both by name. A number in the place of an input is a level line.

    Raises:
        ParseError: too many arguments, an unknown or doubled name, a parameter that TA-Lib does not take.
    """
    reader = _Arguments(text, function, at)
    inputs, values = reader.read(given)
    call = Call(
        function.name,
        inputs,
        values,
        reader.output(output),
        is_only_output=len(function.outputs) == 1,
        at=at,
    )
    reader.try_out(values)
    return call


class _Arguments:
    def __init__(self, text: str, function: Function, at: int) -> None:
        self._text = text
        self._function = function
        self._at = at
        self._word = function.name.lower()

    def read(self, given: Sequence[Argument]) -> tuple[tuple[Curve, ...], tuple[tuple[str, float], ...]]:
        function = self._function
        unnamed = [curve for name, curve in given if name is None]
        has_curve = bool(unnamed) and not _is_number(unnamed[0])
        takes_all = has_curve or (not function.parameters and bool(unnamed))
        order = [*(function.free if takes_all else ()), *function.parameters]
        found: dict[str, Curve] = {}
        for place, (token, curve) in enumerate(given):
            name = self._name_of(
                token, place, order, curve, is_late=any(n is not None for n, _ in given[:place])
            )
            if name in found:
                raise ParseError(self._text, curve.at, f"{self._word} is given {name!r} twice.")
            found[name] = curve
        return self._inputs(found), self._values(found)

    def _name_of(
        self, token: Token | None, place: int, order: Sequence[str], curve: Curve, *, is_late: bool
    ) -> str:
        function = self._function
        if token is not None:
            known = (*function.free, *function.parameters)
            if token.text not in known:
                raise ParseError(self._text, token.at, self._no_such(token.text, known))
            return token.text
        if is_late:
            raise ParseError(self._text, curve.at, "After an argument with a name, all others need one.")
        if place >= len(order):
            takes = ", ".join(order) or "nothing"
            raise ParseError(self._text, curve.at, f"This is too much: {self._word} takes {takes}.")
        return order[place]

    def _no_such(self, name: str, known: Iterable[str]) -> str:
        names = list(known)
        guess = nearest(name, names)
        hint = f" Did you mean {guess!r}?" if guess else f" It takes {', '.join(names) or 'nothing'}."
        return f"{self._word} has no {name!r}.{hint}"

    def _inputs(self, found: dict[str, Curve]) -> tuple[Curve, ...]:
        free = self._function.free
        given = [name for name in free if name in found]
        if not given and not self._function.needs_inputs:
            return ()
        missing = [name for name in free if name not in found]
        if missing:
            example = f"{self._word}({', '.join(['close'] * len(free))})"
            problem = f"{self._word} needs {' and '.join(missing)} too, such as {example}."
            raise ParseError(self._text, self._at, problem)
        if self._function.parameters and _is_number(found[free[0]]):
            raise ParseError(
                self._text, found[free[0]].at, f"{free[0]} of {self._word} is a curve, such as close."
            )
        return tuple(found[name] for name in free)

    def _values(self, found: dict[str, Curve]) -> tuple[tuple[str, float], ...]:
        values = []
        for name, default in self._function.parameters.items():
            if name not in found:
                continue
            curve = found[name]
            if not _is_number(curve):
                raise ParseError(
                    self._text, curve.at, f"{name} of {self._word} is a number, such as {default}."
                )
            value = _value_of(curve)
            if isinstance(default, int) and value != int(value):
                raise ParseError(self._text, curve.at, f"{name} of {self._word} is a whole number.")
            values.append((name, value))
        return tuple(values)

    def output(self, token: Token | None) -> str:
        outputs = self._function.outputs
        if token is None:
            return outputs[0]
        chosen = _SHORT.get(token.text, token.text)
        if chosen not in outputs:
            guess = nearest(token.text, outputs)
            hint = f" Did you mean {guess!r}?" if guess else f" Outputs: {', '.join(outputs)}."
            raise ParseError(self._text, token.at, f"{self._word} has no output {token.text!r}.{hint}")
        return chosen

    def try_out(self, values: tuple[tuple[str, float], ...]) -> None:
        """Let TA-Lib itself judge the parameters, over two bars."""
        import numpy as np  # noqa: PLC0415  # as TA-Lib
        import talib  # noqa: PLC0415

        function = self._function
        arrays = [np.array([2.0, 3.0]) for _ in function.inputs]
        try:
            getattr(talib, function.name)(*arrays, **parameters_of(function, values))
        except Exception as error:  # TA-Lib raises this very class
            told = ", ".join(f"{name}={value:g}" for name, value in values)
            problem = f"{self._word} does not take {told or 'this'}: {_reason(error)}."
            raise ParseError(self._text, self._at, problem) from error


def parameters_of(function: Function, values: Iterable[tuple[str, float]]) -> dict[str, int | float]:
    """Give parameters as TA-Lib takes them: whole ones as int."""
    return {name: int(value) if isinstance(function.parameters[name], int) else value for name, value in values}


def _reason(error: Exception) -> str:
    return str(error).rpartition(": ")[2].partition(" (")[0].lower()


def _is_number(curve: Curve) -> bool:
    return isinstance(curve, Number) or (isinstance(curve, Negative) and isinstance(curve.of, Number))


def _value_of(curve: Curve) -> float:
    if isinstance(curve, Number):
        return curve.value
    return -_value_of(curve.of)  # type: ignore[union-attr]  # `_is_number` has said what it is
