"""Files that downloads write and extend."""

from __future__ import annotations

import numpy as np
import pytest
from exchange_market import make_bars

from bt_run.core.clock import parse_time
from bt_run.core.errors import Banned, ConfigError
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.csv_file import read_bars
from feeds.csv_writer import write_bars
from feeds.fetching.download_file import download_files
from feeds.storage.series import SeriesName

HOUR = Interval.parse("1h")
NAME = SeriesName("BTCUSDT", HOUR)
NOW = parse_time("2026-01-01T12:00")


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in BAR_COLUMNS)


@pytest.fixture
def bars(exchange):
    made = make_bars(HOUR, NOW - 3000 * 3_600_000, 3001)
    exchange.list_bars("BTCUSDT", HOUR, made)
    return made[:-1]


def get(exchange, path, **changes):
    given = {"venue": exchange.venue, "clock": exchange.clock, "sleep": exchange.sleep, "start": 0, **changes}
    return download_files({NAME: path}, **given)[0]


def test_a_download_that_broke_off_goes_on(exchange, tmp_path, bars):
    """No file before the end; the second run asks for the rest only."""
    path = tmp_path / "btc.csv"
    with exchange.refuse(418, path="klines", after=3), pytest.raises(Banned):
        get(exchange, path, source="rest")
    there = path.exists()
    exchange.requests.clear()
    get(exchange, path, source="rest")

    assert not there
    assert len(exchange.queries()) < 4
    assert same(bars, read_bars(path).bars)
    assert [path] == list(tmp_path.iterdir())


def test_a_last_bar_that_was_stored_unfinished_is_mended(exchange, tmp_path, bars):
    """Other programs write the open bar; its final values take its place."""
    path = tmp_path / "btc_1h.csv"
    close = bars.close[:50].copy()
    close[-1] = bars.low[49]
    write_bars(path, Bars(*(close if n == "close" else getattr(bars, n)[:50] for n in BAR_COLUMNS)))
    get(exchange, path)

    assert same(bars, read_bars(path).bars)


def test_gaps_in_a_file_are_filled(exchange, tmp_path, bars):
    """A hole in the middle is asked for like both ends."""
    path = tmp_path / "btc_1h.csv"
    write_bars(path, Bars(*(np.delete(getattr(bars, n), slice(100, 900)) for n in BAR_COLUMNS)))
    result = get(exchange, path, start=int(bars.open_time[0]))

    assert 800 == result.new
    assert same(bars, read_bars(path).bars)


def test_what_a_file_holds_beyond_the_range_is_kept(exchange, tmp_path, bars):
    """A narrower range takes nothing away."""
    path = tmp_path / "btc_1h.csv"
    write_bars(path, bars)
    result = get(exchange, path, start=int(bars.open_time[1000]), end=int(bars.open_time[1100]))

    assert not result.written
    assert same(bars, read_bars(path).bars)


def test_other_prices_are_refused_and_nothing_changes(exchange, tmp_path, bars):
    """The same times, another market."""
    path = tmp_path / "btc_1h.csv"
    write_bars(path, make_bars(HOUR, int(bars.open_time[0]), 100, seed=5))
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="other prices"):
        get(exchange, path)

    assert before == path.read_bytes()


def test_the_refusal_is_repeated_until_forced(exchange, tmp_path, bars):
    """What the first attempt had fetched does not let the second one through."""
    path = tmp_path / "btc_1h.csv"
    write_bars(path, make_bars(HOUR, int(bars.open_time[0]), 100, seed=5))
    for _ in range(2):
        with pytest.raises(ConfigError, match="other prices"):
            get(exchange, path)
    get(exchange, path, force=True)

    assert same(bars, read_bars(path).bars)
