"""A symbol's history in anybody's Backtrader script."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import backtrader as bt
import pytest
from exchange_market import make_bars

from bt_run.core.clock import parse_time
from bt_run.core.errors import ConfigError, DataError
from bt_run.core.interval import Interval
from feeds import HistoryFeed
from feeds.store import Store

HOUR = Interval(1, "h")
START = parse_time("2025-12-01")
BARS = make_bars(HOUR, START, 300)
WANTED: dict[str, Any] = {"start": "2025-12-02", "end": "2025-12-03"}


class Closes(bt.Strategy):
    """Write down every close."""

    def __init__(self) -> None:
        self.closes: list[float] = []

    def next(self) -> None:
        self.closes.append(self.data.close[0])


def run(feed: HistoryFeed) -> list[float]:
    """Give the closes that a strategy sees."""
    cerebro = bt.Cerebro()
    cerebro.adddata(feed)
    cerebro.addstrategy(Closes)
    return cerebro.run()[0].closes


def test_what_is_missing_is_fetched_once(exchange: Any, tmp_path: Path):
    """The first feed downloads; the second finds everything in the store and asks nobody."""
    exchange.list_bars("BTCUSDT", HOUR, BARS)
    first = HistoryFeed("BTCUSDT", "1h", venue=exchange.venue, store=tmp_path, **WANTED)
    asked = len(exchange.paths())
    second = HistoryFeed("btcusdt", HOUR, venue=exchange.venue, store=str(tmp_path), **WANTED)

    assert BARS.close[24:72].tolist() == run(first) == run(second)
    assert asked > 0
    assert asked == len(exchange.paths())


def test_the_feed_says_what_it_is(tmp_path: Path):
    """Timeframe, name and Backtrader's own parameters."""
    Store(tmp_path).write("BTCUSDT", HOUR, BARS)
    options = {"name": "btc", "todate": NAIVE.replace(day=1, hour=5)}
    feed = HistoryFeed("BTCUSDT", "1h", store=Store(tmp_path), download=False, **options)

    assert ("btc", bt.TimeFrame.Minutes, 60) == (feed._name, feed.p.timeframe, feed.p.compression)
    assert BARS.close[:6].tolist() == run(feed)
    assert () == feed.warnings


NAIVE = datetime(2025, 12, 2)  # noqa: DTZ001  # what most scripts pass


@pytest.mark.parametrize("start", ["2025-12-02", NAIVE, NAIVE.replace(tzinfo=UTC), START + 86_400_000])
def test_a_time_may_be_given_in_any_way(tmp_path: Path, start: Any):
    """A date, a datetime with or without a zone, or milliseconds."""
    Store(tmp_path).write("BTCUSDT", HOUR, BARS)
    feed = HistoryFeed("BTCUSDT", "1h", start=start, store=tmp_path, download=False)

    assert BARS.open_time[24] == feed.file.bars.open_time[0]


def test_what_is_noticed_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """As with a file."""
    Store(tmp_path).write("BTCUSDT", HOUR, BARS[100:])
    feed = HistoryFeed("BTCUSDT", "1h", start="2025-12-01", store=tmp_path, download=False)

    assert "never downloaded" in feed.warnings[0]
    assert "BTCUSDT:1h: never downloaded" in caplog.text


def test_without_download_an_empty_store_is_an_error(tmp_path: Path):
    """The network is not touched."""
    with pytest.raises(DataError, match="bt-run data download"):
        HistoryFeed("BTCUSDT", "1h", store=tmp_path, download=False)


def test_nonsense_is_refused(tmp_path: Path):
    """Before anything is asked or written."""
    with pytest.raises(ConfigError, match="not an interval"):
        HistoryFeed("BTCUSDT", "1x", store=tmp_path)
    with pytest.raises(ConfigError, match="not a symbol"):
        HistoryFeed("BTC/USDT", "1h", store=tmp_path)


def test_a_testnets_bars_stay_out_of_the_store_of_real_ones():
    """Without a store of its own nothing is asked and nothing is written."""
    with pytest.raises(ConfigError, match="store="):
        HistoryFeed("BTCUSDT", "1h", start="2024-01-01", venue="testnet")
