"""SUBSCRIBE and its sisters: what a client asks of a market connection, and Binance's answers. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Protocol

__all__ = ["Subscriptions", "answer"]

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_EXPECTED = ", ".join(f"`{name}`" for name in _METHODS)
_ID_TEXT = re.compile(r"[A-Za-z0-9]{1,36}")
_INT64 = 2**63
_MISSING = object()


class Subscriptions(Protocol):
    """What a connection listens to, as far as its client can change it."""

    combined: bool

    @property
    def streams(self) -> tuple[str, ...]:
        """Give the names in the order of subscribing."""

    def subscribe(self, names: tuple[str, ...]) -> bool:
        """Add streams; False, and nothing is added, where that would be too many."""

    def unsubscribe(self, names: tuple[str, ...]) -> None:
        """Take streams away; unknown ones are ignored."""


class _Bad(Exception):
    def __init__(self, code: int, reason: str, number: Any = _MISSING) -> None:
        super().__init__(reason)
        self.error: dict[str, Any] = {"code": code, "msg": reason}
        if number is not _MISSING:
            self.error["id"] = number


def answer(text: str, subscriptions: Subscriptions) -> str:
    """
    Do what a client's message says and give the answer, as JSON text.

    Codes and words: "Error Messages" of web-socket-streams.md (read 2026-07-21). What it does not say is ours:
    the error for more streams than a connection may have, and that an `id` is given back wherever it is valid.
    """
    try:
        return _dump(_answer(text, subscriptions))
    except _Bad as bad:
        return _dump(bad.error)


def _answer(text: str, subscriptions: Subscriptions) -> dict[str, Any]:
    message = _parse(text)
    method, number = _method(message, text), _request_id(message)
    params = message.get("params", [])
    if not isinstance(params, list):
        raise _Bad(2, "Invalid request: params must be an array")
    if method == "SUBSCRIBE":
        if not subscriptions.subscribe(_names(params)):
            raise _Bad(2, "Invalid request: too many streams", number)
        return {"result": None, "id": number}
    if method == "UNSUBSCRIBE":
        subscriptions.unsubscribe(_names(params))
        return {"result": None, "id": number}
    if method == "LIST_SUBSCRIPTIONS":
        _at_most(params, 0)
        return {"result": list(subscriptions.streams), "id": number}
    return {"result": _property(method, params, number, subscriptions), "id": number}


def _parse(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except ValueError as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        raise _Bad(3, f"Invalid JSON: expected value at line {line} column {column}") from None
    except RecursionError:
        raise _Bad(3, "Invalid JSON: recursion limit exceeded at line 1 column 128") from None
    if not isinstance(message, dict):
        raise _Bad(2, "Invalid request: expected an object at line 1 column 1")
    return message


def _method(message: dict[str, Any], text: str) -> str:
    method = message.get("method", _MISSING)
    if method is _MISSING:
        raise _Bad(2, f"Invalid request: missing field `method` at line 1 column {len(text)}")
    if not isinstance(method, str):
        raise _Bad(2, "Invalid request: method must be a string")
    if method not in _METHODS:
        column = text.find(method) + len(method) + 1
        place = f"at line 1 column {column}"
        raise _Bad(2, f"Invalid request: unknown variant `{method}`, expected one of {_EXPECTED} {place}")
    return method


def _request_id(message: dict[str, Any]) -> int | str | None:
    number = message.get("id", _MISSING)
    if number is None or (isinstance(number, str) and _ID_TEXT.fullmatch(number)):
        return number
    if isinstance(number, int) and not isinstance(number, bool) and -_INT64 <= number < _INT64:
        return number
    raise _Bad(2, "Invalid request: request ID must be an unsigned integer")


def _names(params: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(name, str) for name in params):
        raise _Bad(2, "Invalid request: stream names must be strings")
    return tuple(params)


def _at_most(params: list[Any], count: int) -> None:
    if len(params) > count:
        raise _Bad(2, "Invalid request: too many parameters")


def _property(
    method: str, params: list[Any], number: int | str | None, subscriptions: Subscriptions
) -> bool | None:
    if not params or not isinstance(params[0], str):
        raise _Bad(2, "Invalid request: property name must be a string")
    _at_most(params, 2 if method == "SET_PROPERTY" else 1)
    if params[0] != "combined":
        raise _Bad(0, "Unknown property", number)
    if method == "GET_PROPERTY":
        return subscriptions.combined
    if len(params) < 2 or not isinstance(params[1], bool):
        raise _Bad(1, "Invalid value type: expected Boolean")
    subscriptions.combined = params[1]
    return None


def _dump(answer: dict[str, Any]) -> str:
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
