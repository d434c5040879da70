"""What the store holds of a series: range, bars, holes, size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bt_run.core.errors import DataError
from feeds.storage.month_file import read_months
from feeds.storage.series import SeriesName
from feeds.storage.store_paths import find_months
from feeds.table.spacing import missing_bars

if TYPE_CHECKING:
    from pathlib import Path

    from bt_run.core.interval import Interval
    from bt_run.core.venue import Market

__all__ = ["SeriesInfo", "inspect_series"]


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """
    What the store holds of one series.

    `first` and `last` are open times, ms; None where every file is damaged. `gaps` counts holes between bars,
    `missing_bars` the bars that would fill them. `damaged` are months that cannot be opened; they count in
    the size alone.
    """

    symbol: str
    interval: Interval
    market: Market
    bars: int
    first: int | None
    last: int | None
    gaps: int
    missing_bars: int
    size_bytes: int
    damaged: tuple[str, ...] = ()

    @property
    def name(self) -> SeriesName:
        """The series, as commands take it: ``BTCUSDT:1h``."""
        return SeriesName(self.symbol, self.interval, self.market)


def inspect_series(name: SeriesName, folder: Path) -> SeriesInfo:
    """Count the bars and the holes of the series in `folder`; reads the times of every bar."""
    times, damaged = [np.empty(0, dtype=np.int64)], []
    months = find_months(folder)
    for month, path in months.items():
        try:
            times.append(read_months([path], columns=()).open_time)
        except DataError:
            damaged.append(month)
    opens = np.concatenate(times)
    holes = missing_bars(opens, name.interval)
    return SeriesInfo(
        symbol=name.symbol,
        interval=name.interval,
        market=name.market,
        bars=len(opens),
        first=int(opens[0]) if len(opens) else None,
        last=int(opens[-1]) if len(opens) else None,
        gaps=int((holes > 0).sum()),
        missing_bars=int(holes.sum()),
        size_bytes=sum(path.stat().st_size for path in months.values()),
        damaged=tuple(damaged),
    )
