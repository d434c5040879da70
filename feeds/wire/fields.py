"""Take typed values out of a decoded JSON object, naming the field that is missing or malformed."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FieldError", "decode", "take_amount", "take_flag", "take_int", "take_ms", "take_price", "take_text"]

_raw_decode = json.JSONDecoder().raw_decode
_MICROSECONDS_FROM = 10**14
_MISSING = object()


class FieldError(ValueError):
    """A field is missing or holds what it cannot hold. The caller knows the frame and says which it is."""


def decode(text: str | bytes) -> Any:
    """Decode JSON. Raises FrameError with the beginning of the text where it is none."""
    try:
        if isinstance(text, str) and text.startswith("{"):
            value, end = _raw_decode(text)  # json.loads looks for space around it first, and there is none
            if end == len(text):
                return value
        return json.loads(text)
    except ValueError as error:
        shown = text if isinstance(text, str) else text.decode("utf-8", errors="replace")
        raise FrameError("This is not JSON, or only a part of it.", shown) from error


def take_text(source: Mapping[str, Any], key: str) -> str:
    """Take a text that is not empty."""
    value = source.get(key, _MISSING)
    if type(value) is str and value:
        return value
    raise _wrong(key, value, "a text")


def take_flag(source: Mapping[str, Any], key: str) -> bool:
    """Take true or false."""
    value = source.get(key, _MISSING)
    if value is True or value is False:
        return value
    raise _wrong(key, value, "true or false")


def take_int(source: Mapping[str, Any], key: str) -> int:
    """Take a whole number, written as a number."""
    value = source.get(key, _MISSING)
    if type(value) is int:
        return value
    raise _wrong(key, value, "a whole number")


def take_ms(source: Mapping[str, Any], key: str) -> int:
    """Take a time as ms since 1970 UTC; microseconds are told by their size and cut to ms."""
    value = source.get(key, _MISSING)
    if type(value) is int and value >= 0:
        return value if value < _MICROSECONDS_FROM else value // 1000
    raise _wrong(key, value, "a time in ms or µs")


def take_price(source: Mapping[str, Any], key: str) -> float:
    """Take a number above zero, written as text (as Binance does) or as a number."""
    value = take_amount(source, key)
    if value > 0.0:
        return value
    raise _wrong(key, source[key], "a number above zero")


def take_amount(source: Mapping[str, Any], key: str) -> float:
    """Take a number that is not below zero, written as text or as a number."""
    value = source.get(key, _MISSING)
    if type(value) is str or type(value) is float or type(value) is int:
        try:
            amount = float(value)
        except ValueError:
            amount = math.nan
        if 0.0 <= amount < math.inf:
            return amount
    raise _wrong(key, value, "a number")


def _wrong(key: str, value: object, wanted: str) -> FieldError:
    if value is _MISSING:
        return FieldError(f"The field {key!r} is missing.")
    return FieldError(f"The field {key!r} holds {json.dumps(value)[:40]}, which is not {wanted}.")
