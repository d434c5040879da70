"""Month files: what goes in comes out, and damage is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import DataError
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.storage.month_file import read_months, write_month
from feeds.table.buffer import as_line_buffer


def bars_at(times: np.ndarray) -> Bars:
    """Give bars whose every value tells its time and column; trades are unknown."""
    values = {name: times + number / 10 for number, name in enumerate(BAR_COLUMNS[1:])}
    return Bars.of(times, **(values | {"trades": np.full(len(times), np.nan)}))


def same(one: Bars, other: Bars) -> bool:
    """Tell whether two sets of bars are equal to the last bit; NaN equals NaN."""
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in BAR_COLUMNS)


@pytest.fixture
def months(tmp_path: Path) -> list[Path]:
    """Give three files of 100 bars each, a second apart."""
    paths = []
    for number in range(3):
        path = tmp_path / f"2024-0{number + 1}.parquet"
        write_month(path, bars_at(np.arange(number * 100, number * 100 + 100, dtype=np.int64) * 1000))
        paths.append(path)
    return paths


@given(
    st.lists(st.floats(width=64), min_size=1, max_size=50),
    st.integers(-(2**60), 2**60),
)
def test_every_bit_survives(tmp_path_factory: pytest.TempPathFactory, values: list[float], start: int):
    """Any double, NaN and infinities too, and any time."""
    path = tmp_path_factory.mktemp("month") / "2024-01.parquet"
    times = start + np.arange(len(values), dtype=np.int64)
    bars = Bars.of(times, **dict.fromkeys(BAR_COLUMNS[1:], np.array(values)))
    write_month(path, bars)

    assert same(bars, read_months([path]))


@given(start=st.none() | st.integers(-2, 302), end=st.none() | st.integers(-2, 302))
def test_a_range_is_cut_to_the_bar(start: int | None, end: int | None, months_once: list[Path]):
    """Both ends are inclusive; a range that holds nothing gives nothing."""
    limits = [None if place is None else place * 1000 for place in (start, end)]
    everything = bars_at(np.arange(300, dtype=np.int64) * 1000)

    assert same(everything.between(*limits), read_months(months_once, start=limits[0], end=limits[1]))


@pytest.fixture(scope="module")
def months_once(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Give three files of 100 bars each that tests only read, in row groups of 32."""
    folder = tmp_path_factory.mktemp("months")
    for number in range(3):
        times = np.arange(number * 100, number * 100 + 100, dtype=np.int64) * 1000
        write_month(folder / f"2024-0{number + 1}.parquet", bars_at(times), group_rows=32)
    return sorted(folder.iterdir())


def test_columns_that_are_not_asked_for_are_unknown(months: list[Path]):
    """They share one array of NaN."""
    bars = read_months(months, columns=["close", "open_time"])

    assert 300 == len(bars)
    assert np.isnan(bars.open).all()
    assert bars.open is bars.volume
    assert same(bars_at(bars.open_time), read_months(months))
    assert (bars.close == read_months(months).close).all()


def test_the_arrays_are_what_backtrader_can_take_over(months: list[Path]):
    """No copy is made for the lines, even where a range was cut."""
    bars = read_months(months, start=50_000, end=250_000)

    assert as_line_buffer(bars.close).buffer_info()[0] == bars.close.ctypes.data


def test_no_files_give_no_bars():
    """Every column is there and empty."""
    bars = read_months([])

    assert {0} == {len(getattr(bars, name)) for name in BAR_COLUMNS}


def test_other_programs_read_the_files(months: list[Path]):
    """They are ordinary Parquet."""
    table = pd.read_parquet(months[0])

    assert list(BAR_COLUMNS) == list(table.columns)
    assert 100 == len(table)


@pytest.mark.parametrize("keep", [0, 3, 4, 100, 0.5, -1])
def test_a_truncated_file_is_named_with_the_way_out(months: list[Path], keep: float):
    """Wherever it was cut."""
    whole = months[1].read_bytes()
    months[1].write_bytes(whole[: int(len(whole) * keep)] if isinstance(keep, float) else whole[:keep])

    with pytest.raises(DataError, match=r"2024-02\.parquet: .*damaged.*bt-run data repair"):
        read_months(months)


def test_a_flipped_bit_is_noticed(months: list[Path]):
    """Wherever it flips among the values: pages carry checksums."""
    whole = months[1].read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    silent = []
    for place in range(4, len(whole) - footer, 97):
        months[1].write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        try:
            read = read_months(months)
        except DataError:
            continue
        silent += [] if same(read, bars_at(np.arange(300, dtype=np.int64) * 1000)) else [place]

    assert [] == silent


def test_a_foreign_parquet_file_is_refused(tmp_path: Path):
    """Somebody's table under the name of a month is not taken for bars."""
    path = tmp_path / "2024-01.parquet"
    pyarrow.parquet.write_table(pa.table({"close": [1.0]}), path)

    with pytest.raises(DataError, match="does not hold the columns"):
        read_months([path])
