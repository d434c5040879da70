"""Where things lie in the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.interval import BINANCE_INTERVALS, Interval
from feeds.storage.series import SeriesName
from feeds.storage.store_paths import (
    find_months,
    find_series_folders,
    month_bounds,
    month_of,
    series_folder,
    store_root,
)


def test_no_two_intervals_share_a_folder_where_case_does_not_count(tmp_path: Path):
    """A minute and a month are 1m and 1mo, also on a disk that takes 1M for 1m."""
    folders = {
        str(series_folder(tmp_path, SeriesName("BTCUSDT", Interval.parse(text)))).casefold()
        for text in BINANCE_INTERVALS
    }

    assert len(BINANCE_INTERVALS) == len(folders)


def test_the_folder_of_a_series(tmp_path: Path):
    """Market, symbol, interval."""
    name = SeriesName.parse("BTCUSDT:1M:futures")

    assert tmp_path / "futures" / "BTCUSDT" / "1mo" == series_folder(tmp_path, name)


@pytest.mark.parametrize("symbol", ["..", "a/b", "", ".x", "a\0b", "x" * 65])
def test_a_symbol_cannot_lead_out_of_the_store(tmp_path: Path, symbol: str):
    """Only letters, digits, - and _ become a folder."""
    with pytest.raises(ConfigError, match="not a symbol"):
        series_folder(tmp_path, SeriesName(symbol, Interval(1, "h")))


def test_the_root_is_the_option_then_the_variable_then_the_users_data():
    """The first that is given counts."""
    both = {"BT_RUN_STORE": "/b", "XDG_DATA_HOME": "/c"}

    assert Path("/a") == store_root(Path("/a"), environ=both)
    assert Path("/b") == store_root(environ=both)
    assert Path("/c/bt-run/store") == store_root(environ={"XDG_DATA_HOME": "/c"})
    assert Path.home() / ".local/share/bt-run/store" == store_root(environ={})


@pytest.mark.parametrize(
    ("month", "first", "last"),
    [
        ("2024-02", 1706745600000, 1709251199999),
        ("2023-12", 1701388800000, 1704067199999),
        ("1970-01", 0, 2678399999),
    ],
)
def test_a_month_has_two_ends(month: str, first: int, last: int):
    """Leap years and the turn of the year included."""
    assert (first, last) == month_bounds(month)
    assert month == month_of(first) == month_of(last)
    assert month != month_of(last + 1)


def test_foreign_files_and_folders_are_left_alone(tmp_path: Path):
    """Only month files in folders named as the store names them count."""
    for name in ("spot/BTCUSDT/1h", "spot/BTCUSDT/1mo", "spot/notes/old", "spot/.trash/1h", "spot/ETHUSDT/1h"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("1h/2024-02.parquet", "1h/2024-01.parquet", "1mo/2024-01.parquet"):
        (tmp_path / "spot/BTCUSDT" / name).touch()
    for name in (".2024-03.abc.parquet", "2024-13.parquet", "2024-03.parquet.damaged", "coverage.json"):
        (tmp_path / "spot/BTCUSDT/1h" / name).touch()
    (tmp_path / "spot/.trash/1h/2024-01.parquet").touch()
    (tmp_path / "spot/notes/old/2024-01.parquet").touch()

    assert ["BTCUSDT:1h", "BTCUSDT:1M"] == [str(name) for name, _ in find_series_folders(tmp_path)]
    assert ["2024-01", "2024-02"] == list(find_months(tmp_path / "spot/BTCUSDT/1h"))
    assert {} == find_months(tmp_path / "nowhere")
