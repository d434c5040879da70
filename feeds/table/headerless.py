"""
Recognise text tables without a header: only those that cannot be mistaken for another.

=====================  =======  ====================================================================
format                 columns  why it cannot be mistaken
=====================  =======  ====================================================================
Binance klines         12       column 7 is the close time: after the open time, by the same length
                                in nearly every row; column 9 counts trades
CryptoDataDownload     9, 10    epoch, date, a symbol with a slash, then the prices
Kraken                 7        epoch seconds; column 7 counts trades; each open follows the last close
LEAN                   6        times written ``20180501 00:00``, as nobody else does; opens follow closes
=====================  =======  ====================================================================

In each, the high must be the highest and the low the lowest of the four prices in every sampled row, and
the opens must lie nearer to the last close than the closes do: this tells open from close. Six columns
with an epoch are refused: real files put the volume first, or the close before the high. LEAN scales the
prices of shares by 10,000 and then writes whole numbers only: those are refused, too.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from bt_run.core.errors import DataError
from feeds.table.layout import DELIMITERS, Layout, split_line
from feeds.table.timestamps import find_time_style

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from feeds.table.timestamps import TimeStyle

    Rows = Sequence[Sequence[str]]

__all__ = ["recognise_headerless"]

_ADVICE = (
    "Add a first line that names the columns, such as: open_time,open,high,low,close,volume "
    "(in the order that the file has)."
)
_BINANCE = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
_CRYPTODATADOWNLOAD = (
    "unix", "date", "symbol", "open", "high", "low", "close", "volume", "quote_volume", "trades",
)  # fmt: skip
_KRAKEN = ("open_time", "open", "high", "low", "close", "volume", "trades")
_LEAN = ("open_time", "open", "high", "low", "close", "volume")
_NOT_BARS = ("open_time", "close_time", "ignore", "unix", "date", "symbol")
_SAMPLE = 50


def recognise_headerless(lines: Sequence[str]) -> Layout:
    """Recognise a file that has no header. Raises DataError where its order could only be guessed."""
    filled = [line for line in lines if line.strip()]
    for delimiter in DELIMITERS:
        rows = [split_line(line, delimiter) for line in filled[:_SAMPLE]]
        width = len(rows[0])
        if width < 5:
            continue
        style = find_time_style(rows[0][0])
        if style is None:
            continue
        for name, names, fits in _KNOWN:
            if len(names) == width and all(len(row) == width for row in rows) and fits(rows, style):
                return _layout(name, names, rows, delimiter, style)
        raise DataError(
            f"The file has no header line and {width} columns: their order can only be guessed.",
            line=1,
            hint=_ADVICE,
        )
    raise DataError(
        f"No line names the columns open, high, low and close; the file begins with {filled[0][:60]!r}.",
        hint="bt-run reads CSV with a header line, Binance klines, JSON, feather and Parquet.",
    )


def _layout(name: str, names: Sequence[str], rows: Rows, delimiter: str, style: TimeStyle) -> Layout:
    places = {column: place for place, column in enumerate(names)}
    symbol = places.get("symbol")
    return Layout(
        format=name,
        delimiter=delimiter,
        skip=0,
        names=tuple(names),
        columns={column: place for column, place in places.items() if column not in _NOT_BARS},
        time=(0,),
        time_style=style,
        symbol_column=symbol,
        symbol=None if symbol is None else rows[0][symbol],
        mixed_units="unix" in places,
    )


def _is_binance(rows: Rows, style: TimeStyle) -> bool:
    if style.kind != "number" or not all(_is_count(row[8]) for row in rows):
        return False
    spans = []
    for row in rows:
        opened, closed = _number(row[0]), _number(row[6])
        if opened is None or closed is None:
            return False
        spans.append(round(_seconds(closed) - _seconds(opened), 1))
    usual = max(set(spans), key=spans.count)
    alike = sum(span == usual for span in spans)
    # Months differ in length, and a candle cut off by an outage is shorter.
    monthly = all(27 * 86_400 < span <= 31 * 86_400 for span in spans)
    return usual > 0 and (monthly or 2 * alike >= len(spans)) and _prices_fit(rows, 1)


def _is_cryptodatadownload(rows: Rows, style: TimeStyle) -> bool:
    marked = all(re.fullmatch(r"[A-Z0-9]+/[A-Z0-9]+", row[2]) and find_time_style(row[1]) for row in rows)
    return marked and style.kind == "number" and _prices_fit(rows, 3)


def _is_kraken(rows: Rows, style: TimeStyle) -> bool:
    if style.kind != "number" or not all(_is_count(row[6]) for row in rows):
        return False
    times = [_number(row[0]) for row in rows]
    seconds = all(time is not None and 1e8 <= time < 1e11 for time in times)
    return seconds and _prices_fit(rows, 1) and _opens_follow_closes(rows, 1)


def _is_lean(rows: Rows, style: TimeStyle) -> bool:
    written = all(re.fullmatch(r"\d{8} \d{2}:\d{2}", row[0]) for row in rows)
    decimals = any("." in cell for row in rows for cell in row[1:5])
    return (
        written
        and style.kind == "pattern"
        and decimals
        and _prices_fit(rows, 1)
        and _opens_follow_closes(rows, 1)
    )


_KNOWN: tuple[tuple[str, Sequence[str], Callable[[Rows, TimeStyle], bool]], ...] = (
    ("Binance klines without header", _BINANCE, _is_binance),
    ("CryptoDataDownload without header", _CRYPTODATADOWNLOAD, _is_cryptodatadownload),
    ("CryptoDataDownload without header", _CRYPTODATADOWNLOAD[:-1], _is_cryptodatadownload),
    ("Kraken", _KRAKEN, _is_kraken),
    ("LEAN", _LEAN, _is_lean),
)


def _prices_fit(rows: Rows, first: int) -> bool:
    for row in rows:
        values = [_number(cell) for cell in row[first : first + 4]]
        if any(value is None or value <= 0 for value in values):
            return False
        opened, high, low, closed = (value or 0.0 for value in values)
        if not (high >= max(opened, closed) and low <= min(opened, closed)):
            return False
    return True


def _opens_follow_closes(rows: Rows, first: int) -> bool:
    prices = [[float(cell) for cell in row[first : first + 4]] for row in rows]
    if len(prices) < 2:
        return False
    pairs = list(pairwise(prices))
    gaps = sum(abs(after[0] - before[3]) for before, after in pairs)
    moves = sum(abs(after[3] - before[3]) for before, after in pairs)
    return gaps <= moves


def _is_count(cell: str) -> bool:
    return re.fullmatch(r"\d+(\.0*)?", cell) is not None


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _seconds(value: float) -> float:
    """Scale an epoch of any unit to seconds."""
    while value >= 1e11:
        value /= 1000.0
    return value
