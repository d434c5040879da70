"""What the desk learns from events, and when it lets nothing new be bought."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from brokers.gateway import OrderSeen
from brokers.holdings import Ledger
from brokers.live.desk import Desk, Listener
from brokers.order_events import Accepted, Canceled, Event, Expired, Filled, Rejected, Submitted, TimedOut
from brokers.orders import Order, Side, State
from brokers.recorder import NoRecord

D = Decimal
POOR = Rejected(-2010, "Account has insufficient balance for requested action. (HTTP 400, code -2010)")
OTHER = Rejected(-2010, "Stop price would trigger immediately. (HTTP 400, code -2010)")
ALL = Filled(5, D(1), D(100), D(0), "USDT", 1_000, is_maker=False, total=D(1))


@pytest.fixture
def clock() -> SimpleNamespace:
    """Give an exchange of which only the time is asked."""
    return SimpleNamespace(now_ms=5_000)


@pytest.fixture
def desk(clock: SimpleNamespace, silent: Listener) -> Desk:
    gateway = SimpleNamespace(server_time_ms=lambda: clock.now_ms)
    ledger = Ledger("USDT", D(1_000)).with_symbol("BTCUSDT", "BTC", "USDT")
    return Desk(gateway, ledger, recorder=NoRecord(), listener=silent, fee_price=lambda *_: None)  # type: ignore[arg-type]


def sent(desk: Desk, side: Side = "BUY", *events: Event) -> str:
    """Give the id of an order that has left, and to which this happened."""
    order = Order("btr-0b-00000001", "BTCUSDT", side, "MARKET", quantity=D(1))
    desk.adopt(order)
    for event in (Submitted(), *events):
        desk.take(order.client_id, event)
    return order.client_id


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (ALL, State.FILLED),
        (Canceled(1_000, D(0)), State.CANCELED),
        (Expired("thin", 1_000, D(0)), State.EXPIRED),
    ],
)
@pytest.mark.parametrize("known", [(), (TimedOut("the connection broke off"),)])
def test_any_report_tells_the_number_of_an_order_whose_acceptance_was_lost(
    desk: Desk, known: tuple[Event, ...], event: Event, state: State
) -> None:
    """By its number its trades are found later."""
    client_id = sent(desk, "BUY", *known)
    desk.hear(OrderSeen("BTCUSDT", client_id, 77, event))
    order = desk.orders[client_id]
    assert (order.state, order.exchange_id, order.accepted_ms) == (state, 77, 1_000)
    assert desk.trouble == ""


def test_a_report_without_a_number_tells_none(desk: Desk) -> None:
    """Paper fills and checks may not know it."""
    client_id = sent(desk)
    desk.hear(OrderSeen("BTCUSDT", client_id, 0, ALL))
    assert (desk.orders[client_id].state, desk.orders[client_id].exchange_id) == (State.FILLED, None)


def test_a_report_of_a_stranger_changes_nothing(desk: Desk) -> None:
    desk.hear(OrderSeen("BTCUSDT", "by-hand", 77, ALL))
    assert desk.orders == {}


def test_a_number_that_is_known_is_not_learnt_again(desk: Desk) -> None:
    """Another number is a contradiction, which the next check tells."""
    client_id = sent(desk, "BUY", Accepted(7, 900))
    desk.hear(OrderSeen("BTCUSDT", client_id, 7, ALL))
    assert (desk.orders[client_id].exchange_id, desk.orders[client_id].accepted_ms) == (7, 900)


def test_a_sale_of_what_the_account_lacks_stops_entries_until_a_later_look_agrees(
    desk: Desk, clock: SimpleNamespace
) -> None:
    """The books hold the coins, or it would not have been sent; a look that began before tells nothing."""
    sent(desk, "SELL", POOR)
    assert "refuses to sell 1 BTCUSDT" in desk.trouble
    assert "insufficient balance" in desk.trouble
    desk.settle(asked_ms=clock.now_ms)
    assert desk.trouble
    desk.settle(asked_ms=clock.now_ms + 1)
    assert desk.trouble == ""


@pytest.mark.parametrize(("side", "event"), [("BUY", POOR), ("SELL", OTHER), ("SELL", Rejected(None, "x"))])
def test_other_refusals_say_nothing_of_the_books(desk: Desk, side: Side, event: Event) -> None:
    """Cash may be in use by somebody else, and a price may have passed."""
    sent(desk, side, event)
    assert desk.trouble == ""


def accept(desk: Desk, number: int, exchange_id: int, created_ms: int) -> None:
    """Let the exchange accept an order that was made at a time."""
    order = Order(f"btr-0b-{number:08d}", "BTCUSDT", "BUY", "MARKET", quantity=D(1), created_ms=created_ms)
    desk.adopt(order)
    for event in (Submitted(), Accepted(exchange_id, created_ms + 5)):
        desk.take(order.client_id, event)


def test_an_id_below_that_of_an_older_order_stops_entries_for_good(desk: Desk) -> None:
    """The exchange began anew: the books are those of a world that is gone, whatever a look finds."""
    for number, exchange_id, created_ms in ((1, 900, 1_000), (2, 7, 1_000_000), (3, 8, 2_000_000)):
        accept(desk, number, exchange_id, created_ms)
        assert ("id 7, below 900" in desk.trouble) == (number > 1)
    desk.settle(asked_ms=10**13)
    assert "seems to have been reset" in desk.trouble


def test_a_reset_is_told_where_something_else_was_wrong_before(desk: Desk) -> None:
    """A refused sale is most often the first sign; it is the reset that the user must know of."""
    accept(desk, 1, 900, 1_000)
    desk.complain("The exchange refuses to sell")
    accept(desk, 2, 7, 1_000_000)
    assert "seems to have been reset" in desk.trouble
    desk.complain("The exchange refuses to sell")
    assert "seems to have been reset" in desk.trouble


def test_ids_that_grow_or_come_at_once_are_no_reset(desk: Desk) -> None:
    """Several orders that are sent within a minute may be told in any order."""
    for number, exchange_id, created_ms in ((1, 900, 1_000), (2, 880, 2_000), (3, 901, 9_000_000)):
        accept(desk, number, exchange_id, created_ms)
    assert desk.trouble == ""
