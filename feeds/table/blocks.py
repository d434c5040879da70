"""Parse a text table block by block, on two threads, straight into columns of floats."""

from __future__ import annotations

from array import array
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pacsv

from feeds.table.buffer import append_floats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feeds.table.content import Content
    from feeds.table.layout import Layout

__all__ = ["NULLS", "Cells", "read_cells"]

NULLS = ("", "NULL", "Null", "null", "NaN", "NAN", "nan", "NA", "N/A", "None", "none")
"""What files write where they have no value."""

_BLOCK_BYTES = 1 << 19
_THREADS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """
    The cells that bars need, by position of the column.

    `floats` holds every numeric column, NaN for no value; `times` the time columns that are no numbers, as
    Arrow arrays in pieces; `symbols` the different values of the symbol column.
    """

    floats: dict[int, array[float]]
    times: dict[int, list[Any]]
    symbols: set[str] = field(default_factory=set)


def read_cells(content: Content, layout: Layout) -> Cells:
    """
    Read the cells that `layout` asks for. Numbers are rounded as Python's float() rounds them.

    Raises:
        pyarrow.ArrowInvalid: a cell is not what its column holds, or a line has too few or too many cells.
    """
    types = _types(layout)
    cells = Cells(
        floats={place: array("d") for place, kind in types.items() if pa.types.is_floating(kind)},
        times={place: [] for place in layout.time if not pa.types.is_floating(types[place])},
    )
    waiting: deque[Any] = deque()
    with content.open() as stream, ThreadPoolExecutor(max_workers=_THREADS) as pool:
        for number, block in enumerate(_blocks(stream)):
            waiting.append(pool.submit(_parse, block, layout, types, layout.skip if number == 0 else 0))
            if len(waiting) > 2 * _THREADS:
                _take(waiting.popleft().result(), cells, layout)
        while waiting:
            _take(waiting.popleft().result(), cells, layout)
    return cells


def _types(layout: Layout) -> dict[int, Any]:
    apart = len(layout.time) > 1
    time_type = {
        "number": pa.float64(),
        "iso": pa.timestamp("ns"),
        "zoned": pa.timestamp("ns", "UTC"),
        "pattern": pa.string(),
    }[layout.time_style.kind]
    types = dict.fromkeys(layout.columns.values(), pa.float64())
    types |= dict.fromkeys(layout.time, pa.string() if apart else time_type)
    if layout.symbol_column is not None:
        types[layout.symbol_column] = pa.dictionary(pa.int32(), pa.string())
    return types


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Give the file in pieces that end with a line."""
    rest = b""
    while piece := stream.read(_BLOCK_BYTES):
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield rest + piece[:cut]
            rest = piece[cut:]
        else:
            rest += piece
    if rest:
        yield rest


def _parse(block: bytes, layout: Layout, types: dict[int, Any], skip: int) -> Any:
    if block.isspace():
        return None
    return pacsv.read_csv(
        pa.BufferReader(block),
        memory_pool=pa.system_memory_pool(),
        read_options=pacsv.ReadOptions(
            column_names=[str(place) for place in range(len(layout.names))],
            skip_rows=skip,
            use_threads=False,
            block_size=len(block) + 1,
        ),
        parse_options=pacsv.ParseOptions(delimiter=layout.delimiter),
        convert_options=pacsv.ConvertOptions(
            include_columns=[str(place) for place in types],
            column_types={str(place): kind for place, kind in types.items()},
            null_values=list(NULLS),
            decimal_point=layout.decimal,
        ),
    )


def _take(table: Any, cells: Cells, layout: Layout) -> None:
    if table is None:
        return
    for place, buffer in cells.floats.items():
        for chunk in table.column(str(place)).chunks:
            append_floats(buffer, chunk)
    for place, pieces in cells.times.items():
        pieces.extend(table.column(str(place)).chunks)
    if layout.symbol_column is not None:
        symbols = table.column(str(layout.symbol_column)).unique().to_pylist()
        cells.symbols.update(str(symbol) for symbol in symbols)
