"""
Read captures: recorded events, one a line (`feeds.recording.capture_line`), in gzip or plain.

A capture is one file or a folder of them. What a killed process left behind is read up to its last flush.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

from bt_run.core.errors import DataError, FrameError
from feeds.quality import show_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from feeds.wire.stream_events import StreamEvent

__all__ = ["CAPTURE_ENDINGS", "CaptureReader", "find_capture_files", "is_capture"]

CAPTURE_ENDINGS = (".jsonl.gz", ".jsonl")
"""What the name of a capture ends in; its first bytes tell whether it is packed."""

_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31
_CHUNK = 1 << 16
_HINT = "What wscat recorded is turned into a capture by: bt-run data import-wscat FILE."


class CaptureReader:
    """
    The events of a capture, oldest file first, each file in its order: ``for event in reader``.

    `place` is file and line (from 1) of the event given last. `warnings` grow while it is read: a file whose
    end is missing, because the process was killed or still writes to it, is read as far as it goes.

    Raises:
        DataError: no capture, or damaged before its end; names file and line.
    """

    def __init__(self, path: Path) -> None:
        self.files = find_capture_files(path)
        self.place: tuple[Path, int] = (path, 0)
        self.warnings: list[str] = []

    def __iter__(self) -> Iterator[StreamEvent]:
        for path in self.files:
            yield from self._read_file(path)

    def _read_file(self, path: Path) -> Iterator[StreamEvent]:
        unpacker, rest, last_ms = _Unpacker(path), b"", None
        self.place = (path, 0)
        for chunk in unpacker.chunks():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.place = (path, self.place[1] + 1)
                event = _parse(line, self.place)
                last_ms = event.receive_ms
                yield event
        if rest and _is_json(rest):
            self.place = (path, self.place[1] + 1)
            event = _parse(rest, self.place)
            last_ms, rest = event.receive_ms, b""
            yield event
        if rest or not unpacker.finished:
            until = "it holds nothing" if last_ms is None else f"it was read up to {show_time(last_ms)}"
            self.warnings.append(f"the end of {path.name} is missing, as after a kill: {until}")


class _Unpacker:
    """The unpacked bytes of a file; `finished` tells afterwards whether the file had its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.finished = True

    def chunks(self) -> Iterator[bytes]:
        """Give the bytes in pieces. Raises DataError where they cannot be unpacked."""
        try:
            with self._path.open("rb") as stream:
                first = stream.read(_CHUNK)
                pieces = iter(lambda: stream.read(_CHUNK), b"")
                if not first.startswith(_GZIP):
                    yield first
                    yield from pieces
                    return
                yield from self._unpack(first, pieces)
        except zlib.error as error:
            raise DataError("The gzip data is damaged.", path=self._path, hint=f"({error})") from error
        except FileNotFoundError:
            raise DataError("There is no such file.", path=self._path) from None
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise DataError(f"The file cannot be read: {reason}.", path=self._path) from error

    def _unpack(self, first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(wbits=_GZIP_WINDOW)
        self.finished = False
        packed = first
        while packed:
            yield unpacker.decompress(packed)
            packed = unpacker.unused_data
            self.finished = unpacker.eof
            if unpacker.eof:
                unpacker = zlib.decompressobj(wbits=_GZIP_WINDOW)
            packed = packed or next(pieces, b"")


def is_capture(path: Path) -> bool:
    """Tell by the name whether this is a capture: a ``.jsonl`` or ``.jsonl.gz`` file, or a folder with some."""
    return any(map(_is_named, path.iterdir())) if path.is_dir() else _is_named(path)


def find_capture_files(path: Path) -> list[Path]:
    """
    Give the files of a capture, oldest first by the time of their first event; files without any come first.

    Raises:
        DataError: no such file, a folder without captures, or a file that is none.
    """
    files = sorted(filter(_is_named, path.iterdir())) if path.is_dir() else [path]
    if not files:
        raise DataError("The folder holds no capture (.jsonl or .jsonl.gz).", path=path)
    return sorted(files, key=lambda one: (_first_time(one), one.name))


def _first_time(path: Path) -> int:
    head, unpacker = b"", _Unpacker(path)
    for chunk in unpacker.chunks():
        head += chunk
        if b"\n" in head:
            break
    if b"\n" not in head and (not head or not unpacker.finished):
        return 0
    return _parse(head.partition(b"\n")[0], (path, 1)).receive_ms


def _parse(line: bytes, place: tuple[Path, int]) -> StreamEvent:
    from feeds.recording.capture_line import parse_line  # noqa: PLC0415  # to tell that a file is none needs less

    try:
        return parse_line(line.decode())
    except FrameError as error:
        error.path, error.line = place
        error.hint += f" {_HINT}" if place[1] == 1 else ""
        raise
    except UnicodeDecodeError as error:
        raise DataError("This is not a line of a capture.", path=place[0], line=place[1]) from error


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _is_named(path: Path) -> bool:
    return path.name.endswith(CAPTURE_ENDINGS) and not path.name.startswith(".")
