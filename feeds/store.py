"""
The store: downloaded bars as Parquet, one file a month, under ``market/symbol/interval``.

Files are replaced whole, the bars before the coverage, so that whatever kills a writer leaves bars that are
true and a coverage that promises no more than them. Writers of one series take turns by a lock; readers
need none.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout

from bt_run.core.atomic import replacing
from bt_run.core.errors import ConfigError, DataError
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.storage.coverage import Coverage, Span, from_json, spans_of_bars, to_json
from feeds.storage.inventory import SeriesInfo, inspect_series
from feeds.storage.month_file import read_months, write_month
from feeds.storage.series import SeriesName
from feeds.storage.store_paths import find_months, find_series_folders, month_bounds, month_of, series_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bt_run.core.interval import Interval
    from bt_run.core.venue import Market

__all__ = ["SeriesInfo", "Store"]

_COVERAGE = "coverage.json"
_LOCK = ".lock"
_POLL_S = 0.01


class Store:
    """
    Bars on the disk, under `root`; see `feeds.storage.store_paths.store_root` for where that is by default.

    Times are ms since 1970 UTC, ranges inclusive open times. The unfinished present is the caller's concern:
    what is written must be closed bars, and what is covered must be over.

    Args:
        root: The folder; nothing is made before the first write.
        lock_timeout_s: How long to wait for another process that writes the same series.
    """

    def __init__(self, root: Path, *, lock_timeout_s: float = 60.0) -> None:
        self.root = root
        self._lock_timeout_s = lock_timeout_s

    def folder(self, symbol: str, interval: Interval, *, market: Market = "spot") -> Path:
        """Give the folder of a series, there or not. Raises ConfigError for what is no symbol."""
        return series_folder(self.root, SeriesName(symbol, interval, market))

    def read(
        self,
        symbol: str,
        interval: Interval,
        *,
        market: Market = "spot",
        start: int | None = None,
        end: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> Bars:
        """
        Read the bars of a range; only the months in it are opened. No bars where the store has none.

        Args:
            symbol: As the exchange writes it.
            interval: Of the series; bars are not resampled.
            market: ``spot`` or ``futures``.
            start: Open time of the first bar, None for all.
            end: Open time of the last bar, None for all.
            columns: Of `BAR_COLUMNS`; the others are NaN. None for all.

        Raises:
            DataError: a month's file is cut short or damaged; names it.
        """
        for name in columns or ():
            if name not in BAR_COLUMNS:
                raise ValueError(f"{name!r} is no column of bars")
        months = find_months(self.folder(symbol, interval, market=market))
        paths = [
            path
            for month, path in months.items()
            if (start is None or month_bounds(month)[1] >= start)
            and (end is None or month_bounds(month)[0] <= end)
        ]
        return read_months(paths, start=start, end=end, columns=columns)

    def write(
        self,
        symbol: str,
        interval: Interval,
        bars: Bars,
        *,
        market: Market = "spot",
        covers: tuple[int, int] | None = None,
        source: str = "",
    ) -> int:
        """
        Merge closed bars into the store; of two bars with one open time the new one counts.

        Args:
            symbol: As the exchange writes it.
            interval: Of the bars.
            bars: Any number, also none, in order of time.
            market: ``spot`` or ``futures``.
            covers: What was asked and answered completely, so that holes in it are known to be true. Without
                it the bars cover themselves, and holes between them stay missing.
            source: Where they come from, such as ``rest`` or ``bulk``; kept with the coverage.

        Returns:
            How many bars were new.

        Raises:
            DataError: the bars are not in order, or the file of a month that they touch is damaged.
            ConfigError: the folder cannot be written to, the disk is full, or another process holds the series.
        """
        steps = np.diff(bars.open_time)
        if (steps <= 0).any():
            raise DataError(f"The bars of {symbol} {interval} are not in order of time, or one stands twice.")
        if not len(bars) and covers is None:
            return 0
        spans = [Span(*covers, source)] if covers else spans_of_bars(bars.open_time, interval, source=source)
        with self._locked(self.folder(symbol, interval, market=market)) as folder:
            before = _read_coverage(folder)
            counts, new = dict(before.bars), 0
            for month, part in _by_month(bars):
                counts[month], fresh = _merge_month(folder / f"{month}.parquet", part)
                new += fresh
            _write_coverage(folder, before, replace(before.adding(spans, interval), bars=counts))
        return new

    def missing(
        self, symbol: str, interval: Interval, *, market: Market = "spot", start: int, end: int
    ) -> list[tuple[int, int]]:
        """
        Give the inclusive ranges in start..end that are not covered yet, ascending.

        A range in which no bar can open is not given. A month whose file somebody removed is not covered.
        """
        folder = self.folder(symbol, interval, market=market)
        coverage = _read_coverage(folder)
        there = find_months(folder)
        gone = [month_bounds(month) for month, bars in coverage.bars.items() if bars and month not in there]
        return coverage.without(gone).missing(start, end, interval)

    def coverage(self, symbol: str, interval: Interval, *, market: Market = "spot") -> Coverage:
        """Give what was asked and answered of a series; nothing for one that the store does not know."""
        return _read_coverage(self.folder(symbol, interval, market=market))

    def forget(
        self, symbol: str, interval: Interval, *, market: Market = "spot", ranges: Sequence[tuple[int, int]]
    ) -> None:
        """Let ranges count as missing, so that they are asked for again; their bars stay until then."""
        folder = self.folder(symbol, interval, market=market)
        if not folder.is_dir():
            return
        with self._locked(folder):
            before = _read_coverage(folder)
            _write_coverage(folder, before, before.without(ranges))

    def set_aside_damaged(
        self, symbol: str, interval: Interval, *, market: Market = "spot"
    ) -> list[tuple[Path, tuple[int, int]]]:
        """
        Forget the months whose file cannot be read, or is gone; what cannot be read is kept under another name.

        Returns:
            For each the file, now ``2024-01.parquet.damaged`` where it is there, and the first and last ms of
            its month, which is missing now; those that are gone come last.
        """
        folder = self.folder(symbol, interval, market=market)
        if not folder.is_dir():
            return []
        with self._locked(folder):
            before = _read_coverage(folder)
            there = find_months(folder)
            found = {month: there[month].with_suffix(".parquet.damaged") for month in _damaged_months(there)}
            for month, aside in found.items():
                there.pop(month).replace(aside)
            known = {*there, *found}
            gone = sorted(month for month, bars in before.bars.items() if bars and month not in known)
            found |= {month: folder / f"{month}.parquet" for month in gone}
            counts = {month: bars for month, bars in before.bars.items() if month in there}
            after = before.without([month_bounds(month) for month in found])
            _write_coverage(folder, before, replace(after, bars=counts))
        return [(path, month_bounds(month)) for month, path in found.items()]

    def series(self) -> list[SeriesInfo]:
        """List what the store holds, by market, symbol and interval; reads the times of every bar."""
        return [inspect_series(name, folder) for name, folder in find_series_folders(self.root)]

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[Path]:
        """Hold a series alone among all writers, and clear away what a killed one left."""
        lock = FileLock(folder / _LOCK, timeout=self._lock_timeout_s, poll_interval=_POLL_S)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise ConfigError(
                f"Another process has been writing to {folder} for {self._lock_timeout_s:.0f} seconds. "
                f"Wait until it is done, or end it."
            ) from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"Cannot write to {folder}: {reason}. Choose a folder with --store.") from error
        try:
            for scrap in folder.glob(".*.*"):
                if scrap.suffix in (".parquet", ".json", ".copy"):
                    scrap.unlink()
            yield folder
        finally:
            lock.release()


def _read_coverage(folder: Path) -> Coverage:
    path = folder / _COVERAGE
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError):
        return Coverage()
    except DataError as error:
        error.path = path
        raise


def _write_coverage(folder: Path, before: Coverage, after: Coverage) -> None:
    if after == before:
        return
    # Unlike the months it need not reach the disk at once: one that a power failure tore covers nothing.
    with replacing(folder / _COVERAGE) as temporary:
        temporary.write_text(to_json(after), encoding="utf-8")


def _by_month(bars: Bars) -> Iterator[tuple[str, Bars]]:
    months = bars.open_time.astype("datetime64[ms]").astype("datetime64[M]")
    starts = np.flatnonzero(np.append(True, months[1:] != months[:-1])) if len(bars) else months[:0]
    for first, last in zip(starts, [*starts[1:], len(bars)][: len(starts)], strict=True):
        yield month_of(int(bars.open_time[first])), bars[first:last]


def _merge_month(path: Path, part: Bars) -> tuple[int, int]:
    """Write the month with the part in it; give its number of bars and how many of them are new."""
    old = read_months([path]) if path.exists() else None
    merged = part if old is None else _merged(old, part)
    if old is None or not _alike(old, merged):
        write_month(path, merged)
    return len(merged), len(merged) - (len(old) if old is not None else 0)


def _merged(old: Bars, new: Bars) -> Bars:
    times = np.concatenate((old.open_time, new.open_time))
    order = np.argsort(times, kind="stable")
    last = np.append(times[order][1:] != times[order][:-1], True)
    rows = order[last]
    return Bars(*(np.concatenate((getattr(old, name), getattr(new, name)))[rows] for name in BAR_COLUMNS))


def _alike(one: Bars, other: Bars) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in BAR_COLUMNS
    )


def _damaged_months(months: dict[str, Path]) -> list[str]:
    """Find the months whose file cannot be decoded to its end."""
    found = []
    for month, path in months.items():
        try:
            read_months([path])
        except DataError:
            found.append(month)
    return found
