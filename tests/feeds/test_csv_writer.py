"""What is written is read back to the last bit."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bt_run.core.errors import ConfigError
from bt_run.core.market import BAR_COLUMNS, Bars
from feeds import read_bars
from feeds.csv_writer import write_bars

ENDINGS = ("csv", "csv.gz", "parquet")
PRICE = st.floats(min_value=1e-12, max_value=1e12)
VOLUME = st.one_of(st.floats(min_value=0, max_value=1e18), st.just(float("nan")))


def bars_of(count: int, *, first: int = 1_502_928_000_000, step: int = 3_600_000) -> Bars:
    closes = 4000.14 + 0.1 * np.arange(count)
    return Bars.of(
        first + step * np.arange(count),
        open=closes - 0.3,
        high=closes + 1 / 3,
        low=closes - 1 / 3,
        close=closes,
        volume=np.arange(count) * 1e-8,
        quote_volume=np.arange(count) * 1e9 / 7,
        trades=np.arange(count),
        taker_buy_volume=np.arange(count) / 3,
        taker_buy_quote_volume=np.arange(count) / 9,
    )


def assert_equal(expected: Bars, actual: Bars) -> None:
    for name in BAR_COLUMNS:
        np.testing.assert_array_equal(getattr(expected, name), getattr(actual, name), err_msg=name)


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_form_comes_back_whole(tmp_path: Path, ending: str) -> None:
    """All ten columns of a thousand bars survive in each of the three forms."""
    path = tmp_path / f"BTCUSDT-1h.{ending}"
    write_bars(path, bars_of(1000))
    found = read_bars(path)

    assert_equal(bars_of(1000), found.bars)
    assert ("BTCUSDT", "1h", ()) == (found.symbol, str(found.interval), found.warnings)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prices=st.lists(PRICE, min_size=2, max_size=6), volume=VOLUME, ending=st.sampled_from(ENDINGS))
def test_every_float_comes_back_to_the_last_bit(
    tmp_path: Path, prices: list[float], volume: float, ending: str
) -> None:
    """No price and no volume is rounded, and unknown stays unknown."""
    volumes = [volume, *[1.0] * (len(prices) - 1)]
    times = 1_502_928_000_000 + 60_000 * np.arange(len(prices))
    bars = Bars.of(times, open=prices, high=prices, low=prices, close=prices, volume=volumes)
    path = tmp_path / f"BTCUSDT-1m.{ending}"
    write_bars(path, bars)

    assert_equal(bars, read_bars(path).bars)


def test_the_text_is_that_of_the_sample(tmp_path: Path) -> None:
    """Header, ISO times and plain numbers, as in the file that ships with bt-run."""
    path = tmp_path / "BTCUSDT-1h.csv"
    write_bars(path, bars_of(2))
    lines = path.read_text().splitlines()

    assert ",".join(BAR_COLUMNS) == lines[0]
    assert lines[1].startswith("2017-08-17T00:00:00Z,3999.8399999999997,4000.4733333333334,")
    assert lines[1].endswith(",4000.14,0,0,0,0,0")


def test_times_off_the_second_keep_their_milliseconds(tmp_path: Path) -> None:
    """Bars of February 2018 open at hh:28:14.789."""
    path = tmp_path / "BTCUSDT-1h.csv"
    write_bars(path, bars_of(3, first=1_518_164_894_789))

    assert path.read_text().splitlines()[1].startswith("2018-02-09T08:28:14.789Z,")
    assert_equal(bars_of(3, first=1_518_164_894_789), read_bars(path).bars)


def test_a_column_without_a_known_value_is_left_out(tmp_path: Path) -> None:
    """A source without trade counts makes a file without them."""
    path = tmp_path / "BTCUSDT-1d.csv"
    write_bars(
        path, Bars.of([0, 86_400_000], open=[1, 1], high=[1, 1], low=[1, 1], close=[1, 1], volume=[5, 6])
    )

    assert "open_time,open,high,low,close,volume" == path.read_text().splitlines()[0]


def test_the_same_bars_give_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of the clock goes into a file, not even into the gzip header."""
    for ending in ENDINGS:
        one, other = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
        write_bars(one, bars_of(50))
        write_bars(other, bars_of(50))

        assert one.read_bytes() == other.read_bytes()


def test_no_bars_make_a_header(tmp_path: Path) -> None:
    """An empty series is a file with all columns and no row."""
    path = tmp_path / "a.csv.gz"
    write_bars(path, bars_of(0))

    assert ",".join(BAR_COLUMNS) + "\n" == gzip.decompress(path.read_bytes()).decode()


def test_an_unknown_ending_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """The message names the endings that there are."""
    with pytest.raises(ConfigError, match=r"End it in \.csv, \.csv\.gz, \.parquet"):
        write_bars(tmp_path / "a.xlsx", bars_of(2))

    assert [] == list(tmp_path.iterdir())
