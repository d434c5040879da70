"""An entry that was executed and whose protection is not there."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.holdings import Ledger
from brokers.order_events import Accepted, Canceled, Expired, Filled, Submitted, TimedOut
from brokers.orders import Order, apply
from brokers.reconcile import reconcile
from brokers.reconciling.views import Belief, ExchangeOrder, ExchangeView, Missing

D = Decimal
ENTRY, STOP, TARGET = "btr-0b-00000001", "btr-0b-00000002", "btr-0b-00000003"
IDS = {ENTRY: 1, STOP: 2, TARGET: 3}


def live(order: Order, *events) -> Order:
    for event in (Submitted(), Accepted(IDS[order.client_id], 1_000), *events):
        order = apply(order, event)
    return order


def entry(executed="1", fee="0", fee_asset="USDT") -> Order:
    asked = Order(ENTRY, "BTCUSDT", "BUY", "LIMIT", quantity=D(1), price=D(100), bracket="b", purpose="entry")
    if not D(executed):
        return live(asked)
    return live(asked, Filled(1, D(executed), D(100), D(fee), fee_asset, 1_001, is_maker=True))


def stop(*events, quantity="1") -> Order:
    asked = Order(
        STOP,
        "BTCUSDT",
        "SELL",
        "STOP_LOSS",
        quantity=D(quantity),
        stop_price=D(90),
        bracket="b",
        purpose="stop_loss",
    )
    return live(asked, *events)


def target(*events, quantity="1") -> Order:
    asked = Order(
        TARGET,
        "BTCUSDT",
        "SELL",
        "LIMIT_MAKER",
        quantity=D(quantity),
        price=D(120),
        bracket="b",
        purpose="take_profit",
    )
    return live(asked, *events)


def sold(quantity: str) -> Filled:
    return Filled(9, D(quantity), D(120), D(0), "USDT", 1_009, is_maker=True)


def belief(*orders: Order) -> Belief:
    ledger = Ledger("USDT", D(1_000)).with_symbol("BTCUSDT", "BTC", "USDT")
    for order in orders:
        for fill in order.fills:
            ledger = ledger.book("BTCUSDT", order.side, fill)
    return Belief(
        {order.client_id: order for order in orders}, ledger, frozenset({"0b"}), {"BTCUSDT": D("0.001")}
    )


def view(*orders: Order, status="NEW") -> ExchangeView:
    """Say that the exchange has these orders open."""
    return ExchangeView(
        open_orders=tuple(
            ExchangeOrder(
                order.client_id,
                order.symbol,
                IDS[order.client_id],
                order.side,
                order.type,
                status,
                order.quantity,
                order.executed,
                1_000,
                2_000,
                order.price,
                order.stop_price,
            )
            for order in orders
            if not order.is_terminal
        )
    )


CANCELED = Canceled(2_000)
OTHER_LEG = Expired("OCO_TRIGGER", 2_000)

# The orders of the bracket, what of it is bare, and what does not cover it.
BRACKETS = {
    "covered by both": ([entry(), stop(), target()], None, ()),
    "no leg was ever placed": ([entry()], "1", ("stop_loss",)),
    "the stop was cancelled": ([entry(), stop(CANCELED), target()], "1", ("stop_loss",)),
    "the target expired": ([entry(), stop(), target(Expired("maintenance", 2_000))], "1", ("take_profit",)),
    "both are gone": ([entry(), stop(CANCELED), target(CANCELED)], "1", ("stop_loss", "take_profit")),
    "only a stop was wanted": ([entry(), stop()], None, ()),
    "the stop is too small": ([entry(), stop(quantity="0.7")], "0.3", ("stop_loss",)),
    "the target was reached": ([entry(), stop(OTHER_LEG), target(sold("1"))], None, ()),
    "half of the target, then all gone": (
        [entry(), stop(OTHER_LEG), target(sold("0.5"), CANCELED)],
        "0.5",
        ("stop_loss", "take_profit"),
    ),
    "half of the target, still working": ([entry(), stop(quantity="0.5"), target(sold("0.5"))], None, ()),
    "the entry did not execute": ([entry("0")], None, ()),
    "the fee in base is not held": ([entry("1", "0.001", "BTC"), stop(quantity="0.999")], None, ()),
    "less than a step is dust": ([entry("1", "0.0005", "BTC"), stop(quantity="0.999")], None, ()),
}


@pytest.mark.parametrize("name", BRACKETS)
def test_what_is_bare(name):
    """Quantity and purpose of what is not covered, by orders as they are after the events."""
    orders, quantity, missing = BRACKETS[name]

    result = reconcile(belief(*orders), view(*orders))

    if quantity is None:
        assert () == result.unprotected
        return
    (bare,) = result.unprotected
    assert ("b", "BTCUSDT", D(quantity), missing) == (bare.bracket, bare.symbol, bare.quantity, bare.missing)
    assert f"UNPROTECTED: {bare.why}" in result.sentences


def test_legs_that_wait_for_the_rest_of_the_entry_protect_nothing():
    """Half of the entry is filled; the exchange places the legs only when all of it is."""
    orders = [entry("0.5"), stop(), target()]
    said = ExchangeView(
        open_orders=(*view(orders[0]).open_orders, *view(*orders[1:], status="PENDING_NEW").open_orders)
    )

    (bare,) = reconcile(belief(*orders), said).unprotected

    assert D("0.5") == bare.quantity
    assert (
        "0.5 of BTCUSDT has no working stop loss and take profit: it waits until the entry is wholly filled."
        == bare.why
    )


def test_a_leg_that_ended_while_we_were_away_is_noticed():
    """The journal has it open; the exchange says that it expired."""
    orders = [entry(), stop()]
    expired = ExchangeOrder(
        STOP, "BTCUSDT", 2, "SELL", "STOP_LOSS", "EXPIRED", D(1), D(0), 1_000, 2_000, stop_price=D(90)
    )

    (bare,) = reconcile(belief(*orders), ExchangeView(queried=(expired,))).unprotected

    assert "1 of BTCUSDT is not covered by a stop loss: btr-0b-00000002 is EXPIRED." == bare.why


@pytest.mark.parametrize("said", [ExchangeView(), ExchangeView(missing=(Missing(STOP, 5),))])
def test_a_leg_of_unknown_fate_is_asked_for_first(said):
    """It may rest on the exchange; a second stop would be one too many."""
    leg = Order(
        STOP, "BTCUSDT", "SELL", "STOP_LOSS", quantity=D(1), stop_price=D(90), bracket="b", purpose="stop_loss"
    )
    unknown = apply(apply(leg, Submitted()), TimedOut("502"))

    result = reconcile(belief(entry(), unknown), said)

    assert () == result.unprotected
    assert (STOP,) == result.to_query + result.unresolved


def test_a_leg_that_never_arrived_leaves_the_entry_bare():
    """Asked for long enough: now it is known, and told."""
    leg = Order(
        STOP, "BTCUSDT", "SELL", "STOP_LOSS", quantity=D(1), stop_price=D(90), bracket="b", purpose="stop_loss"
    )
    unknown = apply(apply(leg, Submitted()), TimedOut("502"))

    (bare,) = reconcile(belief(entry(), unknown), ExchangeView(missing=(Missing(STOP, 61),))).unprotected

    assert (D(1), ("stop_loss",)) == (bare.quantity, bare.missing)


def test_what_was_sold_outside_the_bracket_needs_no_protection():
    """The strategy has closed by another order: nothing is held, nothing is bare."""
    bought = entry()
    closing = Order(TARGET, "BTCUSDT", "SELL", "MARKET", quantity=D("0.4"), purpose="exit")
    closing = live(closing, Filled(9, D("0.4"), D(120), D(0), "USDT", 1_009, is_maker=False))

    (bare,) = reconcile(belief(bought, closing), ExchangeView()).unprotected

    assert D("0.6") == bare.quantity


def test_orders_without_a_bracket_ask_for_no_protection():
    """A strategy without stops is its own affair."""
    plain = Order(ENTRY, "BTCUSDT", "BUY", "MARKET", quantity=D(1), purpose="entry")
    plain = live(plain, Filled(1, D(1), D(100), D(0), "USDT", 1_001, is_maker=False))

    assert () == reconcile(belief(plain), ExchangeView()).unprotected
