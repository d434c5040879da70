"""What REST gives for a hole reads back as what the stream would have sent."""

from __future__ import annotations

import pytest
from exchange_market import make_bars

from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS
from feeds.binance_rest import BinanceRest
from feeds.fetching.backfill import MOST_ROWS, can_fill, fetch_rows, write_klines
from feeds.wire.codec_rest import parse_backfill
from feeds.wire.continuity import Hole

MINUTE = Interval.parse("1m")
START = 1_767_265_200_000  # an hour before the exchange's time


def hole(stream, first, end):
    return Hole(stream, first, end, START, START, seen_ms=0)


@pytest.fixture
def rest(exchange):
    """Give REST with an hour of bars and 2,500 trades."""
    exchange.list_bars("BTCUSDT", MINUTE, make_bars(MINUTE, START, 62))
    exchange.list_trades(
        "BTCUSDT",
        [
            {"a": number, "p": f"{100 + number / 8}", "q": "0.5", "f": number, "l": number, "T": START + number,
             "m": number % 2 == 0, "M": True}
            for number in range(1, 2501)
        ],
    )  # fmt: skip
    return BinanceRest(exchange.venue, clock=exchange.clock, sleep=exchange.sleep)


def test_missed_bars_come_closed_and_exact(exchange, rest):
    """Equal to the exchange's bars in every column."""
    stream, end = "btcusdt@kline_1m", START + 5 * 60_000
    ((text, rows),) = fetch_rows(rest, hole(stream, START, end))
    klines = parse_backfill(stream, text)
    sold = make_bars(MINUTE, START, 62)[:5]

    assert 5 == rows
    assert all(kline.closed for kline in klines)
    for name in BAR_COLUMNS:
        assert getattr(sold, name).tolist() == [getattr(kline, name) for kline in klines]


def test_the_bar_that_runs_is_not_among_them(rest):
    """An hour is over; the 61st minute is open."""
    pages = list(fetch_rows(rest, hole("btcusdt@kline_1m", START, START + 62 * 60_000)))

    assert [60] == [rows for _, rows in pages]


def test_missed_trades_come_by_id_in_pages(rest):
    """Only the ids of the hole, whatever a page holds beyond."""
    stream = "btcusdt@aggTrade"
    pages = list(fetch_rows(rest, hole(stream, 101, 1701)))
    ids = [trade.agg_id for text, _ in pages for trade in parse_backfill(stream, text)]

    assert [1000, 600] == [rows for _, rows in pages]
    assert list(range(101, 1701)) == ids


def test_a_page_that_ends_with_the_hole_is_the_last_asked_for(exchange, rest):
    """No request in vain."""
    list(fetch_rows(rest, hole("btcusdt@aggTrade", 101, 1101)))

    assert 1 == len(exchange.queries("aggTrades"))


def test_single_trades_and_too_many_rows_are_not_asked_for():
    """REST has single trades for the newest only, and a thousand rows a request."""
    assert can_fill(hole("btcusdt@kline_1M", 0, 1))
    assert not can_fill(hole("btcusdt@kline_1s", 0, 1000 * (MOST_ROWS + 1)))
    assert can_fill(hole("btcusdt@aggTrade", 0, MOST_ROWS))
    assert not can_fill(hole("btcusdt@aggTrade", 0, MOST_ROWS + 1))
    assert not can_fill(hole("btcusdt@trade", 0, 1))


def test_months_end_by_the_calendar():
    """The close time of a monthly bar is the last millisecond of its month."""
    january = 1_767_225_600_000
    month = Interval(1, "M")
    (kline,) = parse_backfill("btcusdt@kline_1M", write_klines(make_bars(month, january, 1), month))

    assert january + 31 * 86_400_000 - 1 == kline.close_time
