"""Names of streams and URLs, read without a connection."""

from __future__ import annotations

import pytest
from yarl import URL

from bt_run.core.interval import BINANCE_INTERVALS
from bt_run.practice.sockets.handshake import read_url
from bt_run.practice.sockets.stream_name import parse_stream


@pytest.mark.parametrize("interval", BINANCE_INTERVALS)
def test_every_interval_has_a_kline_stream(interval):
    stream = parse_stream("spot", f"btcusdt@kline_{interval}")
    assert stream is not None
    assert (stream.kind, stream.symbol, stream.interval) == ("kline", "BTCUSDT", interval)
    assert stream.every_ms == (1000 if interval == "1s" else 2000)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("btcusdt@trade", "trade"),
        ("btcusdt@aggTrade", "aggTrade"),
        ("btcusdt@bookTicker", "bookTicker"),
        ("btcusdt@miniTicker", "miniTicker"),
        ("btcusdt@ticker", "ticker"),
        ("btcusdt@avgPrice", "avgPrice"),
        ("这是测试币456@trade", "trade"),
    ],
)
def test_spot_streams(text, kind):
    stream = parse_stream("spot", text)
    assert stream is not None
    assert stream.kind == kind
    assert stream.symbol == text.split("@")[0].upper()


@pytest.mark.parametrize(
    ("text", "levels", "every"), [("a@depth5", 5, 1000), ("a@depth10", 10, 1000), ("a@depth20@100ms", 20, 100)]
)
def test_depth_has_levels_and_a_beat(text, levels, every):
    stream = parse_stream("spot", text)
    assert stream is not None
    assert (stream.kind, stream.levels, stream.every_ms) == ("depth", levels, every)


@pytest.mark.parametrize(("text", "every"), [("a@depth", 1000), ("a@depth@100ms", 100)])
def test_changes_of_the_book_have_a_beat(text, every):
    stream = parse_stream("spot", text)
    assert stream is not None
    assert (stream.kind, stream.levels, stream.every_ms) == ("depthUpdate", 0, every)


@pytest.mark.parametrize(("ending", "every"), [("", 1000), ("@1000ms", 1000), ("@3000ms", 3000)])
def test_all_mini_tickers_have_a_beat(ending, every):
    stream = parse_stream("spot", "!miniTicker@arr" + ending)
    assert stream is not None
    assert (stream.kind, stream.symbol, stream.every_ms) == ("miniTicker", "", every)


@pytest.mark.parametrize(
    ("zone", "ms"), [("+08:00", 28_800_000), ("-3:30", -12_600_000), ("+0:00", 0), ("+14:00", 50_400_000)]
)
def test_a_kline_stream_may_have_a_time_zone(zone, ms):
    stream = parse_stream("spot", f"btcusdt@kline_1d@{zone}")
    assert stream is not None
    assert (stream.interval, stream.zone_ms) == ("1d", ms)


@pytest.mark.parametrize(
    "text",
    [
        "BTCUSDT@trade", "btcusdt@Trade", "btcusdt", "btcusdt@", "@trade", "btcusdt@kline", "btcusdt@kline_7m",
        "btcusdt@kline_1m ", "btcusdt@kline_1d@+15:00", "btcusdt@kline_1d@+08:75", "btcusdt@depth7",
        "!ticker@arr", "!bookTicker", "btcusdt@forceOrder", "!forceOrder@arr",
        "btcusdt_perpetual@continuousKline_1m",
    ],
)  # fmt: skip
def test_what_spot_does_not_have(text):
    assert parse_stream("spot", text) is None


def test_futures_streams():
    kinds = {
        "btcusdt@aggTrade": ("aggTrade", "BTCUSDT"),
        "btcusdt@kline_1m": ("kline", "BTCUSDT"),
        "btcusdt_perpetual@continuousKline_1s": ("continuousKline", "BTCUSDT"),
        "btcusdt@forceOrder": ("forceOrder", "BTCUSDT"),
        "!forceOrder@arr": ("forceOrder", ""),
    }
    for text, expected in kinds.items():
        stream = parse_stream("futures", text)
        assert stream is not None
        assert (stream.kind, stream.symbol) == expected
    assert parse_stream("futures", "btcusdt@kline_1s") is None
    assert parse_stream("futures", "btcusdt@trade") is None


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("/ws/btcusdt@trade", ("btcusdt@trade",)),
        ("/ws/btcusdt%40trade/ethusdt@kline_1m/", ("btcusdt@trade", "ethusdt@kline_1m")),
        ("/ws", ()),
        ("/stream?streams=a@trade/b@trade/a@trade", ("a@trade", "b@trade")),
        ("/stream?streams=a%40trade%2Fb@trade", ()),
        ("/stream?streams=btcusdt@kline_1d@+08:00", ("btcusdt@kline_1d@+08:00",)),
        ("/market/ws/!forceOrder@arr", ("!forceOrder@arr",)),
        ("/market/stream?streams=%21forceOrder@arr", ("!forceOrder@arr",)),
    ],
)
def test_streams_are_read_from_the_url(url, names):
    found = read_url(URL(f"ws://127.0.0.1{url}", encoded=True))
    if "%2F" in url:  # an encoded slash separates names, too
        names = ("a@trade", "b@trade")
    assert found.names == names


def test_the_time_unit_is_read_also_where_a_client_hangs_it_behind_the_streams():
    whole = read_url(URL("ws://h/stream?streams=a@trade&timeUnit=MICROSECOND", encoded=True))
    assert whole.names == ("a@trade",)
    assert whole.microseconds
    wrong = read_url(URL("ws://h/stream?streams=a@trade/b@trade?timeUnit=microsecond", encoded=True))
    assert wrong.names == ("a@trade", "b@trade")
    assert wrong.microseconds
    assert not read_url(URL("ws://h/ws/a@trade", encoded=True)).microseconds
