"""Every real kline file loads as expected, or is refused with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bt_run.core.errors import DataError
from bt_run.core.market import BarFile
from feeds import read_bars

BARE = "Binance klines without header"
BULK = "Binance klines with header"
CDD = "CryptoDataDownload"
CDD_BARE = "CryptoDataDownload without header"
FREQTRADE = "freqtrade JSON"
NAMED = "CSV with header"

Row = tuple[str, int, str, str, str, tuple[str, ...]]

# file, bars, symbol, interval, format, parts of the warnings (as many as there are)
EXPECTED: list[Row] = [
    ("binance-bulk/ADABTC-1m-2021-11-27.csv", 10, "ADABTC", "1m", BARE, ()),
    ("binance-bulk/BTCUSDT-1h-2024-11.csv.gz", 720, "BTCUSDT", "1h", BARE, ()),
    ("binance-bulk/BTCUSDT-1h-2024-12.csv.gz", 744, "BTCUSDT", "1h", BARE, ()),
    ("binance-bulk/BTCUSDT-1h-2025-01.csv.gz", 744, "BTCUSDT", "1h", BARE, ()),
    ("binance-bulk/BTCUSDT-1h-2025-02.csv.gz", 672, "BTCUSDT", "1h", BARE, ()),
    ("binance-bulk/BTCUSDT-1h-2025-03.csv.gz", 744, "BTCUSDT", "1h", BARE, ()),
    ("binance-bulk/um-futures-ALGOUSDT-1m-2025-02.csv.gz", 40320, "ALGOUSDT", "1m", BULK, ()),
    (
        "cryptodatadownload/Binance_BTCUSDT_1h.csv.gz",
        34349,
        "BTCUSDT",
        "1h",
        CDD_BARE,
        ("2649 times stood twice with different values", "8 gaps, 16 bars missing"),
    ),
    (
        "cryptodatadownload/Binance_BTCUSDT_d-urlheader.csv.gz",
        1624,
        "BTCUSDT",
        "1d",
        CDD,
        ("1 time stood twice with different values; the one written last counts: 2017-12-18 00:00",),
    ),
    (
        "cryptodatadownload/Binance_BTCUSDT_d.csv.gz",
        1434,
        "BTCUSDT",
        "1d",
        CDD_BARE,
        ("1 time stood twice with different values",),
    ),
    ("cryptodatadownload/Coinbase_BTCUSD_1h.csv.gz", 20111, "BTCUSD", "1h", CDD, ("ran back in 5 places",)),
    (
        "cryptodatadownload/Coinbase_BTCUSD_d.csv.gz",
        1770,
        "BTCUSD",
        "1d",
        CDD,
        ("1 gap, 12 bars missing: after 2019-03-19 00:00",),
    ),
    ("freqtrade/BNB_USDT-1d.json.gz", 1800, "BNBUSDT", "1d", FREQTRADE, ()),
    ("freqtrade/BTC_USDT-1d.json.gz", 1881, "BTCUSDT", "1d", FREQTRADE, ()),
    (
        "freqtrade/BTC_USDT-1h.json.gz",
        45024,
        "BTCUSDT",
        "1h",
        FREQTRADE,
        ("27 gaps, 127 bars missing: after 2017-09-06 16:00 (6 bars), after 2018-01-04 03:00 (1 bar)",),
    ),
    ("freqtrade/BTC_USDT-1m-202109.json.gz", 43079, "BTCUSDT", "1m", FREQTRADE, ("1 gap, 120 bars missing",)),
    ("freqtrade/BTC_USDT-4h.json.gz", 11271, "BTCUSDT", "4h", FREQTRADE, ("8 gaps, 16 bars missing",)),
    ("freqtrade/ETH_USDT-1d.json.gz", 1881, "ETHUSDT", "1d", FREQTRADE, ()),
    ("freqtrade/XRP_ETH-1m.feather", 2469, "XRPETH", "1m", "feather", ("676 gaps, 1091 bars missing",)),
    ("header-csv/BNBUSDT_H4-2018-2026.csv.gz", 18856, "BNBUSDT", "4h", NAMED, ("8 gaps, 16 bars missing",)),
    (
        "header-csv/BTCUSDT-1m-2024-03.csv.gz",
        30900,
        "BTCUSDT",
        "1m",
        NAMED,
        ("30 rows stood twice, alike", "24 times stood twice with different values"),
    ),
    ("header-csv/BTCUSDT_1d-2017-2025.csv.gz", 2871, "BTCUSDT", "1d", NAMED, ()),
    ("header-csv/BTCUSDT_1d-2018-2021.csv.gz", 1144, "BTCUSDT", "1d", NAMED, ()),
    (
        "header-csv/BTCUSDT_1h-2023-2025.feather",
        18000,
        "BTCUSDT",
        "1h",
        "feather",
        ("1 gap, 1 bar missing: after 2023-03-24 12:00",),
    ),
    ("header-csv/BTCUSDT_1m-2024-12.csv.gz", 41761, "BTCUSDT", "1m", NAMED, ()),
    ("header-csv/BTCUSDT_4h-2018-2021.csv.gz", 6851, "BTCUSDT", "4h", NAMED, ("8 gaps, 16 bars missing",)),
    ("header-csv/um-futures-BTCUSDT-1h-2024-2025.csv.gz", 17280, "BTCUSDT", "1h", BULK, ()),
    ("header-csv/um-futures-ETHUSDT-1h-2024-2025.csv.gz", 17280, "ETHUSDT", "1h", BULK, ()),
    ("kraken/XBTUSD_1440.csv.gz", 2722, "XBTUSD", "1d", "Kraken", ("11 gaps, 12 bars missing",)),
    ("metatrader/BTCUSD_H1-ddmmyyyy.csv.gz", 54801, "BTCUSD", "1h", NAMED, ("310 gaps, 9029 bars missing",)),
    ("other/bitfinex-1d-btc-usd.csv.gz", 1665, "BTCUSD", "1d", CDD, ("1 gap, 12 bars missing",)),
    ("other/lean-binance-btcusdt-hour.zip", 120, "BTCUSDT", "1h", "LEAN", ()),
    ("permissive/mt5-BTCUSD-1d-2021.csv", 124, "BTCUSD", "1d", NAMED, ()),
    (
        "python-binance/BTCUSDT-15m-2020.csv.gz",
        18470,
        "BTCUSDT",
        "15m",
        BARE,
        ("5 gaps, 59 bars missing: after 2020-02-09 01:45 (4 bars), after 2020-02-19 11:30 (23 bars)",),
    ),
    ("python-binance/BTCUSDT-15m-500rows-ms.csv.gz", 500, "BTCUSDT", "15m", BARE, ()),
    ("python-binance/BTCUSDT-2017-2020-12h.csv.gz", 2452, "BTCUSDT", "12h", BARE, ("1 gap, 1 bar missing",)),
    ("python-binance/BTCUSDT-2017-2020-1d.csv.gz", 1227, "BTCUSDT", "1d", BARE, ()),
    ("python-binance/BTCUSDT-2017-2020-1w.csv.gz", 176, "BTCUSDT", "1w", BARE, ()),
    ("python-binance/BTCUSDT-2017-2020-2h.csv.gz", 14663, "BTCUSDT", "2h", BARE, ("15 gaps, 48 bars missing",)),
    ("python-binance/BTCUSDT-2017-2020-3d.csv.gz", 409, "BTCUSDT", "3d", BARE, ()),
    ("python-binance/BTCUSDT-2017-2020-4h.csv.gz", 7339, "BTCUSDT", "4h", BARE, ("9 gaps, 17 bars missing",)),
    ("python-binance/BTCUSDT-2017-2020-6h.csv.gz", 4899, "BTCUSDT", "6h", BARE, ("3 gaps, 6 bars missing",)),
    ("python-binance/ETHUSDT-2017-2020-12h.csv.gz", 2452, "ETHUSDT", "12h", BARE, ("1 gap, 1 bar missing",)),
    ("python-binance/ETHUSDT-2017-2020-1d.csv.gz", 1227, "ETHUSDT", "1d", BARE, ()),
    ("python-binance/ETHUSDT-2017-2020-1w.csv.gz", 176, "ETHUSDT", "1w", BARE, ()),
    ("python-binance/ETHUSDT-2017-2020-3d.csv.gz", 409, "ETHUSDT", "3d", BARE, ()),
    ("python-binance/ETHUSDT-2017-2020-4h.csv.gz", 7339, "ETHUSDT", "4h", BARE, ("9 gaps, 17 bars missing",)),
    ("python-binance/ETHUSDT-2017-2020-8h.csv.gz", 3676, "ETHUSDT", "8h", BARE, ("1 gap, 3 bars missing",)),
    ("tradingview/BINANCE_BTCUSDT_1D-epoch.csv.gz", 1565, "BTCUSDT", "1d", NAMED, ()),
    ("tradingview/BINANCE_BTCUSDT_1D-isoZ.csv.gz", 1437, "BTCUSDT", "1d", NAMED, ()),
    ("tradingview/BINANCE_BTCUSDT_60-isooffset.csv.gz", 1902, "BTCUSDT", "1h", NAMED, ()),
    ("yahoo/BTC-USD-2019-2024.csv.gz", 1827, "BTCUSD", "1d", "Yahoo CSV", ()),
    ("yahoo/BTC-USD-yfinance-multiheader.csv.gz", 3754, "BTCUSD", "1d", "yfinance CSV", ()),
]

REFUSED = [
    (
        "broken/um-futures-BTCUSDT-5m-2022-07-excel-mangled.csv.gz",
        3,
        "8659 of 8928 rows repeat the time of another row. The times are lost",
    ),
    ("other/gct-BTCUSDT-1d-2019.csv.gz", 1, "no header line and 6 columns: their order can only be guessed"),
]

FIRST_OPEN_TIMES = {
    "python-binance/BTCUSDT-2017-2020-1d.csv.gz": "2017-08-17T00:00",
    "python-binance/BTCUSDT-2017-2020-1w.csv.gz": "2017-08-14T00:00",
    "binance-bulk/BTCUSDT-1h-2024-12.csv.gz": "2024-12-01T00:00",
    "binance-bulk/BTCUSDT-1h-2025-01.csv.gz": "2025-01-01T00:00",
    "cryptodatadownload/Binance_BTCUSDT_1h.csv.gz": "2017-08-17T04:00",
    "cryptodatadownload/Coinbase_BTCUSD_1h.csv.gz": "2017-07-01T11:00",
    "header-csv/BTCUSDT_1m-2024-12.csv.gz": "2024-11-30T23:00",
    "tradingview/BINANCE_BTCUSDT_60-isooffset.csv.gz": "2024-01-21T14:00",
    "metatrader/BTCUSD_H1-ddmmyyyy.csv.gz": "2017-05-23T00:00",
    "other/lean-binance-btcusdt-hour.zip": "2018-05-01T00:00",
    "kraken/XBTUSD_1440.csv.gz": "2013-10-06T00:00",
    "yahoo/BTC-USD-yfinance-multiheader.csv.gz": "2015-01-01T00:00",
}

OTHER_PROJECTS = [
    ("backtesting-py/GOOG.csv.gz", 2148, "GOOG", "1d"),
    ("backtesting-py/EURUSD.csv.gz", 5000, "EURUSD", "1h"),
    ("backtesting-py/BTCUSD.csv.gz", 156, "BTCUSD", "1M"),
    ("backtrader/2006-day-001.txt", 255, "2006-day-001", "1d"),
    ("backtrader/2005-2006-day-001.txt", 512, "2005-2006-day-001", "1d"),
    ("backtrader/2006-week-001.txt", 52, "2006-week-001", "1w"),
    ("backtrader/2006-min-005.txt", 2142, "2006-min-005", "5m"),
    ("backtrader/yhoo-2014.txt", 252, "YHOO", "1d"),
    ("backtrader/orcl-1995-2014-yahoo2015.csv.gz", 5036, "ORCL", "1d"),
]


def read(shared: Path, name: str) -> BarFile:
    return read_bars(shared / "realdata" / "klines" / name)


def test_every_file_has_an_expectation(shared: Path) -> None:
    """No file in the folder goes untried."""
    folder = shared / "realdata" / "klines"
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    assert there == {row[0] for row in EXPECTED} | {row[0] for row in REFUSED}


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row[0])
def test_real_file_loads(shared: Path, row: Row) -> None:
    """A real file gives the bars, the market, the interval and the warnings that it should."""
    name, bars, symbol, interval, kind, warnings = row
    found = read(shared, name)

    assert (bars, symbol, interval, kind) == (len(found.bars), found.symbol, str(found.interval), found.format)
    assert [part for part, told in zip(warnings, found.warnings, strict=True) if part not in told] == []
    assert bool((np.diff(found.bars.open_time) > 0).all())


@pytest.mark.parametrize(("name", "line", "reason"), REFUSED)
def test_real_file_is_refused(shared: Path, name: str, line: int, reason: str) -> None:
    """A file whose order would be guessed, or whose times are lost, is refused with file and line."""
    with pytest.raises(DataError) as caught:
        read(shared, name)

    assert reason in str(caught.value)
    assert line == caught.value.line
    assert name in str(caught.value)


@pytest.mark.parametrize(("name", "first"), FIRST_OPEN_TIMES.items())
def test_first_bar_opens_when_it_should(shared: Path, name: str, first: str) -> None:
    """Seconds, ms, us, zones, AM and PM, and close times all come out as open times in UTC."""
    assert np.datetime64(first, "ms") == read(shared, name).bars.open_time[0].astype("datetime64[ms]")


@pytest.mark.parametrize(("name", "bars", "symbol", "interval"), OTHER_PROJECTS)
def test_sample_files_of_other_projects_load(
    shared: Path, name: str, bars: int, symbol: str, interval: str
) -> None:
    """The data files of Backtrader and backtesting.py load."""
    found = read_bars(shared / "realdata" / "results" / name)

    assert (bars, symbol, interval) == (len(found.bars), found.symbol, str(found.interval))


@pytest.mark.parametrize(
    "name",
    [
        "freqtrade/BTC_USDT-1d.json.gz",
        "header-csv/BTCUSDT_1d-2017-2025.csv.gz",
        "header-csv/BTCUSDT_1d-2018-2021.csv.gz",
    ],
)
def test_formats_agree_on_the_same_market(shared: Path, name: str) -> None:
    """The same days of the same market have the same four prices, whatever the format."""
    truth = read(shared, "python-binance/BTCUSDT-2017-2020-1d.csv.gz").bars
    other = read(shared, name).bars
    _, left, right = np.intersect1d(truth.open_time, other.open_time, return_indices=True)

    assert len(left) > 1000
    for column in ("open", "high", "low", "close"):
        assert bool((getattr(truth, column)[left] == getattr(other, column)[right]).all()), column


def test_the_better_of_two_duplicates_is_kept(shared: Path) -> None:
    """Where CryptoDataDownload holds an hour twice, the kept one is the one that Binance has."""
    mixed = read(shared, "cryptodatadownload/Binance_BTCUSDT_1h.csv.gz").bars
    truth = read(shared, "freqtrade/BTC_USDT-1h.json.gz").bars
    start, end = (np.datetime64(text, "ms").astype(int) for text in ("2020-08-02", "2020-11-20T07:00"))
    mixed, truth = mixed.between(start, end), truth.between(start, end)

    assert 2648 - 24 < len(mixed)
    _, left, right = np.intersect1d(mixed.open_time, truth.open_time, return_indices=True)
    for column in ("open", "high", "low", "close"):
        assert bool((getattr(mixed, column)[left] == getattr(truth, column)[right]).all()), column


def test_the_finished_candle_is_kept(shared: Path) -> None:
    """Where a candle was stored unfinished and then again, the final one counts: volume never shrinks."""
    found = read(shared, "header-csv/BTCUSDT-1m-2024-03.csv.gz").bars
    minute = np.searchsorted(found.open_time, np.datetime64("2024-03-22T10:31", "ms").astype(int))

    assert np.datetime64("2024-03-22T10:31", "ms") == found.open_time[minute].astype("datetime64[ms]")
    assert float(np.median(found.volume[-60:])) / 20 < found.volume[minute]


def test_volume_named_by_asset_is_told_from_quote_volume(shared: Path) -> None:
    """In CryptoDataDownload's ``volume_btc,volume`` the first is the volume and the second counts dollars."""
    bars = read(shared, "cryptodatadownload/Coinbase_BTCUSD_d.csv.gz").bars

    assert (1570.08, 12537245.82) == (bars.volume[-1], bars.quote_volume[-1])


def test_unknown_volume_is_nan_not_zero(shared: Path) -> None:
    """A TradingView export without volume gives NaN, and unknown trade counts are NaN too."""
    plain = read(shared, "tradingview/BINANCE_BTCUSDT_1D-isoZ.csv.gz").bars
    mixed = read(shared, "cryptodatadownload/Binance_BTCUSDT_d.csv.gz").bars

    assert bool(np.isnan(plain.volume).all())
    assert bool(np.isnan(mixed.trades[0]))
    assert 8017 == mixed.trades[-1]
