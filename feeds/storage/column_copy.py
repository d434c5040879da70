"""
A copy of all columns of a long series in one file, which a run maps into memory instead of reading it.

The month files are the store; this is made of them and lies beside them. Decoding them takes half a second of
4.5 million bars, and memory for columns that the run never looks at.

A copy can be old, torn or damaged, so it is believed only where two things hold: it was made of the very month
files that are there now (name, size, time of change, inode), and its columns have the digest that the bars had
when they were decoded. A run takes that digest of its bars anyway. What is not believed is made anew.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import shutil
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from bt_run.core.atomic import replacing
from bt_run.core.errors import ConfigError
from bt_run.core.market import BAR_COLUMNS, Bars

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["COPY_NAME", "Sources", "read_copy", "sources_of", "write_copy"]

COPY_NAME = "columns.copy"

Sources = dict[str, list[int]]
"""What tells one state of the month files from another: by name their size, time of change (ns) and inode."""

_LONG_BARS = 500_000  # each takes 80 bytes of the disk
_MAGIC = b"bt-run columns 1\n"
_PAGE = 4096
_AT_ONCE = 1 << 20
_SPARE = 4  # so many times its size must be free on the disk


def sources_of(months: Iterable[Path]) -> Sources:
    """Tell which month files these are now; nothing, which no copy is made of, where one is gone already."""
    try:
        states = {path.name: path.stat() for path in months}
    except FileNotFoundError:
        return {}
    return {name: [state.st_size, state.st_mtime_ns, state.st_ino] for name, state in states.items()}


def read_copy(folder: Path, sources: Sources) -> tuple[Bars, str] | None:
    """
    Map the bars of a series from its copy, and give their digest; None where no copy is to be believed.

    Args:
        folder: Of the series.
        sources: The month files that are there now.
    """
    try:
        with (folder / COPY_NAME).open("rb") as stream:
            header, first = _read_header(stream)
            rows, size = header["rows"], os.fstat(stream.fileno()).st_size
            if header["months"] != sources or size != first + len(BAR_COLUMNS) * _stride(rows):
                return None
            if _digest(stream, first, rows) != header["sha256"]:
                return None
            # Nobody writes to it, but numba takes arrays that cannot be written to for another type.
            mapped = mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_COPY)
    except (OSError, ValueError, KeyError, TypeError):  # not there, or no header of ours
        return None
    columns = (
        np.frombuffer(mapped, "<i8" if name == "open_time" else "<f8", rows, first + number * _stride(rows))
        for number, name in enumerate(BAR_COLUMNS)
    )
    return Bars(*columns), header["sha256"]


def write_copy(folder: Path, sources: Sources, bars: Bars, sha256: str) -> None:
    """
    Copy all bars of a series, where they are many and there is room.

    Without it everything works, only slower: a full disk, or a store that may only be read, is no error.

    Args:
        folder: Of the series.
        sources: The month files that the bars were read from.
        bars: All of them.
        sha256: Their digest, that of `feeds.history.digest_of`.
    """
    stride = _stride(len(bars))
    if len(bars) < _LONG_BARS or not sources:
        return
    with suppress(OSError, ConfigError):
        if shutil.disk_usage(folder).free < _SPARE * len(BAR_COLUMNS) * stride:
            return
        with replacing(folder / COPY_NAME) as temporary, temporary.open("wb") as stream:
            stream.write(_header(sources, len(bars), sha256))
            for name in BAR_COLUMNS:
                values = getattr(bars, name)
                stream.write(values.astype(values.dtype.newbyteorder("<"), copy=False).data)
                stream.write(bytes(stride - 8 * len(bars)))


def _stride(rows: int) -> int:
    """Give the bytes from the beginning of one column to that of the next: whole pages."""
    return -(-8 * rows // _PAGE) * _PAGE


def _header(sources: Sources, rows: int, sha256: str) -> bytes:
    text = json.dumps({"rows": rows, "sha256": sha256, "months": sources}).encode() + b"\n"
    return _MAGIC + text + bytes(-(len(_MAGIC) + len(text)) % _PAGE)


def _read_header(stream: IO[bytes]) -> tuple[dict[str, Any], int]:
    """Give what the header says, and where the columns begin. Raises ValueError where it is none of ours."""
    if stream.readline(len(_MAGIC)) != _MAGIC:
        raise ValueError("not a copy of columns")
    header: dict[str, Any] = json.loads(stream.readline(_AT_ONCE))
    return header, -(-stream.tell() // _PAGE) * _PAGE


def _digest(stream: IO[bytes], first: int, rows: int) -> str:
    """Give the sha256 of the columns, read piece by piece: mapped, all of them would take memory."""
    found = hashlib.sha256()
    for number in range(len(BAR_COLUMNS)):
        stream.seek(first + number * _stride(rows))
        for at in range(0, 8 * rows, _AT_ONCE):
            found.update(stream.read(min(_AT_ONCE, 8 * rows - at)))
    return found.hexdigest()
