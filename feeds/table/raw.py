"""What a file held before anything was checked, put in order or interpreted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bt_run.core.errors import DataError
    from bt_run.core.market import FloatArray, IntArray

__all__ = ["RawBars"]


@dataclass(frozen=True, slots=True, eq=False)
class RawBars:
    """
    The rows of a file in the file's order.

    `times` are ms since 1970 UTC, shape (n,); they are bar opens, or bar closes where `times_are` says so.
    `columns` holds float64 arrays of shape (n,) by bar column; only those that the file has. `fault` makes
    the error that names the place of a row: called with the row's position 0..n-1, what is wrong, and the
    bar column or "".
    """

    times: IntArray
    columns: Mapping[str, FloatArray]
    format: str
    symbol: str | None
    times_are: Literal["open", "close"]
    fault: Callable[[int, str, str], DataError]
