"""How values lie in the database: amounts as exact text, floats bit for bit, mappings as JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Double, Text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = ["Amount", "Codes", "Document", "Measure", "plain"]

_SECRET = re.compile(r"secret|passw|api_?key|private_?key|token|signature", re.IGNORECASE)
_WRITE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_HIDDEN = "***"
# Tuples, because an order waits here, and a union such as `bool | int` would be made anew at each question.
_AS_IT_IS = (bool, int, str)
_MAPPINGS = (dict, Mapping)  # the first is nearly always it, and much sooner found out
_NO_SECRETS = (dict, Mapping, bool)
_LISTS = (list, tuple)


class Amount(TypeDecorator[Decimal]):
    """
    A Decimal as text without an exponent, such as ``0.00000001``.

    Text and not a number, because SQLite has no decimals and would make a float of it.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Write the number with all its digits."""
        return None if value is None else f"{value:f}"

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read it back."""
        return None if value is None else Decimal(value)


class Measure(TypeDecorator[float]):
    """A float, exact; NaN (unknown) lies as NULL, because SQLite knows no NaN."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        """Write it."""
        return None if value is None or math.isnan(value) else float(value)

    def process_result_value(self, value: float | None, dialect: Dialect) -> float:
        """Read it back."""
        return math.nan if value is None else value


class Document(TypeDecorator[Any]):
    """A mapping, or a bare value, as JSON text; see `plain` for what becomes of values JSON does not know."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Write it."""
        return _WRITE(plain(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Read it back."""
        return json.loads(value) if value else {}


class Codes(TypeDecorator[tuple[str, ...]]):
    """A tuple of words as a JSON list."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str:
        """Write it."""
        return json.dumps(list(value or ()), separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        """Read it back."""
        return tuple(json.loads(value)) if value else ()


def plain(value: Any) -> Any:
    """
    Make a value that JSON can hold.

    A Decimal becomes text with all its digits, NaN and infinity become None, what JSON does not know becomes
    its text. Under a key that names a secret stands ``***``. Nothing is raised,
    because a detail must never stop an order's intent from being written.
    """
    if value is None or isinstance(value, _AS_IT_IS):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, _MAPPINGS):
        return {str(key): _HIDDEN if _is_secret(key, item) else plain(item) for key, item in value.items()}
    if isinstance(value, _LISTS):
        return [plain(item) for item in value]
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _is_secret(key: Any, value: Any) -> bool:
    """A nested table named so (``[tokens]``) is looked into; a value is hidden."""
    return bool(value) and bool(_SECRET.search(str(key))) and not isinstance(value, _NO_SECRETS)
