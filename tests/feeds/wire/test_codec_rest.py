"""REST rows become bars and trades, or an error that shows the row."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bt_run.core.errors import FrameError
from feeds.wire.codec_rest import parse_agg_trades, parse_exchange_info, parse_klines, parse_ticker
from feeds.wire.messages import AggTrade

ROW = [
    1499040000000, "0.01634790", "0.80000000", "0.01575800", "0.01577100", "148976.11427815", 1499644799999,
    "2434.19055334", 308, "1756.87402397", "28.46694368", "17928899.62484339",
]  # fmt: skip
TRADE = {
    "a": 26129, "p": "0.01633102", "q": "4.70443515", "f": 27781, "l": 27783, "T": 1498793709153, "m": True,
    "M": True,
}  # fmt: skip


def changed(place: int, value: Any) -> list[Any]:
    return [*ROW[:place], value, *ROW[place + 1 :]]


def test_a_row_of_klines() -> None:
    """The twelve columns reach their places, with prices to the last digit."""
    page = parse_klines([ROW])
    bars = page.bars

    assert [1499040000000, 1499644799999] == [bars.open_time[0], page.close_time[0]]
    assert [0.0163479, 0.8, 0.015758, 0.015771] == [
        prices[0] for prices in (bars.open, bars.high, bars.low, bars.close)
    ]
    assert [148976.11427815, 2434.19055334, 308.0, 1756.87402397, 28.46694368] == [
        values[0]
        for values in (
            bars.volume, bars.quote_volume, bars.trades, bars.taker_buy_volume, bars.taker_buy_quote_volume
        )
    ]  # fmt: skip


def test_no_rows_are_no_bars() -> None:
    """An empty page is what the exchange answers where a market did not trade."""
    page = parse_klines([])

    assert (0, (0,)) == (len(page.bars), page.close_time.shape)


def test_microseconds_are_told_by_size() -> None:
    """A page asked for in µs gives the same bars."""
    page = parse_klines([[1499040000000000, *ROW[1:6], 1499644799999999, *ROW[7:]]])

    assert [1499040000000, 1499644799999] == [page.bars.open_time[0], page.close_time[0]]


def test_rows_keep_their_order() -> None:
    """What comes out of order, or twice, is shown as it came: the downloader decides."""
    page = parse_klines([changed(0, 1499040060000), ROW, ROW])

    assert [1499040060000, 1499040000000, 1499040000000] == page.bars.open_time.tolist()


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ({"code": -1121, "msg": "Invalid symbol."}, "not a list of klines"),
        ([ROW[:8]], "not a kline of twelve columns"),
        (["x"], "not a kline of twelve columns"),
        ([ROW, changed(4, "abc")], "A cell of a kline is not a number"),
        ([changed(0, None)], "A cell of a kline is not a number"),
        ([changed(2, "0.01")], "that no market has"),
        ([changed(3, "0.016")], "that no market has"),
        ([changed(1, "0")], "that no market has"),
        ([changed(5, "-1")], "that no market has"),
        ([changed(5, "nan")], "that no market has"),
    ],
)
def test_rows_that_are_no_klines_are_refused(rows: Any, problem: str) -> None:
    """The error shows the row."""
    with pytest.raises(FrameError, match=problem) as caught:
        parse_klines(rows)

    shown = rows[-1] if isinstance(rows, list) else rows
    assert json.dumps(shown)[:120] == caught.value.frame


def test_aggregate_trades() -> None:
    """The answer does not name the symbol, so it is given; futures rows may hold the normal quantity."""
    spot = AggTrade("BNBBTC", 26129, 0.01633102, 4.70443515, 27781, 27783, 1498793709153, buyer_is_maker=True)

    assert [spot] == parse_agg_trades([TRADE], "BNBBTC")
    assert [4.5] == [one.normal_quantity for one in parse_agg_trades([{**TRADE, "nq": "4.5"}], "BNBBTC")]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ({"code": -1121}, "not a list of aggregate trades"),
        ([TRADE, 5], "not an aggregate trade"),
        ([{**TRADE, "p": "0"}], "The field 'p' holds"),
        ([{key: value for key, value in TRADE.items() if key != "T"}], "The field 'T' is missing"),
    ],
)
def test_rows_that_are_no_trades_are_refused(rows: Any, problem: str) -> None:
    """The error names the field."""
    with pytest.raises(FrameError, match=problem):
        parse_agg_trades(rows, "BNBBTC")


def test_recorded_pages_decode(shared: Path) -> None:
    """Pages that another project recorded give ascending bars of one interval."""
    recorded = json.loads(gzip.decompress((shared / "realdata/rest/gct-recorded-http.json.gz").read_bytes()))
    routes = recorded["routes"]
    pages = [one["data"] for one in routes["/api/v3/klines"]["GET"]]
    found = [parse_klines(page) for page in pages if isinstance(page, list) and page]
    trades = [one["data"] for one in routes["/api/v3/aggTrades"]["GET"]]

    assert found
    for page in found:
        assert (np.diff(page.bars.open_time) > 0).all()
        assert (page.close_time > page.bars.open_time).all()
    assert any(parse_agg_trades(rows, "BTCUSDT") for rows in trades)


TICKER = {
    "symbol": "BNBBTC", "openPrice": "99.00000000", "highPrice": "100.00000000", "lowPrice": "0.10000000",
    "lastPrice": "4.00000200", "volume": "8913.30000000", "quoteVolume": "15.30000000",
    "closeTime": 1499869899040,
}  # fmt: skip


def test_the_summary_of_a_day() -> None:
    """Open is the price of 24 hours ago, close the last one."""
    ticker = parse_ticker(TICKER)

    assert ("BNBBTC", 99.0, 4.000002) == (ticker.symbol, ticker.open, ticker.close)
    assert (100.0, 0.1, 8913.3, 15.3) == (ticker.high, ticker.low, ticker.volume, ticker.quote_volume)


@pytest.mark.parametrize("answer", [[], None, {**TICKER, "lastPrice": "x"}, {"symbol": "BNBBTC"}])
def test_what_is_no_summary_is_shown(answer: Any) -> None:
    """Never half of one."""
    with pytest.raises(FrameError):
        parse_ticker(answer)


def test_the_rules_of_an_exchange_stay_as_they_are() -> None:
    """Only their shape is looked at: what a symbol's rules hold is for others to read."""
    told = {"rateLimits": [{"rateLimitType": "REQUEST_WEIGHT"}], "symbols": [{"symbol": "BNBBTC"}]}

    assert told == parse_exchange_info(told)
    assert {"symbols": []} == parse_exchange_info({"symbols": []})


@pytest.mark.parametrize(
    "answer",
    [[], None, {}, {"symbols": {}}, {"symbols": [{}]}, {"symbols": [], "rateLimits": {}}, {"symbols": ["X"]}],
)
def test_what_are_no_rules_is_shown(answer: Any) -> None:
    """A proxy's or a broken exchange's answer must not end in a traceback far from here."""
    with pytest.raises(FrameError, match="rules of an exchange"):
        parse_exchange_info(answer)
