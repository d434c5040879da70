"""From the name of a file to the bars of a run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bt_run.core.clock import iso_utc
from bt_run.core.errors import DataError
from feeds.csv_file import read_bars
from feeds.locate import find_data
from feeds.recording.capture_file import is_capture
from feeds.resample import resample
from feeds.storage.series import find_series
from feeds.storage.store_paths import store_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.interval import Interval
    from bt_run.core.market import BarFile
    from feeds.download import Progress
    from feeds.storage.series import SeriesName

__all__ = ["DataRequest", "load_data"]


@dataclass(frozen=True, slots=True)
class DataRequest:
    """
    Which bars a run wants.

    `name` is a path or the name of a file in the data folders, a capture (a file or a folder), whose bars are
    made at `interval`, or a series of the store such as ``BTCUSDT:1h``; `store` is the store's folder, and with
    `download` what is missing there is fetched first. `data_interval` is that of the file, where it does not
    tell; `interval` resamples upward. `start` and `end` are ms since 1970 UTC, both inclusive, of bars' open
    times; None leaves that side open.
    """

    name: str
    data_dir: Path | None = None
    symbol: str | None = None
    data_interval: Interval | None = None
    interval: Interval | None = None
    start: int | None = None
    end: int | None = None
    store: Path | None = None
    download: bool = False

    def series(self) -> SeriesName | None:
        """Give the series of the store that is meant; None where it is a file. Raises ConfigError."""
        return None if Path(self.name).expanduser().exists() else find_series(self.name)

    def typed_symbol(self) -> str | None:
        """Give the symbol where it is known before anything is read. Raises ConfigError."""
        if self.symbol is not None:
            return self.symbol
        series = self.series()
        return None if series is None else series.symbol


def load_data(request: DataRequest, *, progress: Callable[[Progress], None] | None = None) -> BarFile:
    """
    Find, read, check, cut and resample the bars of a request.

    The range is cut before resampling, so that no bar of the result holds a trade outside it. The path of
    the result is the name as it was asked for, so that results are the same on every machine; its sha256
    tells which content it was. `progress` is called while a series is downloaded.

    Raises:
        DataError: no such file or series, unusable content, or no bar in the range.
        ConfigError: an interval finer than the data's.
        ExchangeError: the download failed.
    """
    series = request.series()
    if series is not None:
        data = _read_series(series, request, progress)
    else:
        data = _read(find_data(request.name, data_dir=request.data_dir), request)
    bars = data.bars.between(request.start, request.end)
    if not len(bars):
        first, last = (iso_utc(int(data.bars.open_time[place])) for place in (0, -1))
        raise DataError(
            "no bar lies in the range asked for.", path=data.path, hint=f"The file holds {first} to {last}."
        )
    interval = data.interval
    if request.interval is not None and request.interval != interval:
        bars = resample(bars, source=interval, target=request.interval)
        interval = request.interval
        if not len(bars):
            raise DataError(f"the range does not fill one bar of {interval}.", path=data.path)
    return dataclasses.replace(data, path=Path(request.name), bars=bars, interval=interval)


def _read(path: Path, request: DataRequest) -> BarFile:
    if is_capture(path):
        from feeds.recording.capture_bars import read_capture  # noqa: PLC0415  # a run on a file need not wait for it

        return read_capture(path, symbol=request.symbol, interval=request.data_interval or request.interval)
    return read_bars(path, symbol=request.symbol, interval=request.data_interval, fallback=request.interval)


def _read_series(
    series: SeriesName, request: DataRequest, progress: Callable[[Progress], None] | None
) -> BarFile:
    # The store brings Parquet and locks, which a run on a file need not wait for.
    from feeds.history import fetch_missing, read_history  # noqa: PLC0415
    from feeds.store import Store  # noqa: PLC0415

    store = Store(store_root(request.store))
    notes: tuple[str, ...] = ()
    if request.download:
        notes = fetch_missing(store, series, start=request.start, end=request.end, progress=progress)
    data = read_history(store, series, start=request.start, end=request.end)
    return dataclasses.replace(data, warnings=(*notes, *data.warnings))
