"""What the books keep of orders that are over, and what a trade of one that they dropped does."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from brokers.gateway import AccountReport
from brokers.holdings import Ledger
from brokers.live import book_check
from brokers.live.book_check import BookCheck
from brokers.live.desk import Desk
from brokers.order_events import Accepted, Filled, Submitted
from brokers.orders import Order
from brokers.reconciling.views import ExchangeTrade
from brokers.recorder import NoRecord

D = Decimal


class Books:
    """A desk with a check, a clock that the test sets, and an exchange that says nothing by itself."""

    def __init__(self, listener: Any) -> None:
        self.now = 0.0
        self.numbers = count(1)
        ledger = Ledger("USDT", D(10**9)).with_symbol("BTCUSDT", "BTC", "USDT")
        self.desk = Desk(
            SimpleNamespace(), ledger, recorder=NoRecord(), listener=listener, fee_price=lambda *_: None
        )
        self.check = BookCheck(
            self.desk,
            SimpleNamespace(query=lambda *_: None, trades=lambda *_, **__: ()),
            recorder=NoRecord(),
            run_tags=frozenset({"0b"}),
            steps=lambda: {"BTCUSDT": D("0.00001")},
            forget=self.desk.forget,
            clock=lambda: self.now,
        )

    def trade(self) -> ExchangeTrade:
        """Buy and be filled; give the trade as the exchange tells it again later."""
        number = next(self.numbers)
        order = Order(f"btr-0b-{number:08d}", "BTCUSDT", "BUY", "MARKET", quantity=D(1), purpose="entry")
        fill = Filled(number, D(1), D(100), D(0), "USDT", 1000 + number, False)
        self.desk.adopt(order)
        for event in (Submitted(), Accepted(number, 1), fill):
            self.desk.take(order.client_id, event)
        return ExchangeTrade("BTCUSDT", number, number, D(1), D(100), D(0), "USDT", 1000 + number, False)

    def report(self, *trades: ExchangeTrade) -> None:
        """Let a report come."""
        self.check.examine(AccountReport(0, (), {}, trades, {}))


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch, silent: Any) -> Books:
    """Give books that keep ten orders that are over."""
    monkeypatch.setattr(book_check, "_KEEP", 10)
    return Books(silent)


def test_the_last_orders_stay_and_those_before_them_go_after_two_more_reports(books):
    """Each report tells all trades since the one before it; what two have not told does not come."""
    for _ in range(25):
        books.trade()
    books.report()
    books.report()

    assert 25 == len(books.desk.orders) == len(books.desk.ledger.booked)

    books.report()

    assert [f"btr-0b-{number:08d}" for number in range(16, 26)] == list(books.desk.orders)
    assert {("BTCUSDT", number) for number in range(16, 26)} == books.desk.ledger.booked
    assert D(25) == books.desk.ledger.holding("BTCUSDT").quantity


def test_all_go_after_an_hour(books):
    """However few they are."""
    books.trade()
    books.report()
    books.now = 3601.0
    books.report()

    assert ({}, frozenset()) == (books.desk.orders, books.desk.ledger.booked)


def test_memory_is_bounded_however_many_orders_there_are(books):
    """What is kept depends on the orders between two reports, not on all that there were."""
    most = 0
    for _ in range(60):
        for _ in range(5):
            books.trade()
        books.report()
        most = max(most, len(books.desk.orders), len(books.desk.ledger.booked))

    assert most <= 10 + 3 * 5
    assert D(300) == books.desk.ledger.holding("BTCUSDT").quantity


def test_a_trade_that_is_told_again_counts_once_before_and_after_its_order_is_dropped(books):
    """By the stream as an event, or by a report among its trades."""
    trades = [books.trade() for _ in range(25)]
    for _ in range(4):
        for number, told in enumerate(trades, 1):
            again = Filled(number, D(1), D(100), D(0), "USDT", told.time_ms, False)
            books.desk.take(f"btr-0b-{number:08d}", again)
        books.report(*trades)

    assert 10 == len(books.desk.orders)
    assert D(25) == books.desk.ledger.holding("BTCUSDT").quantity


def test_an_open_order_stays_for_ever(books):
    """Its trades are still to come."""
    name = "btr-0b-99999999"
    books.desk.adopt(Order(name, "BTCUSDT", "BUY", "LIMIT", quantity=D(1), price=D(50), purpose="entry"))
    for event in (Submitted(), Accepted(99, 1)):
        books.desk.take(name, event)
    for _ in range(25):
        books.trade()
    for _ in range(5):
        books.report()

    assert name in books.desk.orders
    assert 11 == len(books.desk.orders)


def test_a_sale_that_waits_for_its_purchase_stays(books):
    """It is over on the exchange, but not yet in the books, and is booked when they have enough."""
    name = "btr-0b-99999999"
    books.desk.adopt(Order(name, "BTCUSDT", "SELL", "MARKET", quantity=D(40), purpose="exit"))
    for event in (Submitted(), Accepted(99, 1), Filled(99, D(40), D(100), D(0), "USDT", 500, False)):
        books.desk.take(name, event)
    for _ in range(25):
        books.trade()
    for _ in range(4):
        books.report()

    assert name in books.desk.orders
    assert D(25) == books.desk.ledger.holding("BTCUSDT").quantity

    for _ in range(16):
        books.trade()

    assert D(1) == books.desk.ledger.holding("BTCUSDT").quantity
