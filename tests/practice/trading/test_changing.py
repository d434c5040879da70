"""Cancelling, replacing, amending, and asking."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bt_run.practice.orders import ListTicket
from bt_run.practice.refusal import Refusal
from bt_run.practice.trading import CancelReplaceRefused

D = Decimal
UNKNOWN = (-2011, "Unknown order sent.")


def test_only_what_is_open_can_be_cancelled(rig, refused):
    order = rig.place("BUY", "MARKET")
    assert UNKNOWN == refused(rig.trading.cancel, "BTCUSDT", order_id=order.order_id)
    assert UNKNOWN == refused(rig.trading.cancel, "BTCUSDT", order_id=99)
    assert UNKNOWN == refused(rig.trading.cancel, "BTCUSDT", client_order_id="none")
    assert UNKNOWN == refused(rig.trading.cancel_all, "BTCUSDT")
    assert -1102 == refused(rig.trading.cancel, "BTCUSDT")[0]
    assert -1121 == refused(rig.trading.cancel, "X", order_id=1)[0]


def test_two_ids_must_be_of_one_order(rig, refused):
    one = rig.place("BUY", "LIMIT", price=90)
    two = rig.place("BUY", "LIMIT", price=91)
    wrong = (-2039, "Client order ID is not correct for this order ID.")
    ids = {"order_id": one.order_id, "client_order_id": two.client_order_id}
    assert wrong == refused(rig.trading.cancel, "BTCUSDT", **ids)
    assert wrong == refused(rig.trading.order, "BTCUSDT", **ids)
    assert (-2013, "Order does not exist.") == refused(rig.trading.order, "BTCUSDT", order_id=99)


def test_cancelling_may_be_restricted(rig, refused):
    order = rig.place("BUY", "LIMIT", 2, price=90)
    no = (-2011, "Order was not canceled due to cancel restrictions.")
    cancel = rig.trading.cancel
    assert no == refused(cancel, "BTCUSDT", order_id=1, restrictions="ONLY_PARTIALLY_FILLED")
    rig.print(90, 1)
    assert no == refused(cancel, "BTCUSDT", order_id=1, restrictions="ONLY_NEW")
    done = cancel("BTCUSDT", order_id=order.order_id, restrictions="ONLY_PARTIALLY_FILLED")
    assert ("CANCELED", D(1)) == (done.status, done.executed)


def test_cancelling_all_gives_orders_and_lists(rig):
    rig.place("BUY", "LIMIT", price=90)
    rig.oco(
        "SELL",
        rig.ticket("SELL", "LIMIT_MAKER", price=110),
        rig.ticket("SELL", "STOP_LOSS", stop_price=90),
    )
    done = rig.trading.cancel_all("BTCUSDT")
    assert ["CANCELED", "ALL_DONE"] == [
        item.status if hasattr(item, "status") else item.order_status for item in done
    ]
    assert [] == rig.trading.open_orders()
    assert (D(10_000), D(0)) == rig.money("USDT")


def replace(rig, ticket, mode="STOP_ON_FAILURE", **given):
    return rig.trading.cancel_replace("BTCUSDT", mode=mode, ticket=ticket, **given)


def test_an_order_is_replaced(rig):
    old = rig.place("BUY", "LIMIT", 100, price=90)
    rig.told()
    done = replace(rig, rig.ticket("BUY", "LIMIT", 100, price=91), cancel_order_id=old.order_id)
    assert ("SUCCESS", "SUCCESS") == (done.cancel_result, done.order_result)
    assert ("CANCELED", "NEW") == (done.canceled.status, done.order.status)
    assert (D(900), D(9_100)) == rig.money("USDT")
    assert ["CANCELED c1 CANCELED", "NEW c2 NEW", "BALANCES"] == rig.told()


def parts(rig, ticket, **given):
    with pytest.raises(CancelReplaceRefused) as info:
        replace(rig, ticket, **given)
    return info.value


def test_a_replacement_may_fail_by_halves(rig):
    """Binance's four outcomes, with their codes and HTTP status."""
    ticket = rig.ticket("BUY", "LIMIT", price=90)
    found = parts(rig, ticket, cancel_order_id=9)
    assert (-2022, 400, "FAILURE", "NOT_ATTEMPTED") == (
        found.code,
        found.status,
        found.parts.cancel_result,
        found.parts.order_result,
    )
    assert UNKNOWN == (found.parts.cancel_refusal.code, found.parts.cancel_refusal.reason)

    found = parts(rig, ticket, mode="ALLOW_FAILURE", cancel_order_id=9)
    assert (-2021, 409, "FAILURE", "SUCCESS") == (
        found.code,
        found.status,
        found.parts.cancel_result,
        found.parts.order_result,
    )
    placed = found.parts.order
    assert "NEW" == rig.order(placed).status

    found = parts(rig, ticket, mode="ALLOW_FAILURE", cancel_order_id=9)
    assert (-2022, 400, "FAILURE", "FAILURE") == (
        found.code,
        found.status,
        found.parts.cancel_result,
        found.parts.order_result,
    )
    assert "Duplicate order sent." == found.parts.order_refusal.reason

    rig.told()
    found = parts(rig, rig.ticket("BUY", "LIMIT_MAKER", price=105), cancel_order_id=placed.order_id)
    assert (-2021, 409, "SUCCESS", "FAILURE") == (
        found.code,
        found.status,
        found.parts.cancel_result,
        found.parts.order_result,
    )
    assert "WOULD_MATCH_IMMEDIATELY" == rig.events[1].reject_reason
    assert ["CANCELED c1 CANCELED", "REJECTED c2 REJECTED", "BALANCES"] == rig.told()


def test_filters_are_judged_before_anything_is_cancelled(rig, refused):
    old = rig.place("BUY", "LIMIT", price=90)
    ticket = rig.ticket("BUY", "LIMIT", price="90.001")
    assert (-1013, "Filter failure: PRICE_FILTER") == refused(replace, rig, ticket, cancel_order_id=1)
    assert "NEW" == rig.order(old).status


def test_ids_that_do_not_fit_are_a_failed_cancellation(rig):
    rig.place("BUY", "LIMIT", price=90)
    found = parts(rig, rig.ticket("BUY", "LIMIT", price=90), cancel_order_id=1, cancel_client_order_id="other")
    assert (-2022, -2039) == (found.code, found.parts.cancel_refusal.code)


def test_an_amended_order_keeps_its_place(rig):
    first = rig.place("BUY", "LIMIT", 5, price=90)
    second = rig.place("BUY", "LIMIT", 5, price=90)
    rig.told()

    done = rig.trading.amend("BTCUSDT", order_id=first.order_id, new_quantity=D(3), new_client_order_id="new")

    assert (D(3), "new", "c1") == (
        done.order.quantity,
        done.order.client_order_id,
        done.amendment.former_client_order_id,
    )
    event = rig.events[0]
    assert ("c1", done.amendment.execution_id) == (event.former_id, event.execution_id)
    assert ["REPLACED new NEW", "BALANCES"] == rig.told()
    assert D(8 * 90) == rig.money("USDT")[1]
    rig.print(90, 4)
    assert (D(3), D(1)) == (rig.order(first).executed, rig.order(second).executed)
    assert [done.amendment] == rig.trading.amendments("BTCUSDT", first.order_id)
    assert first.order_id == rig.trading.order("BTCUSDT", client_order_id="new").order_id
    with pytest.raises(Refusal):
        rig.trading.order("BTCUSDT", client_order_id="c1")


def test_an_amendment_can_only_make_smaller(make_rig, refused):
    rig = make_rig(max_amends=2)
    rig.place("BUY", "LIMIT", 5, price=90)
    rig.place("BUY", "LIMIT", 5, price=80, id="other")
    rig.print(90, 2)

    def amend(quantity, **given):
        given = {"order_id": 1} | given
        return rig.trading.amend("BTCUSDT", new_quantity=D(str(quantity)), **given)

    assert (-2038, "Order amend (quantity increase) is not supported.") == refused(amend, 6)
    assert (-2038, "The requested action would change no state; rejecting") == refused(amend, 5)
    assert -2038 == refused(amend, 2)[0]
    assert (-2038, "Filter failure: LOT_SIZE") == refused(amend, "4.000001")
    assert (-2038, "Filter failure: NOTIONAL") == refused(amend, "0.05", order_id=2)
    assert (-2038, "Duplicate order sent.") == refused(amend, 4, new_client_order_id="other")
    assert (-2038, "Unknown order sent.") == refused(amend, 4, order_id=9)
    amend(4, new_client_order_id="c1")
    assert 22 == len(amend("3.5").order.client_order_id)
    assert (-2038, "Filter failure: MAX_NUM_ORDER_AMENDS") == refused(amend, 3)
    assert 2 == len(rig.trading.amendments("BTCUSDT", 1))
    second = rig.trading.amendments("BTCUSDT", 1)[1]
    assert [second] == rig.trading.amendments("BTCUSDT", 1, from_execution_id=second.execution_id)


def test_amending_one_leg_amends_both(rig):
    placed = rig.oco(
        "SELL",
        rig.ticket("SELL", "LIMIT_MAKER", 4, price=110, id="above"),
        rig.ticket("SELL", "STOP_LOSS", 4, stop_price=90, id="below"),
    )
    rig.told()
    done = rig.trading.amend(
        "BTCUSDT", client_order_id="above", new_quantity=D(3), new_client_order_id="renamed"
    )
    assert [D(3), D(3)] == [order.quantity for order in rig.trading.list_orders(placed)]
    assert ["REPLACED renamed NEW", "REPLACED below NEW", "LIST UPDATED", "BALANCES"] == rig.told()
    assert "UPDATED" == done.order_list.status_type
    assert (D(7), D(3)) == rig.money("BTC")
    rig.print(80)
    assert (D(7), D(0)) == rig.money("BTC")


def test_a_pending_order_is_placed_as_amended(rig):
    working = rig.ticket("BUY", "LIMIT", 4, price=95)
    leg = rig.ticket("SELL", "LIMIT", 4, price=110, id="exit")
    rig.trading.place_list(ListTicket("OTO", "list", (leg,), working))
    rig.trading.amend("BTCUSDT", client_order_id="exit", new_quantity=D(3), new_client_order_id="exit")
    rig.print(95)
    assert (D(11), D(3)) == rig.money("BTC")


def test_orders_and_fills_are_given_in_pages(rig):
    for number in range(5):
        rig.now = 1_000 + number
        rig.place("BUY", "MARKET", 1)
    trading = rig.trading
    ids = lambda found: [order.order_id for order in found]  # noqa: E731
    assert [1, 2, 3, 4, 5] == ids(trading.all_orders("BTCUSDT"))
    assert [4, 5] == ids(trading.all_orders("BTCUSDT", limit=2))
    assert [2, 3] == ids(trading.all_orders("BTCUSDT", order_id=2, limit=2))
    assert [2, 3] == ids(trading.all_orders("BTCUSDT", start=1_001, end=1_002))
    assert [3] == ids(trading.all_orders("BTCUSDT", end=1_002, limit=1))

    trades = lambda found: [fill.trade_id - 1_000_000_000 for fill in found]  # noqa: E731
    assert [0, 1, 2, 3, 4] == trades(trading.fills("BTCUSDT"))
    assert [3, 4] == trades(trading.fills("BTCUSDT", limit=2))
    assert [1, 2] == trades(trading.fills("BTCUSDT", from_id=1_000_000_001, limit=2))
    assert [2] == trades(trading.fills("BTCUSDT", order_id=3))
    assert [0, 1] == trades(trading.fills("BTCUSDT", end=1_001))


def test_a_deposit_is_told(rig, refused):
    rig.trading.deposit("EUR", D(5))
    assert ["Deposited", "BALANCES"] == rig.told()
    assert (D(5), D(0)) == rig.money("EUR")
    assert -2010 == refused(rig.trading.deposit, "EUR", D(-6))[0]


def test_a_wipe_leaves_nothing_but_the_start(rig):
    rig.trading.deposit("USDT", D(5))
    rig.place("BUY", "MARKET")
    rig.place("BUY", "LIMIT", price=90)
    before = rig.events[-2].execution_id
    rig.told()

    rig.trading.wipe()

    assert ["Wiped"] == rig.told()
    assert (D(10_000), D(0)) == rig.money("USDT")
    assert [] == rig.trading.all_orders("BTCUSDT") == rig.trading.fills("BTCUSDT")
    rig.print(80)
    assert [] == rig.told()
    order = rig.place("BUY", "MARKET", id="c1")
    assert (1, 1_000_000_000) == (order.order_id, order.fills[0].trade_id)
    assert rig.events[0].execution_id > before
