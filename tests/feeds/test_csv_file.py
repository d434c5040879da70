"""Files of every shape load, or are refused in words that tell what to do."""

from __future__ import annotations

import gzip
import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import DataError
from bt_run.core.market import Interval
from feeds import read_bars

HEAD = "open_time,open,high,low,close,volume\n"
ROWS = [f"2024-01-{day:02d},10,12,9,11,5\n" for day in range(1, 11)]
GOOD = HEAD + "".join(ROWS)
BINANCE = (
    "1704067200000,10,12,9,11,5,1704153599999,50,10,2,20,0\n"
    "1704153600000,11,13,10,12,6,1704239999999,60,11,3,30,0\n"
)


def write(folder: Path, data: str | bytes, name: str = "BTCUSDT-1d.csv") -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def replaced(row: int, old: str, new: str) -> str:
    """Give the good file with something changed in one row."""
    return HEAD + "".join(text.replace(old, new) if n == row else text for n, text in enumerate(ROWS))


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        GOOD.rstrip(),
        GOOD + "\n\n",
        "\ufeff" + GOOD,
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace(",", ", "),
        GOOD.replace(",", ";").replace(";12;", ";12,0;"),
        "# a banner\nanother, with commas\n" + GOOD,
        GOOD.replace("open_time", '"Date"').replace("open,", '"Open",'),
        GOOD.upper(),
        GOOD.replace("volume", "volum\xe9").encode("latin-1"),
        gzip.compress(GOOD.encode()),
    ],
    ids=[
        "plain", "crlf", "cr", "no last line end", "empty lines", "bom", "semicolon", "tab", "spaces",
        "decimal comma", "banner", "quotes", "capitals", "latin-1 in an unused name", "gzip",
    ],
)  # fmt: skip
def test_ways_to_write_a_file(tmp_path: Path, data: str | bytes) -> None:
    """Line ends, delimiters, byte order marks, banners, quotes and packing do not matter."""
    found = read_bars(write(tmp_path, data))

    assert (10, "BTCUSDT", "1d", ()) == (len(found.bars), found.symbol, str(found.interval), found.warnings)
    assert [12.0] * 10 == found.bars.high.tolist()


@pytest.mark.parametrize(
    ("data", "line", "column", "words"),
    [
        ("", None, None, "The file is empty"),
        ("\n \n", None, None, "The file is empty"),
        (HEAD, None, None, "a header but no bars"),
        (bytes(range(256)) * 20, None, None, "This is not text"),
        (GOOD.encode("utf-16"), None, None, "UTF-16 text. Save it as UTF-8"),
        ("<!DOCTYPE html><html>", None, None, "a web page"),
        ("hello\nworld\n", None, None, "No line names the columns open, high, low and close"),
        (GOOD.replace(",", " "), 1, None, "not set apart by commas"),
        (
            GOOD.replace("high", "top"),
            1,
            None,
            "There is no column 'high'. The header names: open_time, open, top",
        ),
        (GOOD.replace("open_time", "number"), 1, None, "no column with the time"),
        (GOOD.replace("volume", "Close"), 1, None, "names 'close' twice"),
        (replaced(1, ",9,", ",abc,"), 3, "low", "'abc' is not a number"),
        (replaced(3, "2024-01-04", "yesterday"), 5, "open_time", "'yesterday' is not a time"),
        (replaced(0, "2024-01-01", "tomorrow"), 1, "open_time", "'tomorrow' is not a time that bt-run knows"),
        (replaced(2, ",9,", ",,"), 4, "low", "the price is missing"),
        (replaced(2, ",9,", ",0,"), 4, "low", "0 is not a price above zero"),
        (replaced(2, "10,12,9", "-10,12,-12"), 4, "open", "-10 is not a price above zero"),
        (replaced(2, ",12,", ",inf,"), 4, "high", "inf is not a price"),
        (replaced(2, ",12,", ",10.5,"), 4, "high", "the high 10.5 is below the close 11"),
        (replaced(2, ",9,", ",10.5,"), 4, "low", "the low 10.5 is above the open 10"),
        (replaced(2, ",5\n", ",-5\n"), 4, "volume", "the volume -5 is below zero"),
        (GOOD + "2024-01-11,10,12", 12, None, "The line has 3 columns, but the file has 6"),
        (replaced(2, ",5\n", ",5,6\n"), 4, None, "The line has 7 columns, but the file has 6"),
        (GOOD + GOOD, 12, "open", "'open' is not a number"),
        (GOOD.encode() + b"2024-01-11,10,12,9,11,\xe9\xff\n", 12, "volume", "is not a number"),
        (
            HEAD + "1704067200,1,1,1,1,1\n1704153600000,1,1,1,1,1\n",
            3,
            None,
            "in milliseconds, but the rows before",
        ),
        (
            BINANCE + BINANCE.replace("00000,", "00000000,", 1),
            3,
            None,
            "Binance changed its files to microseconds",
        ),
        ("1704067200,10,12,9,11,5\n", 1, None, "no header line and 6 columns: their order can only be guessed"),
        (HEAD + "".join(ROWS[n] for n in (0, 3, 2, 5, 4, 7, 6, 9)), 4, None, "the time goes back"),
        (
            HEAD + "".join(f"2024-01-0{1 + n // 4},1,1,1,1,{n}\n" for n in range(12)),
            3,
            None,
            "The times are lost",
        ),
        (
            "date,open,high,low,close\n01/02/2024,1,1,1,1\n02/02/2024,1,1,1,1\n",
            None,
            None,
            "day first or month first",
        ),
        (
            "date,symbol,open,high,low,close\n2024-01-01,A,1,1,1,1\n2024-01-01,B,1,1,1,1\n",
            None,
            None,
            "2 markets",
        ),
    ],
)
def test_a_bad_file_is_refused_by_line_and_column(
    tmp_path: Path, data: str | bytes, line: int | None, column: str | None, words: str
) -> None:
    """The error names the file, the line as an editor counts it, the column, and what is wrong."""
    path = write(tmp_path, data)
    with pytest.raises(DataError) as caught:
        read_bars(path)

    assert words in str(caught.value)
    assert (line, column) == (caught.value.line, caught.value.column)
    assert str(path) in str(caught.value)
    assert 3 == caught.value.exit_code


def test_line_numbers_count_banners_and_empty_lines(tmp_path: Path) -> None:
    """The line is the one that an editor shows, also in a file that runs newest first."""
    data = "# banner\n\n" + HEAD + "\n" + "".join(reversed(ROWS[5:])) + "\n" + ROWS[4].replace(",9,", ",-9,")
    with pytest.raises(DataError) as caught:
        read_bars(write(tmp_path, data))

    assert (11, "low") == (caught.value.line, caught.value.column)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """A path that is no file says which of the two it is."""
    with pytest.raises(DataError, match="There is no such file"):
        read_bars(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="This is a folder"):
        read_bars(tmp_path)


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    """A file that may not be read is refused with the system's reason."""
    path = write(tmp_path, GOOD)
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # root may read everything, so read as nobody
        os.seteuid(65_534)
    try:
        with pytest.raises(DataError, match="cannot be read: permission denied"):
            read_bars(path)
    finally:
        os.seteuid(user)


def test_damaged_packing_is_refused(tmp_path: Path) -> None:
    """A gzip or zip that was cut short is refused."""
    packed = gzip.compress(GOOD.encode())
    with zipfile.ZipFile(tmp_path / "good.zip", "w") as archive:
        archive.writestr("BTCUSDT-1d.csv", GOOD)
    zipped = (tmp_path / "good.zip").read_bytes()

    for name, data in (
        ("a.csv.gz", packed[: len(packed) // 2]),
        ("b.zip", zipped[:60]),
        ("c.zip", b"PK\x03\x04junk"),
    ):
        with pytest.raises(DataError, match="cut short or damaged"):
            read_bars(write(tmp_path, data, name))
    with pytest.raises(DataError, match="cut short or damaged"):
        read_bars(write(tmp_path, zipped.replace(b"2024-01-05", b"2024-01-06"), "crc.zip"))


def test_a_zip_holds_one_file(tmp_path: Path) -> None:
    """A zip of one data file is read under that file's name; a zip of two is refused."""
    for name, members in (("one.zip", ["ETHUSDT-1d.csv", "__MACOSX/x"]), ("two.zip", ["a.csv", "b.csv"])):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member in members:
                archive.writestr(member, GOOD)

    assert "ETHUSDT" == read_bars(tmp_path / "one.zip").symbol
    with pytest.raises(DataError, match=r"The zip holds 2 files \(a.csv, b.csv\)"):
        read_bars(tmp_path / "two.zip")


def test_binance_klines_without_header_fill_every_column(tmp_path: Path) -> None:
    """The twelve columns land where they belong, in ms, seconds and microseconds alike."""
    seconds = BINANCE.replace("1704067200000", "1704067200.0").replace("1704153600000,", "1704153600.0,")
    micro = BINANCE.replace("00000,", "00000000,").replace("99999,", "99999999,")
    for text in (BINANCE, seconds, micro):
        bars = read_bars(write(tmp_path, text)).bars

        assert [1704067200000, 1704153600000] == bars.open_time.tolist()
        assert [11.0, 12.0] == bars.close.tolist()
        assert [50.0, 60.0] == bars.quote_volume.tolist()
        assert [10.0, 11.0] == bars.trades.tolist()
        assert [2.0, 3.0] == bars.taker_buy_volume.tolist()
        assert [20.0, 30.0] == bars.taker_buy_quote_volume.tolist()


def test_newest_first_is_turned_around(tmp_path: Path) -> None:
    """A file that runs newest first gives the same bars, without a warning."""
    rows = [row.replace(",5\n", f",{number}\n") for number, row in enumerate(ROWS)]
    found = read_bars(write(tmp_path, HEAD + "".join(reversed(rows))))

    assert list(map(float, range(10))) == found.bars.volume.tolist()
    assert () == found.warnings


def test_the_row_written_last_counts(tmp_path: Path) -> None:
    """Of two rows with one time the lower counts, or the upper where the file runs newest first."""
    other = ROWS[4].replace(",11,", ",11.5,")
    forward = read_bars(write(tmp_path, HEAD + "".join([*ROWS[:5], other, *ROWS[5:]])))
    backward = read_bars(write(tmp_path, HEAD + "".join([*ROWS[:4:-1], other, *ROWS[4::-1]])))
    warning = "1 time stood twice with different values; the one written last counts: 2024-01-05 00:00"

    for found in (forward, backward):
        assert 10 == len(found.bars)
        assert 11.5 == found.bars.close[4]
        assert (warning,) == found.warnings


def test_identical_rows_count_once(tmp_path: Path) -> None:
    """Rows that are alike in everything are one bar, and a warning counts them."""
    found = read_bars(write(tmp_path, HEAD + "".join(row * 2 for row in ROWS)))

    assert 10 == len(found.bars)
    assert ("10 rows stood twice, alike, and counted once: 2024-01-01 00:00, 2024-01-02 00:00, 2024-01-03 00:00, ...",) == found.warnings  # fmt: skip  # noqa: E501


def test_given_symbol_and_interval_win(tmp_path: Path) -> None:
    """What the caller gives is taken; an interval that the bars do not have is refused."""
    path = write(tmp_path, GOOD, "BTCUSDT-1h.csv")
    found = read_bars(path, symbol="mine", interval=Interval.parse("1d"))

    assert ("mine", "1d", ()) == (found.symbol, str(found.interval), found.warnings)
    with pytest.raises(DataError, match="The bars are 1d apart, not 1h"):
        read_bars(path, interval=Interval.parse("1h"))


def test_a_name_that_contradicts_the_bars_is_doubted(tmp_path: Path) -> None:
    """Where name and bars disagree the bars are believed, with a warning."""
    found = read_bars(write(tmp_path, GOOD, "BTCUSDT-1h.csv"))

    assert "1d" == str(found.interval)
    assert ("the name says 1h, but the bars are 1d apart: taken as 1d",) == found.warnings


def test_one_bar_needs_an_interval(tmp_path: Path) -> None:
    """One bar has no distance: the name or the caller must tell."""
    with pytest.raises(DataError, match="one bar does not tell its interval"):
        read_bars(write(tmp_path, HEAD + ROWS[0], "BTC.csv"))

    assert "4h" == str(read_bars(tmp_path / "BTC.csv", interval=Interval.parse("4h")).interval)


def test_the_digest_is_of_the_file_on_disk(tmp_path: Path) -> None:
    """The sha256 is that of the packed file, not of what is in it."""
    data = gzip.compress(GOOD.encode())

    assert hashlib.sha256(data).hexdigest() == read_bars(write(tmp_path, data)).sha256


def test_close_times_become_open_times(tmp_path: Path) -> None:
    """A file with close times only gives the opens that belong to them, the zone honoured."""
    rows = [f"1,1,1,1,2024-01-01 00:0{minute}:59.999000+01:00\n" for minute in range(3)]
    found = read_bars(write(tmp_path, "open,high,low,close,close_datetime\n" + "".join(rows)))
    first = np.datetime64("2023-12-31T23:00", "ms").astype(int)

    assert [first, first + 60_000, first + 120_000] == found.bars.open_time.tolist()


@pytest.mark.parametrize("name", ["BTCUSDT-1M.csv", "BTCUSDT.csv"])
def test_monthly_bars(tmp_path: Path, name: str) -> None:
    """Bars a month apart are monthly, whatever the months' lengths; a missing month is a gap."""
    months = [f"2024-{month:02d}-01,1,1,1,1,1\n" for month in (1, 2, 3, 4, 6, 7)]
    found = read_bars(write(tmp_path, HEAD + "".join(months), name))

    assert "1M" == str(found.interval)
    assert ("1 gap, 1 bar missing: after 2024-04-01 00:00 (1 bar)",) == found.warnings


def test_weekends_of_daily_stocks_are_not_gaps(tmp_path: Path) -> None:
    """Bars that never fall on a weekend miss none; a missing Wednesday is a gap."""
    days = [np.datetime64("2024-01-01") + day for day in range(28)]
    rows = [f"{day},1,1,1,1,1\n" for day in days if np.is_busday(day) and day != np.datetime64("2024-01-17")]
    found = read_bars(write(tmp_path, HEAD + "".join(rows)))

    assert ("1 gap, 1 bar missing: after 2024-01-16 00:00 (1 bar)",) == found.warnings


@given(st.lists(st.floats(min_value=1e-8, max_value=1e8), min_size=1, max_size=30))
def test_every_number_is_the_float_that_python_reads(
    tmp_path_factory: pytest.TempPathFactory, prices: list[float]
) -> None:
    """Reading rounds as float() does: engines that read by themselves get the same numbers."""
    start = np.datetime64("2024-01-01")
    rows = [f"{start + n},{price!r},{price!r},{price!r},{price!r},1\n" for n, price in enumerate(prices)]
    found = read_bars(write(tmp_path_factory.mktemp("floats"), HEAD + "".join(rows)))

    assert prices == found.bars.close.tolist()


def test_a_file_of_many_blocks_is_read_whole(tmp_path: Path) -> None:
    """A file larger than the pieces in which it is parsed loses no row and no order."""
    times = 1_704_067_200_000 + 60_000 * np.arange(60_000)
    rows = [f"{time},1,2,0.5,1.5,{number}\n" for number, time in enumerate(times)]
    found = read_bars(write(tmp_path, "time,open,high,low,close,volume\n" + "".join(rows)))

    assert (tmp_path / "BTCUSDT-1d.csv").stat().st_size > 1 << 20
    assert list(map(float, range(60_000))) == found.bars.volume.tolist()
    assert times.tolist() == found.bars.open_time.tolist()
