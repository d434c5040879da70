"""Read feather and Parquet tables into arrays."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from bt_run.core.errors import DataError
from feeds.table.buffer import append_floats, floats_of
from feeds.table.columns import find_columns
from feeds.table.raw import RawBars
from feeds.table.timestamps import arrow_ms, epoch_ms, find_time_style

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray, IntArray
    from feeds.table.content import Content

__all__ = ["read_arrow"]


def read_arrow(content: Content) -> RawBars:
    """
    Read a feather or Parquet table; the columns are found by name, as in a CSV with a header.

    Times may be timestamps (without zone: UTC), dates, numbers since 1970, or ISO texts. Errors count rows
    from 1, because such a file has no lines.

    Raises:
        DataError: damaged, a column is missing, or holds something else than numbers.
    """

    def fault(row: int, problem: str, column: str = "") -> DataError:
        return DataError(f"row {row + 1}: {problem}", path=content.path, column=names.get(column))

    names: dict[str, str] = {}
    table = _read_table(content)
    first = [str(value) for value in table.slice(0, 1).to_pydict().values() for value in value]
    try:
        found = find_columns(table.column_names, first)
    except DataError as error:
        error.path = content.path
        raise
    if not table.num_rows:
        raise DataError("The file has no bars.", path=content.path)
    names.update({column: table.column_names[place] for column, place in found.bars.items()})
    times = _times(table.column(found.time[0]), fault, content, table.column_names[found.time[0]])
    columns = {}
    for column, name in names.items():
        if not (pa.types.is_floating(table.column(name).type) or pa.types.is_integer(table.column(name).type)):
            problem = f"The column holds {table.column(name).type}, not numbers."
            raise DataError(problem, path=content.path, column=name)
        columns[column] = _floats(table.column(name))
    symbol = None if found.symbol is None else first[found.symbol]
    return RawBars(times, columns, content.kind, symbol, found.times_are, fault)


def _read_table(content: Content) -> Any:
    source = str(content.path) if content.body is None else pa.BufferReader(content.body)
    try:
        if content.kind == "parquet":
            return pyarrow.parquet.read_table(source, memory_map=False)
        return pyarrow.feather.read_table(source, memory_map=False)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"The {content.kind} file is cut short or damaged.", path=content.path, hint="Download it again."
        ) from error


def _times(column: Any, fault: Any, content: Content, name: str) -> IntArray:
    kind = column.type
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("ms"))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _read_texts(column, content, name)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return epoch_ms(_floats(column), fault)
    if not pa.types.is_timestamp(column.type):
        raise DataError(f"The column holds {kind}, not times.", path=content.path, column=name)
    return arrow_ms(column, fault)


def _read_texts(column: Any, content: Content, name: str) -> Any:
    style = find_time_style(column[0].as_py() or "")
    zone = "UTC" if style is not None and style.kind == "zoned" else None
    try:
        return column.cast(pa.timestamp("ns", zone))
    except pa.ArrowException as error:
        raise DataError(
            f"The column holds texts that are not all ISO 8601 times: {error}.", path=content.path, column=name
        ) from error


def _floats(column: Any) -> FloatArray:
    """Copy an Arrow column of numbers; null becomes NaN."""
    buffer = array("d")
    for chunk in column.cast(pa.float64()).chunks:
        append_floats(buffer, chunk)
    return floats_of(buffer)
