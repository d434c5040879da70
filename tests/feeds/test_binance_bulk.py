"""The archive: paths, checksums, units, headers, and what happens when a file is bad."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from exchange_market import archive_path, make_bars, zipped

from bt_run.core.errors import DataError, Disconnected
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS
from feeds.binance_bulk import BinanceArchive, _read, day_file, month_file

HOUR = Interval.parse("1h")
NOVEMBER_2024 = 1_730_419_200_000
JANUARY_2025 = 1_735_689_600_000


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in BAR_COLUMNS)


@pytest.fixture
def archive(exchange):
    return BinanceArchive(exchange.venue, sleep=exchange.sleep)


@pytest.mark.parametrize("market", ["spot", "futures"])
@pytest.mark.parametrize("start", [NOVEMBER_2024, JANUARY_2025])
def test_a_month_comes_whole(exchange, archive, market, start):
    """Milliseconds and microseconds, without header and with one: the same bars."""
    bars = make_bars(HOUR, start, 24 * 40)
    exchange.list_bars("BTCUSDT", HOUR, bars, market=market)
    file = month_file(market, "BTCUSDT", HOUR, start + 5_000_000)
    got = archive.fetch(file)

    assert archive_path(market, "BTCUSDT", HOUR, file.period) == file.path
    assert same(bars.between(file.first, file.last), got)


def test_a_day_comes_whole(exchange, archive):
    """The daily file holds the bars that open on the day."""
    minute = Interval.parse("1m")
    bars = make_bars(minute, JANUARY_2025, 2000)
    exchange.list_bars("BTCUSDT", minute, bars)

    assert same(bars[1440:2000], archive.fetch(day_file("spot", "BTCUSDT", minute, JANUARY_2025 + 86_400_000)))


def test_months_have_a_spelling_of_their_own(exchange, archive):
    """1mo in the path, because 1m is a minute."""
    month = Interval.parse("1M")
    exchange.list_bars("BTCUSDT", month, make_bars(month, JANUARY_2025, 3))
    file = month_file("spot", "BTCUSDT", month, JANUARY_2025)

    assert file.path.endswith("/BTCUSDT/1mo/BTCUSDT-1mo-2025-01.zip")
    assert 1 == len(archive.fetch(file))


def test_what_is_not_there_is_none(exchange, archive):
    """404 is an answer, not an error, and is asked once."""
    exchange.list_bars("BTCUSDT", HOUR, make_bars(HOUR, JANUARY_2025, 5))

    assert archive.fetch(month_file("spot", "BTCUSDT", HOUR, NOVEMBER_2024)) is None
    assert 1 == len(exchange.requests)


@pytest.mark.parametrize("fault", ["bad_checksum", "corrupt_zip"])
def test_a_bad_file_is_fetched_a_second_time(exchange, archive, fault):
    """Once bad, then good: nobody needs to know."""
    bars = make_bars(HOUR, NOVEMBER_2024, 720)
    exchange.list_bars("BTCUSDT", HOUR, bars)
    with getattr(exchange, fault)(times=1):
        got = archive.fetch(month_file("spot", "BTCUSDT", HOUR, NOVEMBER_2024))

    assert same(bars, got)


@pytest.mark.parametrize(("fault", "words"), [("bad_checksum", "sha256"), ("corrupt_zip", "sha256|damaged")])
def test_a_file_that_stays_bad_is_refused(exchange, archive, fault, words):
    """Twice bad: two downloads, then an error with the file's name."""
    exchange.list_bars("BTCUSDT", HOUR, make_bars(HOUR, NOVEMBER_2024, 720))
    with getattr(exchange, fault)(times=None), pytest.raises(DataError, match=words) as caught:
        archive.fetch(month_file("spot", "BTCUSDT", HOUR, NOVEMBER_2024))

    assert "BTCUSDT-1h-2024-11.zip" in str(caught.value)
    assert 4 == len(exchange.requests)


def test_a_missing_checksum_is_a_fault(exchange, archive):
    """A file that cannot be verified is not taken."""
    exchange.list_bars("BTCUSDT", HOUR, make_bars(HOUR, NOVEMBER_2024, 720))
    with exchange.not_there(".CHECKSUM"), pytest.raises(DataError, match="no checksum"):
        archive.fetch(month_file("spot", "BTCUSDT", HOUR, NOVEMBER_2024))


@pytest.mark.parametrize("fault", ["drop", "reset_mid_page", "server_error"])
def test_a_broken_connection_is_tried_again(exchange, archive, fault):
    """With pauses, as REST does."""
    bars = make_bars(HOUR, NOVEMBER_2024, 720)
    exchange.list_bars("BTCUSDT", HOUR, bars)
    with getattr(exchange, fault)(path=".zip", times=2):
        got = archive.fetch(month_file("spot", "BTCUSDT", HOUR, NOVEMBER_2024))

    assert same(bars, got)
    assert 2 == len(exchange.slept)


def test_a_limit_of_the_host_passes_with_pauses(exchange, archive):
    """429 from the archive: there is no budget that waits, so the pauses grow."""
    bars = make_bars(HOUR, NOVEMBER_2024, 720)
    exchange.list_bars("BTCUSDT", HOUR, bars)
    with exchange.refuse(429, path=".zip", times=3):
        got = archive.fetch(month_file("spot", "BTCUSDT", HOUR, NOVEMBER_2024))

    assert same(bars, got)
    assert exchange.slept[2] > exchange.slept[0] > 0


def test_a_host_that_is_gone_is_said_so(exchange, archive):
    """After some attempts."""
    exchange.stop()
    with pytest.raises(Disconnected, match="refused the connection"):
        archive.fetch(month_file("spot", "BTCUSDT", HOUR, NOVEMBER_2024))


def test_a_file_of_another_month_is_refused(exchange, archive):
    """The bars must lie in the period of the name."""
    exchange.list_bars("BTCUSDT", HOUR, make_bars(HOUR, NOVEMBER_2024, 720))
    honest = month_file("spot", "BTCUSDT", HOUR, NOVEMBER_2024)
    packed = archive._get(honest.path, what="x")
    with pytest.raises(DataError, match="another time"):
        _read(month_file("spot", "BTCUSDT", HOUR, JANUARY_2025), packed)


@pytest.mark.parametrize(
    ("name", "rows"),
    [("BTCUSDT-1h-2024-12", 744), ("BTCUSDT-1h-2025-01", 744), ("um-futures-ALGOUSDT-1m-2025-02", 40_320)],
)
def test_real_files_of_the_archive_are_read(shared, name, rows):
    """As Binance packed them: ms, µs, and futures with a header."""
    text = gzip.decompress((shared / f"realdata/klines/binance-bulk/{name}.csv.gz").read_bytes()).decode()
    market = "futures" if "futures" in name else "spot"
    symbol, interval, year, month = name.removeprefix("um-futures-").split("-")
    first = int(np.datetime64(f"{year}-{month}", "ms").astype(np.int64))
    file = month_file(market, symbol, Interval.parse(interval), first)
    bars = _read(file, zipped("x.csv", text))

    assert rows == len(bars)
    assert file.first == int(bars.open_time[0])
