"""Each type of order and of list becomes the parameters that Binance documents."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.binance.order_params import list_params, order_params
from brokers.orders import Order
from bt_run.core.errors import ConfigError

D = Decimal


def terms(order):
    """Give what is beside the parameters that all orders have."""
    common = ("symbol", "side", "type", "newClientOrderId", "newOrderRespType")
    return {name: value for name, value in order_params(order).items() if name not in common}


@pytest.mark.parametrize(
    ("type_", "given_", "expected"),
    [
        ("MARKET", {"quantity": D("0.10")}, {"quantity": "0.1"}),
        ("MARKET", {"quote_quantity": D("1E+2")}, {"quoteOrderQty": "100"}),
        (
            "LIMIT",
            {"quantity": D(1), "price": D("1E-7")},
            {"quantity": "1", "price": "0.0000001", "timeInForce": "GTC"},
        ),
        (
            "LIMIT",
            {"quantity": D(1), "price": D(5), "time_in_force": "IOC"},
            {"quantity": "1", "price": "5", "timeInForce": "IOC"},
        ),
        ("LIMIT_MAKER", {"quantity": D(1), "price": D(5)}, {"quantity": "1", "price": "5"}),
        ("STOP_LOSS", {"quantity": D(1), "stop_price": D(4)}, {"quantity": "1", "stopPrice": "4"}),
        ("TAKE_PROFIT", {"quantity": D(1), "trailing_delta": 150}, {"quantity": "1", "trailingDelta": "150"}),
        (
            "STOP_LOSS_LIMIT",
            {"quantity": D(1), "price": D(3), "stop_price": D(4), "trailing_delta": 10},
            {"quantity": "1", "price": "3", "stopPrice": "4", "trailingDelta": "10", "timeInForce": "GTC"},
        ),
        (
            "TAKE_PROFIT_LIMIT",
            {"quantity": D(1), "price": D(9), "stop_price": D(8)},
            {"quantity": "1", "price": "9", "stopPrice": "8", "timeInForce": "GTC"},
        ),
    ],
)
def test_each_type_has_its_terms(type_, given_, expected):
    """Amounts as plain text, a time in force where the type has one."""
    assert expected == terms(Order("btr-0b-00000001", "BTCUSDT", "BUY", type_, **given_))


def test_the_id_is_ours_and_the_answer_is_asked_for_in_full():
    """Without an id python-binance would make one up; without FULL the trades would come later."""
    params = order_params(Order("btr-0b-00000001", "BTCUSDT", "SELL", "MARKET", quantity=D(1)))

    assert {"btr-0b-00000001", "FULL", "BTCUSDT", "SELL", "MARKET"} <= set(params.values())


@given(st.decimals(min_value="1e-18", max_value="1e15", allow_nan=False, allow_infinity=False))
def test_amounts_are_plain_and_lose_nothing(amount):
    """No exponent, no float, the same number."""
    text = terms(Order("btr-0b-00000001", "BTCUSDT", "BUY", "MARKET", quantity=amount))["quantity"]

    assert not set(text) - set("0123456789.")
    assert Decimal(text) == amount


def leg(number, side, type_, **given_):
    given_.setdefault("quantity", D(2))
    return Order(f"leg{number}", "BTCUSDT", side, type_, list_client_id="list1", **given_)


def test_an_oco_names_its_legs_above_and_below():
    """One side and quantity for both."""
    above = leg(1, "SELL", "LIMIT_MAKER", price=D(120))
    below = leg(2, "SELL", "STOP_LOSS_LIMIT", price=D(79), stop_price=D(80))

    assert {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": "2",
        "listClientOrderId": "list1",
        "newOrderRespType": "FULL",
        "aboveType": "LIMIT_MAKER",
        "aboveClientOrderId": "leg1",
        "abovePrice": "120",
        "belowType": "STOP_LOSS_LIMIT",
        "belowClientOrderId": "leg2",
        "belowPrice": "79",
        "belowStopPrice": "80",
        "belowTimeInForce": "GTC",
    } == list_params("OCO", [above, below])  # fmt: skip


def test_an_oto_has_a_working_and_a_pending_order():
    """Each with its own side and quantity."""
    working = leg(1, "BUY", "LIMIT", price=D(90), quantity=D(3))
    pending = leg(2, "SELL", "STOP_LOSS", stop_price=D(80))

    assert {
        "symbol": "BTCUSDT",
        "listClientOrderId": "list1",
        "newOrderRespType": "FULL",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingClientOrderId": "leg1",
        "workingPrice": "90",
        "workingQuantity": "3",
        "workingTimeInForce": "GTC",
        "pendingType": "STOP_LOSS",
        "pendingSide": "SELL",
        "pendingClientOrderId": "leg2",
        "pendingQuantity": "2",
        "pendingStopPrice": "80",
    } == list_params("OTO", [working, pending])  # fmt: skip


def test_an_otoco_has_a_working_order_and_two_pending_ones():
    """The pending ones share side and quantity."""
    working = leg(1, "BUY", "LIMIT_MAKER", price=D(90))
    above = leg(2, "SELL", "TAKE_PROFIT", stop_price=D(120))
    below = leg(3, "SELL", "STOP_LOSS", trailing_delta=200)

    assert {
        "symbol": "BTCUSDT",
        "listClientOrderId": "list1",
        "newOrderRespType": "FULL",
        "workingType": "LIMIT_MAKER",
        "workingSide": "BUY",
        "workingClientOrderId": "leg1",
        "workingPrice": "90",
        "workingQuantity": "2",
        "pendingSide": "SELL",
        "pendingQuantity": "2",
        "pendingAboveType": "TAKE_PROFIT",
        "pendingAboveClientOrderId": "leg2",
        "pendingAboveStopPrice": "120",
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowClientOrderId": "leg3",
        "pendingBelowTrailingDelta": "200",
    } == list_params("OTOCO", [working, above, below])  # fmt: skip


def test_what_is_no_list_is_told():
    """Before anything is sent."""
    above = leg(1, "SELL", "LIMIT_MAKER", price=D(120))
    below = leg(2, "SELL", "STOP_LOSS", stop_price=D(80))
    wrong = [
        ("OCO", [above], "has 2 orders, not 1"),
        ("OCO", [above, leg(2, "BUY", "STOP_LOSS", stop_price=D(80))], "one side"),
        ("OCO", [above, leg(2, "SELL", "STOP_LOSS", stop_price=D(80), quantity=D(1))], "one quantity"),
        ("OTO", [leg(1, "BUY", "LIMIT", price=D(9), quantity=None), below], "leg1 needs a quantity"),
    ]
    for kind, orders, words in wrong:
        with pytest.raises(ConfigError, match=words):
            list_params(kind, orders)


def test_an_order_that_only_a_list_can_hold_is_not_placed_alone():
    """Its quantity is the exchange's to set."""
    with pytest.raises(ConfigError, match="cannot be placed alone"):
        order_params(leg(1, "SELL", "LIMIT", price=D(9), quantity=None))
