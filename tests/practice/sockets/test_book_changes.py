"""The changes of the book lead from any snapshot to the book, whenever the snapshot was taken."""

from __future__ import annotations

from decimal import Decimal

import pytest
from exchange_market import make_bars
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_run.core.interval import Interval
from bt_run.practice.exchange import Exchange
from bt_run.practice.market import Market
from bt_run.practice.rules import SymbolRules
from bt_run.practice.sockets.book_changes import BookChanges
from bt_run.practice.sockets.stream_name import parse_stream
from bt_run.practice.trading import Trading

STREAM = parse_stream("spot", "btcusdt@depth@100ms")


@pytest.fixture(scope="module")
def make_exchange():
    """Give what makes an exchange that stands at the 60th of three hours of bars."""
    bars = make_bars(Interval.parse("1m"), 1_767_268_800_000, 180)

    def make():
        market = Market.from_bars(bars, Interval.parse("1m"), SymbolRules(), at=60)
        return Exchange({"BTCUSDT": market}, Trading({"USDT": Decimal(1)}))

    return make


def follow(book, frame):
    """Do to a book what Binance tells its clients to do with a frame."""
    for side, levels in ((book["bids"], frame["b"]), (book["asks"], frame["a"])):
        for price, quantity in levels:
            side.pop(price, None)
            if Decimal(quantity):
                side[price] = quantity


def snapshot(market, now):
    """Give the book as GET depth does, by price."""
    bids, asks = market.book(5000, now)
    return {
        "last": market.update_id,
        "bids": {f"{price:.8f}": f"{quantity:.8f}" for price, quantity in bids},
        "asks": {f"{price:.8f}": f"{quantity:.8f}" for price, quantity in asks},
    }


@settings(max_examples=40, deadline=None)
@given(acts=st.lists(st.sampled_from(["step", "step", "step", "frame", "snapshot"]), min_size=5, max_size=60))
def test_every_snapshot_is_led_to_the_book(make_exchange, acts):
    exchange = make_exchange()
    market = exchange.market("BTCUSDT")
    changes = BookChanges()
    changes.open(STREAM, market, exchange.now)
    books, before = [], market.update_id
    for act in [*acts, "step", "frame"]:
        if act == "step":
            exchange.step()
            changes.note((STREAM,), market, exchange.now)
        elif act == "snapshot":
            books.append(snapshot(market, exchange.now))
        elif (frame := changes.take(STREAM, market, exchange.now)) is not None:
            assert (before + 1, market.update_id) == (frame["U"], frame["u"])
            before = frame["u"]
            for book in books:
                if frame["u"] > book["last"]:
                    assert frame["U"] <= book["last"] + 1
                    follow(book, frame)
                    book["last"] = frame["u"]
    now = snapshot(market, exchange.now)
    assert [now] * len(books) == books


def test_without_news_there_is_no_frame(make_exchange):
    exchange = make_exchange()
    market = exchange.market("BTCUSDT")
    changes = BookChanges()
    changes.open(STREAM, market, exchange.now)
    assert changes.take(STREAM, market, exchange.now) is None
    exchange.step()
    assert changes.take(STREAM, market, exchange.now) is not None
    assert changes.take(STREAM, market, exchange.now) is None
