"""
Parse a text table block by block, on two threads, straight into columns of floats.

Arrow parses every block of a short file, and of a long one those that are not plain numbers: machine code of
ours parses the others (`feeds.table.plain_lines`), to the same floats.
"""

from __future__ import annotations

import sys
from array import array
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from feeds.table.buffer import append_floats
from feeds.table.plain_lines import POWERS, compiled_parser, rows_at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.core.market import FloatArray, IntArray
    from feeds.table.content import Content
    from feeds.table.layout import Layout
    from feeds.table.plain_lines import Parse

__all__ = ["NULLS", "Cells", "read_cells"]

NULLS = ("", "NULL", "Null", "null", "NaN", "NAN", "nan", "NA", "N/A", "None", "none")
"""What files write where they have no value."""

_BLOCK_BYTES = 1 << 19
_LONG_BYTES, _LONG_BYTES_WITH_NUMBA = 1 << 28, 1 << 26
_THREADS = 2
_BLOCKS_AT_ONCE = 2 * _THREADS + 1


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
    parser = _plain_parser(content, layout, types)
    waiting: deque[Any] = deque()
    with content.open() as stream, ThreadPoolExecutor(max_workers=_THREADS) as pool:
        for number, block in enumerate(_blocks(stream)):
            skip = layout.skip if number == 0 else 0
            waiting.append(pool.submit(_parse, block, layout, types, skip, None if skip else parser))
            if len(waiting) == _BLOCKS_AT_ONCE:
                _take(waiting.popleft().result(), cells, layout)
        while waiting:
            _take(waiting.popleft().result(), cells, layout)
    return cells


@dataclass(slots=True, eq=False)
class _Block:
    """
    A piece of the file that ends with a line: the first `size` bytes of `text`, and room for its numbers.

    The memory is used again some pieces later; taking new memory for each costs as much as reading the file.
    """

    text: bytearray
    size: int = 0
    floats: FloatArray | None = None

    def bytes(self) -> bytes:
        return bytes(memoryview(self.text)[: self.size])


@dataclass(frozen=True, slots=True, eq=False)
class _PlainParser:
    """Machine code for one layout: `places` gives each cell of a line its row in the result, -1 for none."""

    parse: Parse
    delimiter: int
    places: IntArray

    def columns(self, block: _Block) -> dict[int, FloatArray] | None:
        """Parse a block into one array a wanted cell, by position; None where it is not plain."""
        if block.text[block.size - 1] != ord("\n"):
            return None
        if block.floats is None:
            room = rows_at_most(len(block.text), self.places)
            block.floats = np.empty((int(self.places.max()) + 1, room))
        text = np.frombuffer(block.text, dtype=np.uint8)[: block.size]
        rows = self.parse(text, self.delimiter, self.places, POWERS, block.floats)
        if rows < 0:
            return None
        return {int(cell): block.floats[self.places[cell], :rows] for cell in np.flatnonzero(self.places >= 0)}


def _least_bytes() -> int:
    """
    Say from what size on machine code saves more than it costs.

    Numba takes 0.3 s and 100 MiB to start; not again where a run has it already for something else.
    """
    return _LONG_BYTES_WITH_NUMBA if "numba" in sys.modules else _LONG_BYTES


def _plain_parser(content: Content, layout: Layout, types: dict[int, Any]) -> _PlainParser | None:
    """Give machine code for a long table of nothing but numbers; None for any other."""
    size = content.path.stat().st_size if content.body is None else len(content.body)
    if size < _least_bytes() or layout.decimal != "." or not all(map(pa.types.is_floating, types.values())):
        return None
    parse = compiled_parser()
    if parse is None:
        return None
    places = np.full(len(layout.names), -1, dtype=np.int64)
    for row, place in enumerate(types):
        places[place] = row
    return _PlainParser(parse, ord(layout.delimiter), places)


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


def _blocks(stream: IO[bytes]) -> Iterator[_Block]:
    """Give the file in pieces; the memory of each is used again after `_BLOCKS_AT_ONCE` more."""
    blocks = deque(_Block(bytearray(_BLOCK_BYTES)) for _ in range(_BLOCKS_AT_ONCE + 1))
    rest = b""
    while True:
        block = blocks.popleft()
        if len(block.text) < 2 * len(rest):  # a line longer than any before it
            block = _Block(bytearray(2 * len(rest)))
        block.text[: len(rest)] = rest
        end = len(rest)
        with memoryview(block.text) as room:
            while end < len(room) and (count := stream.readinto(room[end:])):  # type: ignore[attr-defined]  # of both
                end += count
        is_last = end < len(block.text)
        block.size = end if is_last else block.text.rfind(b"\n", 0, end) + 1
        rest = bytes(memoryview(block.text)[block.size : end])
        if not block.size:  # not one whole line: its turn is not over
            blocks.appendleft(block)
        else:
            yield block
            blocks.append(block)
        if is_last:
            return


def _parse(block: _Block, layout: Layout, types: dict[int, Any], skip: int, parser: _PlainParser | None) -> Any:
    """Give the columns of a block: a dict of arrays, an Arrow table, or None where it holds nothing."""
    if parser is not None and (columns := parser.columns(block)) is not None:
        return columns
    text = block.bytes()
    return None if text.isspace() else _parse_by_arrow(text, layout, types, skip)


def _parse_by_arrow(block: bytes, layout: Layout, types: dict[int, Any], skip: int) -> Any:
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


def _take(found: Any, cells: Cells, layout: Layout) -> None:
    if found is None:
        return
    if isinstance(found, dict):
        for place, values in found.items():
            cells.floats[place].frombytes(values.data.cast("B"))
        return
    for place, buffer in cells.floats.items():
        for chunk in found.column(str(place)).chunks:
            append_floats(buffer, chunk)
    for place, pieces in cells.times.items():
        pieces.extend(found.column(str(place)).chunks)
    if layout.symbol_column is not None:
        symbols = found.column(str(layout.symbol_column)).unique().to_pylist()
        cells.symbols.update(str(symbol) for symbol in symbols)
