"""How a text table is laid out: the plan that recognition makes and reading follows."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feeds.table.timestamps import TimeStyle

__all__ = ["DELIMITERS", "Layout", "split_line"]

DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Layout:
    """
    How to read a text table.

    `skip` is the number of lines before the first row of data. `names` are the columns' names for messages,
    one per column. `columns` maps bar columns to positions in 0..len(names)-1, `time` is one position, or
    two for date and time apart, of the same `time_style`. `decimal` is "." or ",". `mixed_units` says that
    the format is known to mix seconds and milliseconds.
    """

    format: str
    delimiter: str
    skip: int
    names: tuple[str, ...]
    columns: Mapping[str, int]
    time: tuple[int, ...]
    time_style: TimeStyle
    times_are: Literal["open", "close"] = "open"
    symbol_column: int | None = None
    symbol: str | None = None
    decimal: str = "."
    mixed_units: bool = False


def split_line(line: str, delimiter: str) -> list[str]:
    """Split one line into cells; quotes are honoured, spaces and MetaTrader's angle brackets removed."""
    cells = next(csv.reader([line], delimiter=delimiter), [])
    return [cell.strip().removeprefix("<").removesuffix(">") for cell in cells]
