"""Turn a recording of wscat into a capture, or into a file of its closed bars."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError, DataError, FrameError
from feeds.csv_writer import BAR_ENDINGS, write_bars
from feeds.recording.capture_bars import choose_bars
from feeds.recording.capture_file import CAPTURE_ENDINGS
from feeds.recording.capture_series import collect_series
from feeds.recording.capture_writer import write_capture
from feeds.recording.wscat import parse_wscat
from feeds.wire.stream_events import Started

if TYPE_CHECKING:
    from pathlib import Path

    from bt_run.core.interval import Interval
    from bt_run.core.venue import Market
    from feeds.recording.wscat import Recording

__all__ = ["WscatImport", "import_wscat"]

_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class WscatImport:
    """
    What an import did.

    `frames` were read from `streams` (names, in order of appearance), from `first_ms` to `last_ms` (ms since
    1970 UTC). `bars` is how many closed bars were written, None for a capture. `torn` tells that the last
    line was cut short and left out; `warnings` say what the bars miss.
    """

    frames: int
    streams: tuple[str, ...]
    first_ms: int
    last_ms: int
    torn: bool
    bars: int | None = None
    symbol: str = ""
    interval: Interval | None = None
    warnings: tuple[str, ...] = ()


def import_wscat(
    path: Path,
    out: Path,
    *,
    symbol: str | None = None,
    interval: Interval | None = None,
    market: Market = "spot",
) -> WscatImport:
    """
    Read a recording and write it as a capture, or write its closed bars.

    Args:
        path: The recording, plain or in gz.
        out: Its ending chooses: ``.jsonl.gz`` and ``.jsonl`` are captures; ``.csv``, ``.csv.gz`` and
            ``.parquet`` hold bars. A file that is there is replaced.
        symbol: Of the bars, where the recording holds several.
        interval: Of the bars, where the recording holds several, or only trades.
        market: Which market was recorded.

    Raises:
        DataError: no recording of wscat, without a frame, or without a closed bar; names file and line.
        ConfigError: an ending that is none of these, the recording itself, or a choice that is open.
    """
    if out.resolve() == path.resolve():
        raise ConfigError(f"{out} is the recording itself. Give another file to write.")
    as_capture = out.name.endswith(CAPTURE_ENDINGS)
    if not as_capture and not out.name.endswith(BAR_ENDINGS):
        listed = ", ".join((*CAPTURE_ENDINGS, *BAR_ENDINGS))
        raise ConfigError(f"{out} does not tell the form of the file. End it in one of {listed}.")
    recording = _read(path)
    frames = recording.frames
    streams = tuple(dict.fromkeys(frame.stream for frame in frames if frame.stream))
    done = WscatImport(len(frames), streams, frames[0].receive_ms, frames[-1].receive_ms, recording.torn)
    started = Started(frames[0].receive_ms, market, streams)
    if as_capture:
        write_capture(out, [started, *frames])
        return done
    found = collect_series([started, *frames], symbol=symbol)
    made = choose_bars(found, path, symbol=symbol, interval=interval)
    write_bars(out, made.bars)
    return replace(
        done, bars=len(made.bars), symbol=made.symbol, interval=made.interval, warnings=made.warnings
    )


def _read(path: Path) -> Recording:
    try:
        raw = path.read_bytes()
        text = gzip.decompress(raw) if raw.startswith(_GZIP) else raw
    except FileNotFoundError:
        raise DataError("There is no such file.", path=path) from None
    except (EOFError, zlib.error) as error:
        raise DataError("The gzip data is cut short or damaged.", path=path) from error
    except OSError as error:
        raise DataError(
            f"The file cannot be read: {(error.strerror or str(error)).lower()}.", path=path
        ) from error
    encoding = "utf-16" if text.startswith(_UTF16) else "utf-8-sig"
    try:
        recording = parse_wscat(text.decode(encoding, errors="replace").splitlines())
    except FrameError as error:
        error.path = path
        error.problem = f"This is not a line of a wscat recording: {error.problem}"
        raise
    if not recording.frames:
        raise DataError("The recording holds no frame of market data.", path=path)
    return recording
