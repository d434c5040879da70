"""Formats are told by names where there are any, and by unmistakable layouts where not."""

from __future__ import annotations

import pytest

from bt_run.core.errors import DataError
from feeds.formats import recognise

KRAKEN = ["1381017600,122.0,123.0,121.0,122.5,0.1,1", "1381104000,122.6,124.0,122.0,123.61,0.1,1"]
LEAN = [
    "20180501 00:00,9246.01,9248.99,8934.44,8955.01,5263.7",
    "20180501 01:00,8955.13,9020.99,8870,8994.99,4347.8",
]


@pytest.mark.parametrize(
    ("lines", "name", "places"),
    [
        (["Date,Open,High,Low,Close,Adj Close,Volume", "2020-01-01,1,1,1,1,9,5"], "Yahoo CSV", (1, 2, 3, 4, 6)),
        (["Time,Open,Close,Low,High,Volume", "2020-01-01,1,1,1,1,5"], "CSV with header", (1, 4, 3, 2, 5)),
        (["CLOSE;LOW;HIGH;OPEN;UNIX;VOL", "1;1;1;1;1577836800;3"], "CSV with header", (3, 2, 1, 0, 5)),
        (["", "Price,Close,High,Low,Open,Volume", "Ticker,A,A,A,A,A", "Date,,,,,", "2020-01-01,1,1,1,1,5"],
         "yfinance CSV", (4, 2, 3, 1, 5)),
        (["<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>", "2020.01.01\t00:00\t1\t1\t1\t1\t5"],
         "MetaTrader CSV", (2, 3, 4, 5, 6)),
        (["time,open,high,low,close,EMA,EMA,Volume,Volume MA", "2020-01-01T00:00:00Z,1,1,1,1,2,2,5,6"],
         "CSV with header", (1, 2, 3, 4, 7)),
        (["date,symbol,open,high,low,close,volume_btc,volume", "2020-01-01,BTCUSD,1,1,1,1,5,6"],
         "CryptoDataDownload", (2, 3, 4, 5, 6)),
        (KRAKEN, "Kraken", (1, 2, 3, 4, 5)),
        (LEAN, "LEAN", (1, 2, 3, 4, 5)),
    ],
)  # fmt: skip
def test_columns_are_found(lines: list[str], name: str, places: tuple[int, ...]) -> None:
    """Open, high, low, close and volume are found in any order and capitalisation."""
    layout = recognise(lines)

    assert name == layout.format
    assert places == tuple(layout.columns[column] for column in ("open", "high", "low", "close", "volume"))


def test_binance_bulk_header_and_ours_fill_all_columns() -> None:
    """The names of Binance's dumps and our own reach every column of a bar."""
    bulk = recognise([
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore",
        "1738368000000,1,1,1,1,2,1738368059999,3,4,5,6,0",
    ])  # fmt: skip
    ours = recognise([
        "open_time,open,high,low,close,volume,quote_volume,trades,taker_buy_volume,taker_buy_quote_volume",
        "2017-08-17T00:00:00Z,1,1,1,1,2,3,4,5,6",
    ])  # fmt: skip

    assert "Binance klines with header" == bulk.format
    assert "bt-run CSV" == ours.format
    assert [1, 2, 3, 4, 5, 7, 8, 9, 10] == list(bulk.columns.values())
    assert [1, 2, 3, 4, 5, 6, 7, 8, 9] == list(ours.columns.values())


def test_date_and_time_apart_are_one_time() -> None:
    """Backtrader's sample files keep date and clock in two columns."""
    layout = recognise(["Date,Time,Open,High,Low,Close,Volume,OpenInterest", "2006-01-02,09:05:00,1,1,1,1,0,0"])

    assert (0, 1) == layout.time


def test_an_unnamed_first_column_may_hold_the_time() -> None:
    """What pandas writes for its index is the time, unless a column is named for it."""
    assert (0,) == recognise([",Open,High,Low,Close", "2004-08-19,1,1,1,1"]).time
    assert (1,) == recognise([",open_time,open,high,low,close", "0,2004-08-19,1,1,1,1"]).time


@pytest.mark.parametrize(
    "lines",
    [
        ["1546300800,23741.687033,3701.23,3797.14,3642,3797.14"],
        ["1546300800,10,12,9,11,5"],
        ["1546300800,10,12,9,11,5,7,8"],
        [line.replace("20180501 0", "2018-05-01 0") for line in LEAN],
        [line.replace(".", "") for line in LEAN],
        ["1381017600,122.5,123.0,121.0,122.0,0.1,1", "1381104000,143.61,144.0,122.0,122.6,0.1,1",
         "1381190400,163.61,164.0,142.0,143.7,0.1,1"],
        ["1704067200000,10,12,9,11,5,1704067100000,50,10,2,20,0"],
        ["1704067200000,10,8,9,11,5,1704153599999,50,10,2,20,0"],
    ],
    ids=["volume first", "six columns", "eight columns", "ISO without header", "scaled shares",
         "open and close swapped", "close time before open time", "high below open"],
)  # fmt: skip
def test_an_order_that_would_be_guessed_is_refused(lines: list[str]) -> None:
    """Without a header only layouts that cannot be mistaken are read; the error says how to go on."""
    with pytest.raises(
        DataError, match=r"their order can only be guessed\. Add a first line that names the columns"
    ):
        recognise(lines)


def test_several_tickers_are_refused() -> None:
    """A yfinance file of two tickers is two markets."""
    with pytest.raises(DataError, match=r"holds 2 tickers \(A, B\)"):
        recognise(["Price,Close,Close,High,Low,Open", "Ticker,A,B,A,A,A", "Date,,,,,", "2020-01-01,1,1,1,1,1"])
