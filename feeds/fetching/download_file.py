"""
Download series into files of their own, and extend them later.

The bars come into a small hidden store beside the files first, part by part, so that a download that broke off
goes on where it was. A file itself changes once, at the end, whole or not at all.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.atomic import check_target
from bt_run.core.clock import iso_utc
from bt_run.core.errors import BtRunError, ConfigError
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.csv_file import read_bars
from feeds.csv_writer import check_ending, write_bars
from feeds.download import download
from feeds.store import Store
from feeds.table.content import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bt_run.core.venue import Venue
    from feeds.download import Outcome, Progress
    from feeds.fetching.download_plan import Source
    from feeds.storage.series import SeriesName

__all__ = ["FileOutcome", "download_files"]

_HIDDEN = ".bt-run-download"

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class FileOutcome:
    """What a file holds now, whether it was written, and what the download did; `new` bars came into it."""

    path: Path
    bars: Bars
    written: bool
    new: int
    outcome: Outcome


def download_files(
    paths: Mapping[SeriesName, Path],
    *,
    start: int,
    end: int | None = None,
    venue: Venue | None = None,
    source: Source = "auto",
    force: bool = False,
    progress: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] | None = None,
) -> list[FileOutcome]:
    """
    Write the bars of a range to files; of a file that is there, keep what it holds and add what is missing.

    Its first bar and its last two are asked for again. Where they differ from what the exchange says the file
    holds something else, and is left alone; the very last one may differ, it may not have been closed. A
    series without bars gets no file.

    Args:
        paths: One file a series, in one folder, ending in ``.csv``, ``.csv.gz`` or ``.parquet``.
        force: Overwrite whatever is there.
        start, end, venue, source, progress, clock, sleep: As `feeds.download.download`.

    Raises:
        ConfigError: a folder that cannot be written to, an unknown ending, or a file that is no such series.
        ExchangeError: the exchange refused or could not be reached; the next run goes on from there.
    """
    kept = {name: _read_kept(path, name, force=force) for name, path in paths.items()}
    store = Store(_hidden_folder(paths, kept))
    for name, bars in kept.items():
        if bars is not None:
            _take_over(store, name, bars)
    outcomes = download(
        store,
        list(paths),
        start=start,
        end=end,
        venue=venue,
        source=source,
        progress=progress,
        clock=clock,
        practice_too=True,
        sleep=sleep,
    )
    try:
        return [_finish(store, paths[one.name], kept[one.name], one, start=start, end=end) for one in outcomes]
    finally:
        _clear(store)


def _read_kept(path: Path, name: SeriesName, *, force: bool) -> Bars | None:
    """Check that a file can be written, and read what is in it and shall be kept."""
    check_ending(path)
    check_target(path)
    if not path.exists() or force:
        return None
    try:
        return read_bars(path, symbol=name.symbol, interval=name.interval).bars
    except BtRunError as error:
        raise ConfigError(
            f"{path} exists and is not a series of {name}, so it is left alone: {error} "
            f"Choose another name, or add --force to overwrite it."
        ) from error


def _finish(
    store: Store, path: Path, kept: Bars | None, outcome: Outcome, *, start: int, end: int | None
) -> FileOutcome:
    """Write one file from the hidden store."""
    name = outcome.name
    bars = store.read(name.symbol, name.interval, market=name.market)
    if kept is not None:
        _check_same(path, name, kept, bars)
        start = min(start, int(kept.open_time[0]))
        end = None if end is None else max(end, int(kept.open_time[-1]))
    bars = bars.between(start, end)
    written = len(bars) > 0 and (kept is None or not _alike(kept, bars))
    if written:
        write_bars(path, bars)
    return FileOutcome(path, bars, written, len(bars) - (0 if kept is None else len(kept)), outcome)


def _hidden_folder(paths: Mapping[SeriesName, Path], kept: Mapping[SeriesName, Bars | None]) -> Path:
    """
    Name the hidden store after the series, the files and what they hold.

    A file that was removed, changed or shall be overwritten thus never meets the bars of an earlier attempt.
    """
    key = hashlib.sha256()
    for name, path in sorted(paths.items(), key=lambda pair: str(pair[1])):
        content = "" if kept[name] is None else sha256_of(path)
        key.update(f"{name} {path.name} {content}\n".encode())
    return next(iter(paths.values())).parent / _HIDDEN / key.hexdigest()[:16]


def _clear(store: Store) -> None:
    shutil.rmtree(store.root, ignore_errors=True)
    with suppress(OSError):
        store.root.parent.rmdir()


def _take_over(store: Store, name: SeriesName, kept: Bars) -> None:
    """Put a file's bars into the store, and let those that shall be compared count as missing."""
    store.write(name.symbol, name.interval, kept, market=name.market, source="file")
    times = kept.open_time
    again = [(int(times[0]), int(times[0])), (int(times[-2:][0]), int(times[-1]))]
    store.forget(name.symbol, name.interval, market=name.market, ranges=again)


def _check_same(path: Path, name: SeriesName, kept: Bars, bars: Bars) -> None:
    places = np.searchsorted(bars.open_time, kept.open_time)
    different = np.abs(bars.close[places] - kept.close) > _ROUNDING * kept.close
    different[-1] = False
    if different.any():
        place = int(np.argmax(different))
        raise ConfigError(
            f"{path} is left alone, because it holds other prices than {name}: at "
            f"{iso_utc(int(kept.open_time[place]))} it closes at {kept.close[place]:.12g}, on the exchange at "
            f"{bars.close[places[place]]:.12g}. Choose another name, or add --force to overwrite it."
        )


def _alike(one: Bars, other: Bars) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in BAR_COLUMNS
    )
