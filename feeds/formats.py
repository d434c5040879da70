"""
Recognise a text file's format from its first lines.

With a header line the names decide, in any order and capitalisation (`feeds.table.columns`). Without one only
layouts that cannot be mistaken are taken (`feeds.table.headerless`); a file whose column order would have to be
guessed is refused. Nothing here touches the disk.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bt_run.core.errors import DataError
from feeds.table.columns import PRICES, find_columns, normal_name, price_names
from feeds.table.headerless import recognise_headerless
from feeds.table.layout import DELIMITERS, Layout, split_line
from feeds.table.timestamps import find_time_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feeds.table.timestamps import TimeStyle

__all__ = ["recognise"]

_HEADER_WITHIN = 10


def recognise(lines: Sequence[str]) -> Layout:
    """
    Recognise the format from the first lines of a file (without line ends; some dozens are plenty).

    Raises:
        DataError: no known format, a missing column, no rows, or an order that could only be guessed.
    """
    for delimiter in DELIMITERS:
        for number, line in enumerate(lines[:_HEADER_WITHIN]):
            cells = split_line(line, delimiter)
            if len(price_names(cells)) == len(PRICES):
                return _with_header(lines, number, cells, delimiter)
    _refuse_half_header(lines)
    return recognise_headerless(lines)


def _with_header(lines: Sequence[str], number: int, names: list[str], delimiter: str) -> Layout:
    second = split_line(lines[number + 1], delimiter) if number + 1 < len(lines) else []
    if normal_name(names[0]) == "price" and second and normal_name(second[0]) == "ticker":
        return _yfinance(lines, number, names, second)
    data = _first_data(lines, number + 1, names, delimiter)
    try:
        found = find_columns(names, data)
        style = _time_style(names, data, found.time)
    except DataError as error:
        error.line = number + 1
        raise
    plain = {normal_name(name) for name in names}
    symbol = data[found.symbol] if found.symbol is not None else None
    return Layout(
        format=_format_name(plain, metatrader="<" in lines[number]),
        delimiter=delimiter,
        skip=number + 1,
        names=tuple(names),
        columns=found.bars,
        time=found.time,
        time_style=style,
        times_are=found.times_are,
        symbol_column=found.symbol,
        symbol=symbol,
        decimal="," if delimiter != "," and any("," in data[place] for place in found.bars.values()) else ".",
        mixed_units={"unix", "date", "symbol"} <= plain,
    )


def _yfinance(lines: Sequence[str], number: int, names: list[str], tickers: list[str]) -> Layout:
    """Read the three header lines that yfinance writes: names, tickers, and the name of the index."""
    symbols = sorted({ticker for ticker in tickers[1:] if ticker})
    if len(symbols) != 1:
        raise DataError(
            f"The file holds {len(symbols)} tickers ({', '.join(symbols)}).",
            line=number + 2,
            hint="bt-run reads one market a file: download them one by one.",
        )
    third = split_line(lines[number + 2], ",") if number + 2 < len(lines) else []
    skip = number + (3 if third and not any(third[1:]) else 2)
    names = ["Date", *names[1:]]
    data = _first_data(lines, skip, names, ",")
    found = find_columns(names, data)
    return Layout(
        format="yfinance CSV",
        delimiter=",",
        skip=skip,
        names=tuple(names),
        columns=found.bars,
        time=found.time,
        time_style=_time_style(names, data, found.time),
        symbol=symbols[0],
    )


def _first_data(lines: Sequence[str], start: int, names: Sequence[str], delimiter: str) -> list[str]:
    """Give the cells of the first row of data."""
    for number, line in enumerate(lines[start:], start=start):
        if line.strip():
            cells = split_line(line, delimiter)
            if len(cells) != len(names):
                raise DataError(
                    f"The line has {len(cells)} columns, but the header names {len(names)}.", line=number + 1
                )
            return cells
    raise DataError("The file has a header but no bars.")


def _time_style(names: Sequence[str], data: Sequence[str], time: tuple[int, ...]) -> TimeStyle:
    text = " ".join(data[place] for place in time)
    style = find_time_style(text)
    if style is None:
        raise DataError(
            f"{text!r} is not a time that bt-run knows.",
            column=names[time[0]],
            hint="Write ISO 8601 (2024-01-31T00:00:00Z) or milliseconds since 1970.",
        )
    return style


def _format_name(plain: set[str], *, metatrader: bool) -> str:
    for name, marks in (
        ("bt-run CSV", {"opentime", "quotevolume", "takerbuyvolume", "trades"}),
        ("Binance klines with header", {"opentime", "closetime"}),
        ("CryptoDataDownload", {"symbol", "date"}),
        ("Yahoo CSV", {"adjclose", "date"}),
    ):
        if marks <= plain:
            return name
    return "MetaTrader CSV" if metatrader else "CSV with header"


def _refuse_half_header(lines: Sequence[str]) -> None:
    """Refuse a file whose header names some of the prices but not all, or names them apart by something odd."""
    for number, line in enumerate(lines[:_HEADER_WITHIN]):
        if len(price_names(re.split(r"\W+", line))) == len(PRICES):
            raise DataError(
                "The columns are not set apart by commas, semicolons, tabs or bars.",
                line=number + 1,
                hint="Save the file with commas.",
            )
        for delimiter in DELIMITERS:
            cells = split_line(line, delimiter)
            if len(price_names(cells)) >= len(PRICES) // 2:
                try:
                    find_columns(cells, [])
                except DataError as error:
                    error.line = number + 1
                    raise
