"""Read the ways in which files write a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from feeds.table.buffer import arrow_view

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from bt_run.core.errors import DataError
    from bt_run.core.market import FloatArray, IntArray

__all__ = ["TimeStyle", "arrow_ms", "epoch_ms", "find_time_style"]

_NUMBER = r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?"
_CLOCK = r"\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?"
_ISO = rf"\d{{4}}-\d{{2}}-\d{{2}}([T ]{_CLOCK})?"
_ZONE = r"(Z|[+-]\d{2}(:?\d{2})?)"

_DATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", ("%Y.%m.%d",)),
    (r"\d{8}", ("%Y%m%d",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
)
_CLOCKS = (
    (r"", ""),
    (r" \d{1,2}-(AM|PM)", " %I-%p"),
    (r" \d{1,2}:\d{2}", " %H:%M"),
    (r" \d{1,2}:\d{2}:\d{2}", " %H:%M:%S"),
    (r" \d{1,2}:\d{2} (AM|PM)", " %I:%M %p"),
    (r" \d{1,2}:\d{2}:\d{2} (AM|PM)", " %I:%M:%S %p"),
)

# A bar's time lies between 1973 and 5138 in exactly one of these units.
_UNITS = (
    (1e8, 1e11, "seconds"),
    (1e11, 1e14, "milliseconds"),
    (1e14, 1e17, "microseconds"),
    (1e17, 1e20, "nanoseconds"),
)


@dataclass(frozen=True, slots=True)
class TimeStyle:
    """
    How a time column is written.

    ``number`` since 1970 in some unit, or YYYYMMDD; ``iso`` without zone, which means UTC; ``zoned`` ISO
    with a zone; ``pattern`` something else, with the strptime `patterns` that may fit: two of them where
    day and month can only be told apart by the values.
    """

    kind: Literal["number", "iso", "zoned", "pattern"]
    patterns: tuple[str, ...] = ()


def find_time_style(cell: str) -> TimeStyle | None:
    """Find the style of one cell; None where it is no time that bt-run knows."""
    text = cell.strip()
    if re.fullmatch(_NUMBER, text):
        return TimeStyle("number")
    if re.fullmatch(_ISO, text):
        return TimeStyle("iso")
    if re.fullmatch(_ISO + _ZONE, text):
        return TimeStyle("zoned")
    for date, formats in _DATES:
        for clock, suffix in _CLOCKS:
            if re.fullmatch(date + clock, text):
                return TimeStyle("pattern", tuple(one + suffix for one in formats))
    return None


def epoch_ms(
    values: FloatArray, fault: Callable[[int, str], DataError], *, mixed_units: bool = False
) -> IntArray:
    """
    Turn numbers into ms since 1970, shape (n,); the unit is told by the size, part of a ms is cut off.

    Seconds, milliseconds, microseconds and nanoseconds never overlap for times from 1973 on. Eight digits
    that make a date (YYYYMMDD) are one. `fault` makes the error for a row.

    Raises:
        DataError: no number, too small to be a time, or two units in one file unless `mixed_units`.
    """
    if not len(values):
        return np.empty(0, dtype=np.int64)
    low, high = float(np.min(values)), float(np.max(values))
    if low >= 19_000_101 and high <= 21_001_231:
        return _compact_dates(values, fault)
    if not (low >= _UNITS[0][0] and high < _UNITS[-1][1]):
        row = int(np.argmax(~((values >= _UNITS[0][0]) & (values < _UNITS[-1][1]))))
        what = (
            "is missing"
            if np.isnan(values[row])
            else f"{values[row]:.16g} is not a time since 1970 in s, ms or us"
        )
        raise fault(row, f"the time {what}.")
    for start, end, name in _UNITS:
        if start <= low and high < end:
            return _scaled(values, name)
    return _mixed(values, fault, allowed=mixed_units)


def arrow_ms(column: Any, fault: Any) -> IntArray:
    """Turn an Arrow timestamp column (without zone: UTC) into ms since 1970; part of a ms is cut off."""
    if column.null_count:
        row = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise fault(row, "the time is missing.")
    per_ms = {"ns": 1_000_000, "us": 1_000}.get(column.type.unit, 1)
    whole = np.concatenate([arrow_view(chunk, np.dtype(np.int64)) for chunk in column.cast("int64").chunks])
    times = np.floor_divide(whole, per_ms) if per_ms > 1 else whole * (1_000 if column.type.unit == "s" else 1)
    return np.ascontiguousarray(times, dtype=np.int64)


def _scaled(values: FloatArray, unit: str) -> IntArray:
    if unit == "seconds":
        return np.rint(values * 1000.0).astype(np.int64)
    divisor = {"milliseconds": 1, "microseconds": 1_000, "nanoseconds": 1_000_000}[unit]
    whole = values.astype(np.int64)
    return np.floor_divide(whole, divisor) if divisor > 1 else whole


def _mixed(values: FloatArray, fault: Callable[[int, str], DataError], *, allowed: bool) -> IntArray:
    unit = np.digitize(values, [end for _, end, _ in _UNITS[:-1]])
    if not allowed:
        row = int(np.argmax(unit != unit[0]))
        first, other = _UNITS[int(unit[0])][2], _UNITS[int(unit[row])][2]
        error = fault(row, f"the time {values[row]:.16g} is in {other}, but the rows before it are in {first}.")
        if {first, other} == {"milliseconds", "microseconds"}:
            error.hint = "Binance changed its files to microseconds on 2025-01-01: bring all rows to one unit."
        raise error
    times = np.empty(len(values), dtype=np.int64)
    for number, (_, _, name) in enumerate(_UNITS):
        times[unit == number] = _scaled(values[unit == number], name)
    return times


def _compact_dates(values: FloatArray, fault: Callable[[int, str], DataError]) -> IntArray:
    whole = values.astype(np.int64)
    year, month, day = whole // 10_000, whole // 100 % 100, whole % 100
    months: npt.NDArray[np.datetime64] = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    wrong = (
        (month < 1) | (month > 12) | (day < 1) | (days.astype("datetime64[M]") != months) | (values != whole)
    )
    if wrong.any():
        row = int(np.argmax(wrong))
        raise fault(row, f"{values[row]:.16g} is not a date.")
    return days.astype("datetime64[ms]").astype(np.int64)
