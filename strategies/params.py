"""Check and read parameter values: a default gives the type, a range or a list of choices the limits."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import ParamError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_value", "find_disorder", "parse_value", "unknown_param"]

_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


def unknown_param(owner: str, name: str, known: Iterable[str]) -> ParamError:
    """Make the error for a parameter that `owner` does not have, with the nearest that it has."""
    names = list(known)
    guess = nearest(name, names)
    hint = f" Did you mean {guess!r}?" if guess else ""
    listed = f"It has: {', '.join(names)}." if names else "It has no parameters."
    return ParamError(f"{owner} has no parameter {name!r}.{hint} {listed}")


def check_value(
    owner: str,
    name: str,
    value: Any,
    *,
    default: Any,
    limits: tuple[float, float] | None = None,
    choices: tuple[str, ...] | None = None,
) -> None:
    """
    Check a value against the type of the default, the limits (inclusive) and the choices.

    A whole number passes for a float, numpy's numbers pass for Python's, a bool passes for nothing but
    a bool. A default of None takes anything. Raises ParamError.
    """
    if not _fits(value, default):
        wanted = type(default).__name__
        raise ParamError(f"{owner}: {name} is {value!r}; it must be of type {wanted}.")
    if limits is not None and not limits[0] <= value <= limits[1]:
        raise ParamError(f"{owner}: {name} is {value}; it must lie in {limits[0]} to {limits[1]}.")
    if choices is not None and value not in choices:
        raise ParamError(f"{owner}: {name} is {value!r}; choose one of {', '.join(choices)}.")


def _fits(value: Any, default: Any) -> bool:
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, numbers.Real) and not math.isnan(value)
    if isinstance(default, int):
        return isinstance(value, numbers.Integral)
    return isinstance(value, type(default))


def find_disorder(p: Any, low: str, high: str) -> str | None:
    """Say so where parameter `low` is not less than parameter `high`; None where it is."""
    first, second = getattr(p, low), getattr(p, high)
    return (
        None if first < second else f"{low} is {first} and {high} is {second}; {low} must be less than {high}."
    )


def parse_value(owner: str, name: str, text: str, *, default: Any, is_strict: bool = True) -> Any:
    """
    Read the text of a value as the type of the default: int, float, bool (true, false, yes, no) or str.

    A default of None tells nothing: int, then float, then the text itself. With `is_strict` false a
    whole-numbered default takes a fraction too, because hand-written strategies say ``("oversold", 30)``
    and mean a float. Raises ParamError.
    """
    if default is None:
        return _first_reading(text, int, float, str)
    if isinstance(default, bool):
        if text.casefold() not in _TRUTHS:
            raise ParamError(f"{owner}: {name} is {text!r}; write true or false.")
        return _TRUTHS[text.casefold()]
    if isinstance(default, str):
        return text
    if isinstance(default, int):
        value = _first_reading(text, int) if is_strict else _first_reading(text, int, float)
        return _number(owner, name, text, value, "a whole number")
    if isinstance(default, float):
        return _number(owner, name, text, _first_reading(text, float), "a number")
    raise ParamError(
        f"{owner}: {name} is of type {type(default).__name__}, which cannot be written as text. "
        f"Change its default in the file."
    )


def _first_reading(text: str, *kinds: type) -> Any:
    """Read the text as the first kind that takes it; None where none does."""
    for kind in kinds:
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _number(owner: str, name: str, text: str, value: Any, what: str) -> Any:
    if value is None or not math.isfinite(value):
        raise ParamError(f"{owner}: {name} is {text!r}; it must be {what}.")
    return value
