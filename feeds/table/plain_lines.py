"""
Parse lines of plain numbers by machine code: what exchanges write, three times as quickly as Arrow does.

A block of lines that holds anything else (quotes, signs, exponents, empty cells, too many digits) is not parsed
here but left to Arrow, so that this decides nothing about what a file may hold. A plain number of at most 18
digits whose digits alone are a whole number up to 2**53 is exact, and so is the power of ten that divides it:
one division rounds to the same float as Python's ``float()`` (Clinger, "How to Read Floating Point Numbers
Accurately", 1990).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from bt_run.core.market import FloatArray, IntArray

    Parse = Callable[[npt.NDArray[np.uint8], int, IntArray, FloatArray, FloatArray], int]

__all__ = ["POWERS", "compiled_parser", "parse_lines", "rows_at_most"]

_LINE_END, _RETURN, _QUOTE, _POINT, _ZERO = 10, 13, 34, 46, 48
_MOST_DIGITS = 18  # more may not fit 64 bits
_EXACT = 1 << 53

POWERS: FloatArray = np.array([float(10**exponent) for exponent in range(_MOST_DIGITS + 1)])
"""Powers of ten that are exact as floats, from 10**0 on."""


def rows_at_most(size: int, places: IntArray) -> int:
    """Say how many lines so many bytes can hold: every cell has a byte after it, a wanted one a digit too."""
    return size // (len(places) + int(np.count_nonzero(places >= 0)))


def parse_lines(  # noqa: C901, PLR0912  # numba compiles no plain functions that it calls
    text: npt.NDArray[np.uint8], delimiter: int, places: IntArray, powers: FloatArray, out: FloatArray
) -> int:
    """
    Parse whole lines into columns.

    Args:
        text: Bytes that end with a line, shape (n,).
        delimiter: The byte between cells.
        places: For every cell of a line the row of `out` that it goes to, -1 for one that is not wanted.
        powers: `POWERS`.
        out: Is filled, shape (k, m), from the left; m at least `rows_at_most`.

    Returns:
        How many lines there were; -1 where one of them is not plain, with anything in `out`.
    """
    at, row, cells = 0, 0, len(places)
    while at < len(text):
        for cell in range(cells):
            place = places[cell]
            if place < 0:
                while text[at] != delimiter and text[at] != _LINE_END and text[at] != _RETURN:
                    if text[at] == _QUOTE:
                        return -1
                    at += 1
            else:
                first = at
                whole = np.int64(0)
                digit = np.int64(text[at]) - _ZERO
                while 0 <= digit <= 9:
                    whole = whole * 10 + digit
                    at += 1
                    digit = np.int64(text[at]) - _ZERO
                digits = at - first
                decimals = 0
                if text[at] == _POINT and text[at] != delimiter:
                    at += 1
                    first = at
                    digit = np.int64(text[at]) - _ZERO
                    while 0 <= digit <= 9:
                        whole = whole * 10 + digit
                        at += 1
                        digit = np.int64(text[at]) - _ZERO
                    decimals = at - first
                    if decimals == 0:
                        return -1
                if digits == 0 or digits + decimals > _MOST_DIGITS or whole > _EXACT:
                    return -1
                out[place, row] = whole / powers[decimals]
            if cell == cells - 1:
                if text[at] == _RETURN:
                    at += 1
                if text[at] != _LINE_END:
                    return -1
            elif text[at] != delimiter:
                return -1
            at += 1
        row += 1
    return row


@cache
def compiled_parser() -> Parse | None:
    """
    Give `parse_lines` as machine code, which leaves the interpreter alone while it runs.

    The code is kept beside the source, or in the user's cache where that cannot be written. None where neither
    can, because compiling takes longer than what it saves.
    """
    from numba import njit  # noqa: PLC0415  # it takes 0.2 s

    signature = "int64(uint8[::1], int64, int64[::1], float64[::1], float64[:, ::1])"
    try:
        found: Any = njit(signature, cache=True, nogil=True)(parse_lines)
    except RuntimeError:  # no place to keep machine code in
        return None
    return found  # type: ignore[no-any-return]  # numba ships no types
