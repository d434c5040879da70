"""When the exchange's word that it does not know an order is believed, and when it is asked again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from brokers.holdings import Ledger
from brokers.order_events import Accepted, Filled, NeverArrived, Submitted, TimedOut
from brokers.orders import Order, State, apply
from brokers.reconcile import Reconciliation, reconcile
from brokers.reconciling.views import Balance, Belief, ExchangeTrade, ExchangeView, Missing

D = Decimal
SYMBOL = "BTCUSDT"
BOUGHT = Filled(1, D(1), D(100), D(0), "USDT", 1_000, is_maker=False)
SENT_MS = 500_000
ABSENT = ExchangeView(missing=(Missing("btr-0b-00000002", 360.0),))
"""So long that the answer is believed, if nothing speaks against it."""


def books() -> Belief:
    """One coin is held, and of its sale nobody knows whether it arrived."""
    entry = Order("btr-0b-00000001", SYMBOL, "BUY", "MARKET", quantity=D(1))
    for event in (Submitted(), Accepted(7, 1_000), BOUGHT):
        entry = apply(entry, event)
    sale = Order("btr-0b-00000002", SYMBOL, "SELL", "MARKET", quantity=D(1), created_ms=SENT_MS)
    for event in (Submitted(), TimedOut("no answer")):
        sale = apply(sale, event)
    ledger = Ledger("USDT", D(1_000)).with_symbol(SYMBOL, "BTC", "USDT").book(SYMBOL, "BUY", BOUGHT)
    return Belief({order.client_id: order for order in (entry, sale)}, ledger, frozenset({"0b"}))


def listed(exchange_id: int, trade_id: int, time_ms: int) -> ExchangeTrade:
    """A trade of half a coin."""
    return ExchangeTrade(SYMBOL, trade_id, exchange_id, D("0.5"), D(100), D(0), "USDT", time_ms, is_maker=False)


def assert_asked_again(result: Reconciliation) -> None:
    """The order stays unknown, and nothing is concluded from it."""
    assert result.unresolved == ("btr-0b-00000002",)
    assert not [event for _, event in result.events if isinstance(event, NeverArrived)]
    assert not result.shortfalls
    assert not result.is_settled


def test_an_absent_order_is_over_where_nothing_speaks_against_it():
    holds = {"BTC": Balance(D(1), D(0)), "USDT": Balance(D(900), D(0))}
    result = reconcile(books(), replace(ABSENT, balances=holds))
    assert [type(event) for _, event in result.events] == [NeverArrived]
    assert result.is_settled


def test_a_trade_that_no_known_order_made_speaks_against_an_absence():
    """A copy of the exchange's books that lags may list the trade of an order that it does not know."""
    assert_asked_again(reconcile(books(), replace(ABSENT, trades=(listed(8, 2, SENT_MS + 10),))))


def test_trades_from_before_the_order_or_of_known_orders_tell_nothing_of_it():
    trades = (listed(6, 2, SENT_MS - 120_000), replace(listed(7, 1, 1_000), quantity=D(1)))
    result = reconcile(books(), replace(ABSENT, trades=trades))
    assert [type(event) for _, event in result.events] == [NeverArrived]


def test_a_missing_balance_speaks_against_an_absence():
    """The coin is gone: most likely through the very order that is said not to be there."""
    holds = {"BTC": Balance(D("0.5"), D(0)), "USDT": Balance(D(950), D(0))}
    assert_asked_again(reconcile(books(), replace(ABSENT, balances=holds)))


def test_a_missing_balance_without_an_absent_order_is_told():
    held = books()
    entry_only = replace(held, orders={"btr-0b-00000001": held.orders["btr-0b-00000001"]})
    result = reconcile(entry_only, ExchangeView(balances={"USDT": Balance(D(950), D(0))}))
    assert [lack.asset for lack in result.shortfalls] == ["BTC"]


def test_a_reset_ends_an_absent_order():
    """Where the exchange began anew, nobody will ever know the order again."""
    ids = ExchangeView(
        missing=ABSENT.missing, complete_ms={SYMBOL: (0, 400_000)}, balances={"USDT": Balance(D(10), D(0))}
    )
    result = reconcile(books(), ids)
    assert result.wipe is not None
    assert [type(event) for _, event in result.events] == [NeverArrived]
    assert State.REJECTED in {apply(books().orders[name], event).state for name, event in result.events}
