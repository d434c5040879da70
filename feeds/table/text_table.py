"""Read a text table into arrays, and find the place of a fault by a slow second look."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from bt_run.core.errors import DataError
from feeds.formats import recognise
from feeds.table.blocks import NULLS, read_cells
from feeds.table.buffer import floats_of
from feeds.table.layout import split_line
from feeds.table.raw import RawBars
from feeds.table.timestamps import arrow_ms, epoch_ms, find_time_style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.core.market import IntArray
    from feeds.table.blocks import Cells
    from feeds.table.content import Content
    from feeds.table.layout import Layout

__all__ = ["read_text"]

_SHOWN = 40


def read_text(content: Content) -> RawBars:
    """
    Read a text table of any format that `feeds.formats` recognises.

    Raises:
        DataError: the format is not known, or a cell cannot be read; names line and column.
    """
    try:
        layout = recognise(_first_lines(content))
    except DataError as error:
        error.path = content.path
        raise
    try:
        cells = read_cells(content, layout)
    except pa.ArrowException as error:
        raise _find_fault(content, layout, error) from error

    def fault(row: int, problem: str, column: str = "") -> DataError:
        place = layout.columns.get(column)
        name = None if place is None else layout.names[place]
        return DataError(problem, path=content.path, line=_line_of(content, layout, row), column=name)

    if len(cells.symbols) > 1:
        listed = ", ".join(sorted(cells.symbols)[:5])
        raise DataError(
            f"The file holds {len(cells.symbols)} markets ({listed}).",
            path=content.path,
            hint="bt-run reads one market a file: split it.",
        )
    times = _times(cells, layout, fault)
    if not len(times):
        raise DataError("The file has a header but no bars.", path=content.path)
    columns = {column: floats_of(cells.floats[place]) for column, place in layout.columns.items()}
    return RawBars(times, columns, layout.format, layout.symbol, layout.times_are, fault)


def _first_lines(content: Content) -> list[str]:
    text = content.head.decode("utf-8-sig", errors="replace")
    lines = re.split(r"\r\n|\n|\r", text)
    return lines if content.complete or len(lines) == 1 else lines[:-1]


def _times(cells: Cells, layout: Layout, fault: Any) -> IntArray:
    first = layout.time[0]
    if first in cells.floats:
        values = floats_of(cells.floats.pop(first))
        return epoch_ms(values, fault, mixed_units=layout.mixed_units)
    column = pa.chunked_array(cells.times[first])
    if pa.types.is_timestamp(column.type):
        return arrow_ms(column, fault)
    import pyarrow.compute as pc  # noqa: PLC0415  # takes longer to load than most files to read

    texts = pc.utf8_trim_whitespace(column)
    if len(layout.time) > 1:
        clock = pc.utf8_trim_whitespace(pa.chunked_array(cells.times[layout.time[1]]))
        texts = pc.binary_join_element_wise(texts, clock, " ")
    return _times_by_pattern(texts, layout, fault)


def _times_by_pattern(texts: Any, layout: Layout, fault: Any) -> IntArray:
    import pyarrow.compute as pc  # noqa: PLC0415  # as above

    patterns = layout.time_style.patterns or _iso_patterns(texts[0].as_py())
    read = [pc.strptime(texts, format=pattern, unit="s", error_is_null=True) for pattern in patterns]
    whole = [times for times in read if not times.null_count]
    if len(whole) == 1:
        return arrow_ms(whole[0], fault)
    name = repr(layout.names[layout.time[0]])
    if whole:
        raise DataError(
            f"The dates in column {name} can be read day first or month first; no day is above 12.",
            path=fault(0, "").path,
            hint="Write them as 2024-01-31.",
        )
    best = min(read, key=lambda times: times.null_count)
    row = int(np.argmax(best.is_null().to_numpy(zero_copy_only=False)))
    raise fault(
        row, f"column {name} holds {texts[row].as_py()!r}, which is not a time like the ones before it."
    )


def _iso_patterns(text: str) -> tuple[str, ...]:
    """Give the pattern of a date and a clock that stand in two columns."""
    return ("%Y-%m-%d %H:%M:%S",) if text.count(":") == 2 else ("%Y-%m-%d %H:%M",)


def _data_lines(content: Content, layout: Layout) -> Iterator[tuple[int, str]]:
    """Give the rows as text with their line numbers, as an editor counts them; empty lines are no rows."""
    with content.open() as stream:
        for number, line in enumerate(stream, start=1):
            text = line.decode("utf-8", errors="replace").rstrip("\r\n")
            if number > layout.skip and text:
                yield number, text


def _line_of(content: Content, layout: Layout, row: int) -> int | None:
    for position, (number, _) in enumerate(_data_lines(content, layout)):
        if position == row:
            return number
    return None


def _find_fault(content: Content, layout: Layout, error: Exception) -> DataError:
    """Find the cell that the fast reader stumbled over, and say it in the file's own terms."""
    for number, line in _data_lines(content, layout):
        cells = split_line(line, layout.delimiter)
        if len(cells) != len(layout.names):
            return DataError(
                f"The line has {len(cells)} columns, but the file has {len(layout.names)}.",
                path=content.path,
                line=number,
                hint="It may be cut short: remove the line, or download the file again.",
            )
        for place in layout.columns.values():
            if not _is_number(cells[place], layout.decimal):
                return _bad_cell(content, layout, number, place, f"{cells[place][:_SHOWN]!r} is not a number.")
        text = " ".join(cells[place] for place in layout.time)
        style = find_time_style(text)
        if style is None or style.kind != layout.time_style.kind:
            problem = f"{text[:_SHOWN]!r} is not a time like the ones before it."
            return _bad_cell(content, layout, number, layout.time[0], problem)
    return DataError(f"The file cannot be read as a table: {error}", path=content.path)


def _bad_cell(content: Content, layout: Layout, line: int, place: int, problem: str) -> DataError:
    return DataError(problem, path=content.path, line=line, column=layout.names[place])


def _is_number(cell: str, decimal: str) -> bool:
    if cell in NULLS:
        return True
    try:
        float(cell.replace(decimal, "."))
    except ValueError:
        return False
    return "_" not in cell
