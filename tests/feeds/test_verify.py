"""What verify finds, in made-up rows, in real files and in the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bt_run.core.clock import parse_time
from bt_run.core.errors import DataError
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.storage.month_file import write_month
from feeds.storage.series import SeriesName
from feeds.store import Store
from feeds.verify import verify_file, verify_rows, verify_series

HOUR = Interval(1, "h")
H = 3_600_000
START = 1_704_067_200_000  # 2024-01-01
NAME = SeriesName("BTCUSDT", HOUR)


def rows(count: int = 48, **changed: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Give faultless hours from 2024 on, with single values changed: close={5: -1.0}."""
    times = np.arange(count, dtype=np.int64) * H + START
    columns = {name: np.full(count, 0.0 if "taker" in name else 2.0) for name in BAR_COLUMNS[1:]}
    for name, values in changed.items():
        for place, value in values.items():
            (times if name == "open_time" else columns[name])[place] = value
    return times, columns


def bars(times: list[int] | np.ndarray) -> Bars:
    """Give bars whose every value is 2."""
    return Bars.of(times, **dict.fromkeys(BAR_COLUMNS[1:], np.full(len(times), 2.0)))


def test_faultless_rows_are_clean():
    """Forward or, throughout, backward."""
    times, columns = rows()
    forward = verify_rows("x", times, columns, interval=HOUR, market="spot")
    backward = verify_rows("x", times[::-1], columns, interval=HOUR, market="spot")

    assert forward.clean
    assert forward == backward
    assert (48, START, START + 47 * H) == (forward.bars, forward.first, forward.last)


@pytest.mark.parametrize(
    ("changed", "what", "count"),
    [
        ({"close": {5: -1.0}}, "prices missing or not above zero", 1),
        ({"open": {5: np.nan, 6: np.inf}}, "prices missing or not above zero", 2),
        ({"high": {5: 1.9}}, "highs below open or close", 1),
        ({"low": {5: 2.1, 7: 2.1}}, "lows above open or close", 2),
        ({"volume": {5: -1.0}}, "volume below zero or infinite", 1),
        ({"taker_buy_volume": {5: 2.1}}, "taker_buy_volume above volume", 1),
        ({"open_time": {5: START + 6 * H}}, "duplicate rows", 1),
        ({"open_time": {5: START + 6 * H, 6: START + 5 * H}}, "rows out of order", 1),
        ({"open_time": {5: START + 5 * H + 1}}, "bars off the grid", 1),
    ],
)
def test_each_fault_is_counted_and_placed(changed: dict[str, Any], what: str, count: int):
    """The first places are named."""
    times, columns = rows(**changed)
    report = verify_rows("x", times, columns, interval=HOUR, market="spot")

    assert (what, count) in [(problem.what, problem.count) for problem in report.problems]
    assert all(problem.places[0].startswith("2024-01-01 0") for problem in report.problems)
    assert not report.clean


def test_unknown_volumes_are_no_fault():
    """NaN means that the source does not tell."""
    times, columns = rows(volume={3: np.nan}, trades={4: np.nan})

    assert verify_rows("x", times, columns, interval=HOUR, market="spot").clean


def test_runs_without_volume_are_told_but_are_no_fault():
    """A market can be quiet."""
    times, columns = rows(volume={3: 0.0, 4: 0.0, 5: 0.0, 9: 0.0, 47: 0.0})
    report = verify_rows("x", times, columns, interval=HOUR, market="spot")
    zero = report.zero_volume

    assert report.clean
    assert (5, 3, 3, START + 3 * H) == (zero.bars, zero.runs, zero.longest, zero.longest_at)


@pytest.mark.parametrize(
    ("month", "market", "clean"),
    [("2018-02", "spot", True), ("2018-02", "futures", False), ("2018-03", "spot", False)],
)
def test_bars_off_the_grid_are_known_after_two_outages(month: str, market: Any, clean: bool):
    """Binance's spot bars of December 2017 and February 2018 are as they are."""
    times, columns = rows()
    shifted = times - START + parse_time(f"{month}-11") + 28 * 60_000
    report = verify_rows("x", shifted, columns, interval=HOUR, market=market)

    assert clean == report.clean
    assert clean == bool(report.notes)


@pytest.mark.parametrize(
    ("name", "found", "gaps", "unexplained"),
    [
        ("freqtrade/BTC_USDT-1h.json.gz", {}, 27, 0),
        ("python-binance/BTCUSDT-2017-2020-2h.csv.gz", {}, 15, 0),
        ("freqtrade/XRP_ETH-1m.feather", {}, 676, 676),
        ("header-csv/BTCUSDT-1m-2024-03.csv.gz", {"duplicate rows": 54}, 0, 0),
        ("cryptodatadownload/Binance_BTCUSDT_d.csv.gz", {"duplicate rows": 1}, 0, 0),
        ("cryptodatadownload/Coinbase_BTCUSD_1h.csv.gz", {"rows out of order": 5}, 0, 0),
        ("header-csv/BTCUSDT_1m-2024-12.csv.gz", {}, 0, 0),
        ("broken/um-futures-BTCUSDT-5m-2022-07-excel-mangled.csv.gz", {"duplicate rows": 8659}, 0, 0),
    ],
)
def test_real_files_have_the_faults_that_were_counted_by_hand(
    shared: Path, name: str, found: dict[str, int], gaps: int, unexplained: int
):
    """The counts are those of the collection's own list, which was made without this program."""
    report = verify_file(shared / "realdata" / "klines" / name)

    assert found == {problem.what: problem.count for problem in report.problems}
    assert (gaps, unexplained) == (len(report.gaps), len(report.unexplained))


def test_a_file_that_does_not_tell_its_interval_is_an_error(tmp_path: Path):
    """One bar; the option helps."""
    path = tmp_path / "x.csv"
    path.write_text("open_time,open,high,low,close\n2024-01-01T00:00:00Z,1,1,1,1\n")

    with pytest.raises(DataError, match="--interval"):
        verify_file(path)
    assert verify_file(path, interval=HOUR).clean


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give a store with a series of three months, in which ten hours are missing."""
    store = Store(tmp_path)
    hours = np.arange(2000, dtype=np.int64) * H + START
    store.write("BTCUSDT", HOUR, bars(np.delete(hours, slice(100, 110))), source="bulk")
    return store


def test_a_hole_that_the_exchange_confirmed_is_explained(store: Store):
    """REST was asked and had none; the archive alone is no proof."""
    assert [False] == [gap.explained for gap in verify_series(store, NAME).gaps]

    store.write("BTCUSDT", HOUR, bars([]), covers=(START + 100 * H, START + 109 * H), source="rest")

    assert [True] == [gap.confirmed for gap in verify_series(store, NAME).gaps]
    assert verify_series(store, NAME).clean


def test_damaged_and_lost_and_mixed_up_files_are_found(store: Store):
    """Each is named."""
    folder = store.folder("BTCUSDT", HOUR)
    (folder / "2024-01.parquet").unlink()
    (folder / "2024-02.parquet").write_bytes(b"PAR1 half a file PAR1")
    write_month(folder / "2024-04.parquet", bars([START]))
    report = verify_series(store, NAME)

    assert [("2024-02.parquet",), ("2024-01",), ("2024-04.parquet",)] == [
        problem.places for problem in report.problems[:3]
    ]
    assert not report.clean


def test_a_series_that_is_not_there_is_an_error(store: Store):
    """The message says where to look."""
    with pytest.raises(DataError, match=r"no series ETHUSDT:1h.*data list"):
        verify_series(store, SeriesName("ETHUSDT", HOUR))
