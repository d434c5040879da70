"""Write a capture to the disk so that a killed process loses at most a second."""

from __future__ import annotations

import errno
import gzip
import re
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bt_run.core.atomic import replacing
from bt_run.core.clock import iso_utc
from bt_run.core.errors import ConfigError
from feeds.recording.capture_line import write_line
from feeds.wire.stream_events import Started

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bt_run.core.venue import Market
    from feeds.wire.stream_events import StreamEvent

__all__ = ["FLUSH_MS", "CaptureWriter", "write_capture"]

FLUSH_MS = 1_000
"""How long what was written may stay in memory."""

_GZIP_WINDOW = 31
_NAMED_SYMBOLS = 4
_DAY_MS = 86_400_000


class CaptureWriter:
    """
    Write events to files in a folder; a new file begins when one is large enough, and with each day (UTC).

    Files are called ``BTCUSDT-ETHUSDT-20240131T120000.jsonl.gz`` (``BTCUSDT-futures-...``) by the receive
    time of their first event. Each begins with a `Started`. `write` flushes when a second has passed since
    the last flush, by the receive times; whoever owns the writer calls `flush` once a second too, for the
    time when nothing comes. Then a killed process loses at most a second.

    Args:
        folder: Made when the first event is written, if it is not there.
        symbols: For the files' names.
        streams: Told in each file's first line.
        market: Told in each file's first line.
        max_bytes: Size on the disk from which on a new file begins, > 0.
    """

    def __init__(
        self,
        folder: Path,
        *,
        symbols: Sequence[str],
        streams: Sequence[str],
        market: Market = "spot",
        max_bytes: int = 256 << 20,
    ) -> None:
        self._folder = folder
        self._stem = _stem(symbols, market)
        self._streams = tuple(streams)
        self._market: Market = market
        self._max_bytes = max_bytes
        self._file: _PackedFile | None = None
        self._day = self._flushed_ms = 0

    @property
    def path(self) -> Path | None:
        """The file that is written now; None before the first event and after `close`."""
        return None if self._file is None else self._file.path

    def write(self, event: StreamEvent) -> None:
        """
        Write one event.

        Raises:
            ConfigError: the folder cannot be written to, or its disk is full; what was flushed can be read.
        """
        with self._explained():
            file = self._file
            if file is None or self._is_due(file, event.receive_ms):
                file = self._start_file(event.receive_ms)
            file.put(event)
            # A clock that is set back must not stop the flushing.
            if abs(event.receive_ms - self._flushed_ms) >= FLUSH_MS:
                file.flush()
                self._flushed_ms = event.receive_ms

    def flush(self) -> None:
        """Bring everything written so far to the disk. Raises ConfigError, as `write` does."""
        with self._explained():
            if self._file is not None:
                self._file.flush()

    def close(self) -> None:
        """Finish the file. Writing afterwards begins a new one. Raises ConfigError, as `write` does."""
        with self._explained():
            file, self._file = self._file, None
            if file is not None:
                file.close()

    def _is_due(self, file: _PackedFile, time_ms: int) -> bool:
        return time_ms // _DAY_MS != self._day or file.size >= self._max_bytes

    def _start_file(self, time_ms: int) -> _PackedFile:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = file = _PackedFile(_open_new(self._folder, f"{self._stem}-{_compact_time(time_ms)}"))
        self._day, self._flushed_ms = time_ms // _DAY_MS, time_ms
        file.put(Started(time_ms, self._market, self._streams))
        file.flush()
        return file

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            file, self._file = self._file, None
            if file is not None:
                file.abandon()
            reason = (error.strerror or str(error)).lower()
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                reason = "no space is left on its disk; what was written before can be read"
            raise ConfigError(f"The capture in {self._folder} stopped: {reason}.") from error


class _PackedFile:
    """A gzip file of event lines that can be read up to its last flush, whatever happens afterwards."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._packer = zlib.compressobj(wbits=_GZIP_WINDOW)
        self._dirty = False

    @property
    def path(self) -> Path:
        return Path(self._file.name)

    @property
    def size(self) -> int:
        return self._file.tell()

    def put(self, event: StreamEvent) -> None:
        self._file.write(self._packer.compress(write_line(event).encode() + b"\n"))
        self._dirty = True

    def flush(self) -> None:
        if self._dirty:
            self._file.write(self._packer.flush(zlib.Z_SYNC_FLUSH))
            self._file.flush()
            self._dirty = False

    def close(self) -> None:
        with self._file:
            self._file.write(self._packer.flush(zlib.Z_FINISH))

    def abandon(self) -> None:
        """Close the file as it is; what is still in memory cannot be written."""
        with suppress(OSError):
            self._file.close()


def write_capture(path: Path, events: Iterable[StreamEvent]) -> None:
    """
    Write events that are all there to one file, whole or not at all; in gzip where its name ends in ``.gz``.

    Raises:
        ConfigError: the folder cannot be written to, or its disk is full.
    """
    lines = "".join(f"{write_line(event)}\n" for event in events).encode()
    with replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)


def _stem(symbols: Sequence[str], market: Market) -> str:
    named = [re.sub(r"\W", "", symbol) for symbol in symbols[:_NAMED_SYMBOLS]] or ["ALL"]
    more = [f"and-{len(symbols) - _NAMED_SYMBOLS}-more"] if len(symbols) > _NAMED_SYMBOLS else []
    return "-".join([*named, *more, *(["futures"] if market == "futures" else [])])


def _compact_time(time_ms: int) -> str:
    return re.sub(r"[-:Z]|\.\d+", "", iso_utc(time_ms))


def _open_new(folder: Path, name: str) -> IO[bytes]:
    """Open a file that is not there yet, also where another capture chose the same second."""
    number = 1
    while True:
        path = folder / f"{name}{'' if number == 1 else f'-{number}'}.jsonl.gz"
        try:
            return path.open("xb")
        except FileExistsError:
            number += 1
