"""Feather and Parquet are read by name, like a CSV with a header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bt_run.core.errors import DataError
from feeds import read_bars

TIMES = pd.date_range("2024-01-01", periods=5, freq="1h")


def table(time: Any = TIMES, **columns: Any) -> pd.DataFrame:
    plain = {"open": [10.0] * 5, "high": [12.0] * 5, "low": [9.0] * 5, "close": [11.0] * 5, "volume": range(5)}
    return pd.DataFrame({"date": time, **plain, **columns})


@pytest.mark.parametrize("kind", ["feather", "parquet"])
@pytest.mark.parametrize(
    "time",
    [
        TIMES,
        TIMES.tz_localize("UTC").tz_convert("Asia/Tokyo"),
        TIMES.astype("datetime64[ms]"),
        (TIMES - pd.Timestamp(0)) // pd.Timedelta("1ms"),
        TIMES.strftime("%Y-%m-%d %H:%M:%S"),
        TIMES.strftime("%Y-%m-%dT%H:%M:%SZ"),
    ],
    ids=["naive", "zoned", "ms", "epoch", "text", "text with zone"],
)
def test_times_of_every_type(tmp_path: Path, kind: str, time: Any) -> None:
    """Timestamps in any unit and zone, numbers and texts give the same open times."""
    path = tmp_path / f"BTC_USDT-1h.{kind}"
    getattr(table(time), f"to_{kind}")(path)
    found = read_bars(path)

    assert ("BTCUSDT", "1h", kind) == (found.symbol, str(found.interval), found.format)
    assert (1704067200000 + 3_600_000 * np.arange(5)).tolist() == found.bars.open_time.tolist()
    assert [0.0, 1.0, 2.0, 3.0, 4.0] == found.bars.volume.tolist()


def test_a_pandas_index_may_hold_the_time(tmp_path: Path) -> None:
    """A frame with a time index, saved as it is, needs no column of its own."""
    path = tmp_path / "BTCUSDT.parquet"
    table().set_index("date").rename_axis(None).to_parquet(path)

    assert 1704067200000 == read_bars(path).bars.open_time[0]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"low": [9.0, 9.0, 13.0, 9.0, 9.0]}, "row 3: the low 13 is above the open 10"),
        ({"close": ["a"] * 5}, "not numbers"),
        ({"time": ["soon"] * 5}, "not all ISO 8601"),
        ({"time": [pd.NaT, *TIMES[1:]]}, "row 1: the time is missing"),
    ],
)
def test_bad_tables_are_refused_by_row(tmp_path: Path, columns: dict[str, Any], words: str) -> None:
    """Such files have no lines, so errors count rows."""
    path = tmp_path / "bad.parquet"
    table(**columns).to_parquet(path)
    with pytest.raises(DataError, match=words):
        read_bars(path)


@pytest.mark.parametrize("kind", ["feather", "parquet"])
def test_missing_columns_empty_tables_and_damage_are_refused(tmp_path: Path, kind: str) -> None:
    """A table without highs, without rows, or cut short, is no market data."""
    path = tmp_path / f"BTCUSDT.{kind}"
    for frame, words in ((table().drop(columns="high"), "There is no column 'high'"), (table()[:0], "no bars")):
        getattr(frame, f"to_{kind}")(path)
        with pytest.raises(DataError, match=words):
            read_bars(path)
    getattr(table(), f"to_{kind}")(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match="cut short or damaged"):
        read_bars(path)
