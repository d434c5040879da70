"""
The parameters of a request, read with Binance's own errors.

Codes and words: errors.md of binance-spot-api-docs, read 2026-07-21; the legal ranges are those of answers
that clients have published.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["NUMBER", "Parameters", "empty", "missing", "not_required", "one_of_two"]

NUMBER = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
WHOLE = r"^[0-9]{1,20}$"
CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
SYMBOL = r"^[\w\-._&&[^a-z]]{1,50}$"
"""Java's way to write: letters of any script but a to z, digits, and these three characters."""

_SYMBOL = re.compile(r"[\w\-.]{1,50}")
_MICROSECONDS = 10**14
_MAX_PAGE = 1000


def missing(name: str) -> Refusal:
    """Word that a mandatory parameter is not there."""
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def empty(name: str) -> Refusal:
    """Word that a parameter that may be left out was sent without a value."""
    return Refusal(-1105, f"Parameter '{name}' was empty.")


def not_required(name: str) -> Refusal:
    """Word that a parameter has no place in this request."""
    return Refusal(-1106, f"Parameter '{name}' sent when not required.")


def one_of_two(first: str, second: str) -> Refusal:
    """Word that one of two parameters must be there."""
    return Refusal(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def _illegal(name: str, legal: str) -> Refusal:
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


class Parameters:
    """
    What a client sent, by name, as text. Every reader gives None where the parameter was not sent.

    All readers raise Refusal: -1105 where the value is empty, -1100 where it holds what it must not.
    """

    def __init__(self, sent: Mapping[str, str]) -> None:
        self.sent = dict(sent)

    def __contains__(self, name: str) -> bool:
        return name in self.sent

    def check_names(self, mandatory: Collection[str], optional: Collection[str]) -> None:
        """Refuse what is missing (-1102), and then what nobody asked for (-1101, -1104)."""
        for name in mandatory:
            if not self.sent.get(name):
                raise missing(name)
        known = sum(name in mandatory or name in optional for name in self.sent)
        sent = len(self.sent)
        if known == sent:
            return
        expected = len(mandatory) + len(optional)
        if sent > expected:
            raise Refusal(-1101, f"Too many parameters; expected '{expected}' and received '{sent}'.")
        raise Refusal(
            -1104, f"Not all sent parameters were read; read '{known}' parameter(s) but was sent '{sent}'."
        )

    def text(self, name: str) -> str | None:
        """Read a parameter as it is."""
        value = self.sent.get(name)
        if value == "":
            raise empty(name)
        return value

    def needed(self, name: str) -> str:
        """Read a parameter that must be there; else -1102."""
        value = self.sent.get(name)
        if not value:
            raise missing(name)
        return value

    def symbol(self, name: str = "symbol") -> str | None:
        """Read a symbol's name; whether it trades here is for `Exchange.market` to say."""
        value = self.text(name)
        if value is not None and (not _SYMBOL.fullmatch(value) or re.search("[a-z]", value)):
            raise _illegal(name, SYMBOL)
        return value

    def symbols(self, name: str = "symbols") -> list[str] | None:
        """Read a JSON array of symbols, such as ``["BTCUSDT","ETHUSDT"]``."""
        value = self.text(name)
        if value is None:
            return None
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list) or not found or not all(isinstance(item, str) for item in found):
            raise _illegal(name, r'^\["[\w\-._&&[^a-z]]{1,50}"(,"[\w\-._&&[^a-z]]{1,50}")*\]$')
        for item in found:
            Parameters({name: item}).symbol(name)
        if len(set(found)) < len(found):
            raise Refusal(-1151, "Symbol is present multiple times in the list.")
        return found

    def whole(self, name: str) -> int | None:
        """Read a whole number >= 0."""
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(WHOLE, value):
            raise _illegal(name, WHOLE)
        return int(value)

    def number(self, name: str, precision: int) -> Decimal | None:
        """Read a decimal number >= 0 with at most `precision` decimals (-1111); no exponents."""
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(NUMBER, value):
            raise _illegal(name, NUMBER)
        if len(value.partition(".")[2]) > precision:
            raise Refusal(-1111, f"Parameter '{name}' has too much precision.")
        return Decimal(value)

    def client_id(self, name: str) -> str | None:
        """Read an id that a client made up: 1 to 36 of letters, digits, ``-`` and ``_``."""
        value = self.text(name)
        if value is not None and not re.fullmatch(CLIENT_ID, value):
            raise _illegal(name, CLIENT_ID)
        return value

    def time(self, name: str) -> int | None:
        """Read a time in ms or in µs since 1970 UTC, whichever it must be by its size; gives ms."""
        value = self.whole(name)
        return value // 1000 if value is not None and value >= _MICROSECONDS else value

    def truth(self, name: str) -> bool:
        """Read ``true`` or ``false``; False where it was not sent."""
        value = self.text(name)
        if value is None:
            return False
        if value.lower() not in ("true", "false"):
            raise _illegal(name, "^(true|false)$")
        return value.lower() == "true"

    def choice(self, name: str, legal: Collection[str], refusal: Refusal | None = None) -> str | None:
        """Read one of the words in `legal`; else `refusal`, or -1130."""
        value = self.text(name)
        if value is not None and value not in legal:
            raise refusal or Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")
        return value

    def limit(self, *, default: int = 500, most: int = _MAX_PAGE, strict: bool = False) -> int:
        """Read `limit`, 1 or more. What is above `most` means `most`, or with `strict` is refused (-1130)."""
        value = self.whole("limit")
        if value == 0 or (strict and value is not None and value > most):
            raise Refusal(-1130, "Data sent for parameter 'limit' is not valid.")
        return default if value is None else min(value, most)
