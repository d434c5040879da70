"""An order in doubt: asked for until the exchange has told, or has not known it for a minute."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from brokers.order_events import Accepted, CancelSent, Submitted, TimedOut
from brokers.orders import Order, State
from brokers.reconciling.views import ExchangeOrder, ExchangeTrade
from bt_run.run.by_hand.book import after, first_records, order_in
from bt_run.run.by_hand.settle import Settler, is_as_told
from bt_run.run.by_hand.wish import Wish

D = Decimal
ID = "bth-1"
WISH = Wish("BTCUSDT", "BUY", "limit", quantity=D(1), price=D(100))


class Exchange:
    """Answers what the test says."""

    def __init__(self) -> None:
        self.told: ExchangeOrder | None = None
        self.known: tuple[ExchangeTrade, ...] = ()
        self.listed: tuple[ExchangeTrade, ...] = ()
        self.numbered: dict[int, ExchangeOrder] = {}
        self.asked: list[int] = []

    def query(self, symbol, client_id):
        return self.told

    def query_number(self, symbol, exchange_id):
        self.asked.append(exchange_id)
        return self.numbered.get(exchange_id)

    def trades(self, symbol, *, exchange_id=None, start_ms=None):
        return self.known if start_ms is None else self.listed


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def exchange():
    return Exchange()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def settle(exchange, clock):
    settler = Settler(exchange, steady=clock)

    def ask(record):
        return settler.settle(record, now_ms=9)

    ask.troubles = settler.troubles
    return ask


def record(*events):
    """Make an order to which these things have happened."""
    order = Order(ID, "BTCUSDT", "BUY", "LIMIT", quantity=D(1), price=D(100), created_ms=1)
    (made,) = first_records([order], WISH, venue="testnet", key="hand:a", source="hand", now_ms=1)
    return after(made, events, now_ms=2)


def told(status, executed="0"):
    return ExchangeOrder(ID, "BTCUSDT", 7, "BUY", "LIMIT", status, D(1), D(executed), 3, 4, price=D(100))


def trade(number, quantity):
    return ExchangeTrade("BTCUSDT", number, 7, D(quantity), D(100), D(0), "USDT", 5, is_maker=True)


IN_DOUBT = ((), (Submitted(),), (Submitted(), TimedOut("no answer")))


@pytest.mark.parametrize("events", IN_DOUBT)
def test_one_that_arrived_is_found(settle, exchange, events):
    """Also where the process died between writing it down and the answer."""
    exchange.told, exchange.known = told("FILLED", "1"), (trade(1, "0.4"), trade(2, "0.6"))
    order = order_in(settle(record(*events)))

    assert (State.FILLED, 7, D(1)) == (order.state, order.exchange_id, order.executed)


@pytest.mark.parametrize("events", IN_DOUBT)
def test_one_that_never_arrived_is_known_after_a_minute_and_not_before(settle, clock, events):
    """Until then it is UNKNOWN, and a sentence says that it is asked for."""
    now = settle(record(*events))
    clock.now = 59.9
    now = settle(now)
    assert State.UNKNOWN == order_in(now).state
    assert "asked for" in settle.troubles[ID]
    clock.now = 60.0

    assert State.REJECTED == order_in(settle(now)).state
    assert {} == settle.troubles


def test_one_that_a_lagging_copy_denies_is_found_by_its_trades(settle, exchange, clock):
    """A minute of denials is no proof: what was traded is asked for by its order's number."""
    now = settle(record(Submitted()))
    exchange.known = exchange.listed = (trade(1, "0.4"), trade(2, "0.6"))
    exchange.numbered = {7: told("FILLED", "1")}
    clock.now = 60.0
    order = order_in(settle(now))

    assert (State.FILLED, D(1)) == (order.state, order.executed)
    assert {} == settle.troubles


def test_one_is_in_doubt_while_nobody_knows_whose_a_trade_is(settle, exchange, clock):
    """It may be this order's; of another's trades the number is asked for once."""
    now = settle(record(Submitted()))
    exchange.listed = (trade(1, "0.4"),)
    clock.now = 60.0
    now = settle(now)
    assert State.UNKNOWN == order_in(now).state
    assert "order 7" in settle.troubles[ID]
    exchange.numbered = {7: replace(told("FILLED", "0.4"), client_id="another")}
    exchange.listed += (trade(2, "0.1"),)
    now = settle(now)

    assert State.REJECTED == order_in(now).state
    assert [7, 7] == exchange.asked
    settle(record(Submitted()))
    clock.now = 120.0
    assert State.REJECTED == order_in(settle(record(Submitted()))).state
    assert [7, 7] == exchange.asked


def test_one_that_turns_up_late_counts_its_minute_anew(settle, exchange, clock):
    """An answer in between ends the wait."""
    now = settle(record(Submitted()))
    clock.now, exchange.told = 59.0, told("NEW")
    now = settle(now)
    assert State.OPEN == order_in(now).state
    clock.now, exchange.told = 61.0, None

    assert State.OPEN == order_in(settle(now)).state


def test_one_that_a_reset_exchange_has_forgotten_expires(settle, clock):
    """A testnet begins anew about monthly; what was open there is over."""
    now = settle(record(Submitted(), Accepted(7, 3)))
    assert State.OPEN == order_in(now).state
    clock.now = 60.0
    order = order_in(settle(now))

    assert State.EXPIRED == order.state
    assert "reset" in order.reason


def test_one_whose_trades_come_late_is_not_over_before_them(settle, exchange):
    """Else they would be lost: nobody asks for an order that is over."""
    exchange.told = told("CANCELED", "0.4")
    now = settle(record(Submitted(), Accepted(7, 3), CancelSent()))
    assert State.CANCELING == order_in(now).state
    exchange.known = (trade(1, "0.4"),)
    order = order_in(settle(now))

    assert (State.CANCELED, D("0.4")) == (order.state, order.executed)


def test_a_list_of_open_orders_may_say_that_nothing_is_new():
    """Then nobody asks for the order; one in doubt, or with more executed, is asked for."""
    opened = order_in(record(Submitted(), Accepted(7, 3)))
    doubtful = order_in(record(Submitted()))

    assert is_as_told(opened, {ID: told("NEW")})
    assert not is_as_told(opened, {ID: told("PARTIALLY_FILLED", "0.1")})
    assert not is_as_told(opened, {})
    assert not is_as_told(doubtful, {ID: told("NEW")})


def test_what_cannot_follow_is_left_out():
    """The exchange is asked again anyway; the story stays one that can be followed."""
    done = record(Submitted(), Accepted(7, 3))

    assert done == after(done, (Submitted(), Accepted(7, 3)), now_ms=9)
