"""A series read as a file is, with what was noticed about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bt_run.core.clock import parse_time
from bt_run.core.errors import DataError
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.history import digest_of, read_history
from feeds.storage.series import SeriesName
from feeds.store import Store

HOUR = Interval(1, "h")
H = 3_600_000
START = parse_time("2021-08-12")
NAME = SeriesName("BTCUSDT", HOUR)


def bars_at(times: np.ndarray, value: float = 1.0) -> Bars:
    """Give bars whose every column holds `value`."""
    return Bars.of(times, **dict.fromkeys(BAR_COLUMNS[1:], np.full(len(times), value)))


HOURS = START + np.arange(100, dtype=np.int64) * H


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give a store with a hundred hours."""
    store = Store(tmp_path)
    store.write("BTCUSDT", HOUR, bars_at(HOURS))
    return store


def test_a_series_is_a_file_of_bars(store: Store):
    """Symbol, interval, range; no warning where nothing is missing."""
    file = read_history(store, NAME, start=START + 10 * H, end=START + 20 * H)

    assert ("BTCUSDT", HOUR, 11, ()) == (file.symbol, file.interval, len(file.bars), file.warnings)
    assert Path("BTCUSDT:1h") == file.path
    assert digest_of(bars_at(HOURS[10:21])) == file.sha256


def test_the_digest_is_of_the_values():
    """The same bars give the same digest; one other value another."""
    other = bars_at(HOURS)
    other.close[50] += 1e-9

    assert digest_of(bars_at(HOURS)) == digest_of(bars_at(HOURS))
    assert digest_of(bars_at(HOURS)) != digest_of(other)


def test_gaps_and_ranges_that_were_never_asked_for_are_warnings(tmp_path: Path):
    """A known maintenance is said to be one."""
    store = Store(tmp_path)
    known = (parse_time("2021-08-13T02:00"), parse_time("2021-08-13T06:00"))
    kept = HOURS[(HOURS < known[0]) | (HOURS > known[1])]
    store.write("BTCUSDT", HOUR, bars_at(kept), covers=(START, int(HOURS[-1])))
    inside = read_history(store, NAME).warnings
    outside = read_history(store, NAME, start=START - 5 * H).warnings

    assert ("1 gap, 5 bars missing: after 2021-08-13 01:00 (5 bars); all in known maintenance",) == inside
    assert "never downloaded: 2021-08-11 19:00 to 2021-08-11 23:59" in outside[1]
    assert "--download" in outside[1]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "ETHUSDT:1h",
            "has no bars of ETHUSDT:1h. Get them with: bt-run data download --symbol ETHUSDT --interval 1h",
        ),
        ("BTCUSDT:1h", "in the range asked for, only 2021-08-12 00:00 to 2021-08-16 03:00"),
        ("BTCUSDT:1h:futures", "--market futures"),
    ],
)
def test_nothing_to_read_is_an_error_with_the_command_that_gets_it(store: Store, name: str, words: str):
    """Whoever reads it can copy the command."""
    with pytest.raises(DataError) as caught:
        read_history(store, SeriesName.parse(name), start=parse_time("2024-01-01"))

    assert words in str(caught.value)
