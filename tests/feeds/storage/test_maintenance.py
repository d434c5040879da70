"""Known maintenance explains the gaps of real data, and nothing else."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bt_run.core.clock import iso_utc, parse_time
from bt_run.core.interval import Interval
from feeds.csv_file import read_bars
from feeds.storage.maintenance import explain_gaps, known_windows

HOUR = Interval(1, "h")
H = 3_600_000


def times_without(first: str, last: str, *, step: int = H, around: int = 48) -> np.ndarray:
    """Give times of bars without those that open in first..last."""
    start, end = parse_time(first), parse_time(last)
    times = np.arange(start - around * step, end + around * step, step, dtype=np.int64)
    return times[(times < start) | (times > end)]


def test_windows_are_in_order_and_have_a_source():
    """No two overlap; each says where it is written."""
    windows = known_windows("spot")

    assert all(one.end <= other.start for one, other in pairwise(windows))
    assert all(window.start < window.end and "read 2026" in window.source for window in windows)


def test_a_gap_inside_a_window_is_explained():
    """2021-08-13 02:00 to 06:30: four whole hours and the half one."""
    gaps = explain_gaps(times_without("2021-08-13T02:00", "2021-08-13T06:00"), HOUR)

    assert [("2021-08-13T02:00:00Z", "2021-08-13T06:00:00Z", 5)] == [
        (iso_utc(gap.first), iso_utc(gap.last), gap.bars) for gap in gaps
    ]
    assert gaps[0].window is not None
    assert "2021-08-13T06:30:00Z" == iso_utc(gaps[0].window.end)
    assert gaps[0].explained


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2021-08-13T01:00", "2021-08-13T06:00"),
        ("2021-08-13T02:00", "2021-08-13T07:00"),
        ("2022-01-01", "2022-01-01"),
    ],
)
def test_a_gap_that_reaches_out_of_a_window_is_not_explained(first: str, last: str):
    """One bar too many is a bar that was lost elsewhere."""
    gaps = explain_gaps(times_without(first, last), HOUR)

    assert [False] == [gap.explained for gap in gaps]


def test_futures_have_no_known_maintenance():
    """The spot market's windows say nothing about them."""
    gaps = explain_gaps(times_without("2021-08-13T02:00", "2021-08-13T06:00"), HOUR, "futures")

    assert [None] == [gap.window for gap in gaps]


def test_missing_months_are_gaps():
    """Months have no fixed length."""
    months = np.array(["2024-01", "2024-02", "2024-05"], dtype="datetime64[M]")
    gaps = explain_gaps(months.astype("datetime64[ms]").astype(np.int64), Interval(1, "M"))

    assert [("2024-03-01T00:00:00Z", "2024-04-01T00:00:00Z", 2)] == [
        (iso_utc(gap.first), iso_utc(gap.last), gap.bars) for gap in gaps
    ]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_series_without_holes_has_no_gaps(count: int):
    """Nor has an empty one."""
    assert [] == explain_gaps(np.arange(count, dtype=np.int64) * H, HOUR)


@pytest.mark.parametrize(
    ("name", "gaps"),
    [
        ("freqtrade/BTC_USDT-1h.json.gz", 27),
        ("freqtrade/BTC_USDT-4h.json.gz", 8),
        ("freqtrade/BTC_USDT-1m-202109.json.gz", 1),
        ("python-binance/BTCUSDT-2017-2020-2h.csv.gz", 15),
        ("python-binance/BTCUSDT-2017-2020-6h.csv.gz", 3),
        ("python-binance/BTCUSDT-15m-2020.csv.gz", 5),
        ("python-binance/ETHUSDT-2017-2020-8h.csv.gz", 1),
        ("header-csv/BNBUSDT_H4-2018-2026.csv.gz", 8),
        ("header-csv/BTCUSDT_1h-2023-2025.feather", 1),
    ],
)
def test_every_gap_of_binance_in_real_files_is_explained(shared: Path, name: str, gaps: int):
    """Collected by different people over different intervals, off-grid bars of 2018 included."""
    file = read_bars(shared / "realdata" / "klines" / name)
    found = explain_gaps(file.bars.open_time, file.interval)

    assert gaps == len(found)
    assert [] == [iso_utc(gap.first) for gap in found if not gap.explained]
