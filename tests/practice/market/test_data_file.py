"""From a name to a market: files, captures and the store."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from bt_run.core.errors import ConfigError, DataError
from bt_run.core.interval import Interval
from bt_run.core.market import Bars
from bt_run.practice.events import Print, Printed
from bt_run.practice.market import Market
from bt_run.practice.market.data_file import MarketRequest, load_market, place_of
from bt_run.practice.market.market_payloads import agg_trade_frame, kline_frame
from bt_run.practice.rules import SymbolRules
from feeds.csv_writer import write_bars
from feeds.recording.capture_writer import CaptureWriter
from feeds.store import Store
from feeds.wire.stream_events import Frame

START = 1_704_067_200_000
DAY = 86_400_000


def test_the_shipped_sample_begins_after_its_history(root: Path) -> None:
    loaded = load_market(MarketRequest("btc_1d.csv", data_dir=root / "data"))
    market = loaded.market

    assert (market.symbol, str(market.interval), loaded.note) == ("BTCUSDT", "1d", "synthetic data")
    assert market.rules == SymbolRules()
    assert len(market.klines("1d", now=market.now - 1, limit=1000)) == 500
    assert market.now == 1_502_928_000_000 + 500 * DAY


@pytest.mark.parametrize(
    ("at", "count", "place"),
    [
        ("start", 3000, 500),
        ("start", 1000, 500),
        ("start", 999, 499),
        ("start", 1, 0),
        ("end", 999, 999),
        ("2024-01-03", 10, 2),
        ("2024-01-03T00:00:01", 10, 3),
        ("2020-01-01", 10, 0),
    ],
)
def test_where_the_clock_begins(at: str, count: int, place: int) -> None:
    assert place_of(at, START + DAY * np.arange(count)) == place


@pytest.mark.parametrize(("at", "words"), [("2025-01-01", "before 2025-01-01"), ("soon", "not a date")])
def test_a_clock_that_cannot_begin_is_refused(at: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        place_of(at, START + DAY * np.arange(10))


def test_the_symbol_comes_from_the_name_or_from_the_user(tmp_path: Path, days: Bars) -> None:
    named, nameless = tmp_path / "ETHBTC_1d.csv", tmp_path / "prices.csv"
    for path in (named, nameless):
        write_bars(path, days)

    assert load_market(MarketRequest(str(named))).market.rules.quote == "BTC"
    given = MarketRequest(str(nameless), symbol="FOOBAR", base="FOO", quote="BAR", spread_ticks=2, at="end")
    market = load_market(given).market
    assert (market.symbol, market.rules.base, market.spread_ticks) == ("FOOBAR", "FOO", 2)
    assert market.next_time() is None
    with pytest.raises(ConfigError, match=r"prices\.csv"):
        load_market(MarketRequest(str(nameless)))
    own = SymbolRules(symbol="PRICES", base="P", quote="Q")
    assert load_market(MarketRequest(str(nameless), rules=own)).market.symbol == "PRICES"


def test_a_series_of_the_store(tmp_path: Path, days: Bars) -> None:
    Store(tmp_path).write("ETHUSDT", Interval.parse("1d"), days)
    market = load_market(MarketRequest("ETHUSDT:1d", store=tmp_path)).market

    assert (market.symbol, market.rules.quote) == ("ETHUSDT", "USDT")
    assert market.now == days.open_time[60]


def test_data_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"btc_1h\.csv"):
        load_market(MarketRequest("btc_1h.csv", data_dir=tmp_path))
    with pytest.raises(DataError, match="has no bars of BTCUSDT:1m"):
        load_market(MarketRequest("BTCUSDT:1m", store=tmp_path))


def record(folder: Path, bars: Bars, *, kinds: tuple[str, ...], count: int) -> list[Print]:
    """Write a capture of what a market said; give its prints."""
    market = Market.from_bars(bars, Interval.parse("1m"), SymbolRules())
    writer = CaptureWriter(folder, symbols=["BTCUSDT"], streams=[f"btcusdt@{kind}" for kind in kinds])
    prints = []
    for _ in range(count):
        event = market.step()
        if isinstance(event, Printed):
            prints.append(event.print)
            payload, kind = agg_trade_frame(event.print, market.now), "aggTrade"
        else:
            payload, kind = kline_frame(event.kline, True, market.now), "kline_1m"
        if kind in kinds:
            stream = f"btcusdt@{kind}"
            text = json.dumps({"stream": stream, "data": payload}, separators=(",", ":"))
            writer.write(Frame(market.now, stream, text))
    writer.close()
    return prints


def test_a_capture_with_trades_replays_them(tmp_path: Path, minutes: Bars) -> None:
    recorded = record(tmp_path, minutes, kinds=("aggTrade", "kline_1m"), count=200)
    market = load_market(MarketRequest(str(tmp_path), at="2024-01-01T00:05")).market
    played = []
    while market.next_time() is not None:
        event = market.step()
        played += [event.print] if isinstance(event, Printed) else []

    assert str(market.interval) == "1m"
    assert [dataclasses.replace(one, continuous=False) for one in recorded[40:]] == played
    assert market.rules.tick_size <= SymbolRules().tick_size


def test_a_capture_without_trades_replays_its_bars(tmp_path: Path, minutes: Bars) -> None:
    record(tmp_path, minutes, kinds=("kline_1m",), count=200)
    market = load_market(MarketRequest(str(tmp_path))).market
    rows = market.klines("1m", now=market.now)

    assert [row.open_time for row in rows] == minutes.open_time[: len(rows)].tolist()
    assert [float(row.close) for row in rows[:-1]] == minutes.close[: len(rows) - 1].tolist()
    assert 10 < len(rows) < 13
