"""What the store says it holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.storage.inventory import inspect_series
from feeds.storage.series import SeriesName
from feeds.store import Store

HOUR = Interval(1, "h")
H = 3_600_000
START = 1_704_067_200_000  # 2024-01-01
NAME = SeriesName("BTCUSDT", HOUR)


def fill(store: Store, hours: list[int]) -> Path:
    """Write these hours of 2024; give the folder."""
    times = START + np.array(hours, dtype=np.int64) * H
    store.write("BTCUSDT", HOUR, Bars.of(times, **dict.fromkeys(BAR_COLUMNS[1:], np.ones(len(hours)))))
    return store.folder("BTCUSDT", HOUR)


def test_the_inventory_counts(tmp_path: Path):
    """Range, bars, holes, size."""
    folder = fill(Store(tmp_path), [*range(10), *range(20, 30), 40])
    found = inspect_series(NAME, folder)
    size = sum(path.stat().st_size for path in folder.glob("*.parquet"))

    assert (21, START, START + 40 * H) == (found.bars, found.first, found.last)
    assert (2, 20, size, ()) == (found.gaps, found.missing_bars, found.size_bytes, found.damaged)
    assert NAME == found.name
    assert [found] == Store(tmp_path).series()


def test_a_damaged_month_is_named_and_not_counted(tmp_path: Path):
    """The others are; where nothing can be read there is no range."""
    folder = fill(Store(tmp_path), list(range(800)))
    (folder / "2024-02.parquet").write_bytes(b"")
    half = inspect_series(NAME, folder)
    (folder / "2024-01.parquet").write_bytes(b"")
    none = inspect_series(NAME, folder)

    assert (744, ("2024-02",)) == (half.bars, half.damaged)
    assert (0, None, None, ("2024-01", "2024-02")) == (none.bars, none.first, none.last, none.damaged)
