"""Every filter lets the bound itself pass and refuses the next step beyond it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bt_run.practice.refusal import Refusal

D = Decimal


def outcome(rig, refused, ticket):
    """Give the filter that refuses a ticket, or None; placing says the same as testing, and tells nothing."""
    try:
        rig.trading.test(ticket)
    except Refusal as refusal:
        said = refusal.code, refusal.reason
    else:
        return None
    rig.told()
    assert said == refused(rig.trading.place, ticket)
    assert [] == rig.told()
    assert (-1013, "Filter failure: ") == (said[0], said[1][:16])
    return said[1].removeprefix("Filter failure: ")


LIMIT = {"type_": "LIMIT", "price": 90}
STOP = {"type_": "STOP_LOSS_LIMIT", "price": 120, "stop_price": 110}


@pytest.mark.parametrize(
    ("rules", "given", "broken"),
    [
        ({}, LIMIT | {"price": "90.01"}, None),
        ({}, LIMIT | {"price": "90.001"}, "PRICE_FILTER"),
        ({"tick_size": D(0)}, LIMIT | {"price": "90.001"}, None),
        ({"min_price": D(90)}, LIMIT, None),
        ({"min_price": D("90.01")}, LIMIT, "PRICE_FILTER"),
        ({"max_price": D(90)}, LIMIT, None),
        ({"max_price": D("89.99")}, LIMIT, "PRICE_FILTER"),
        ({"max_price": D(0)}, LIMIT, None),
        ({}, STOP | {"stop_price": "110.001"}, "PRICE_FILTER"),
        ({"bid_multiplier_down": D("0.9")}, LIMIT, None),
        ({"bid_multiplier_down": D("0.91")}, LIMIT, "PERCENT_PRICE_BY_SIDE"),
        ({"bid_multiplier_up": D("1.2")}, STOP, None),
        ({"bid_multiplier_up": D("1.19")}, STOP, "PERCENT_PRICE_BY_SIDE"),
        ({"ask_multiplier_up": D("1.1")}, {"side": "SELL", "type_": "LIMIT", "price": 110}, None),
        (
            {"ask_multiplier_up": D("1.09")},
            {"side": "SELL", "type_": "LIMIT", "price": 110},
            "PERCENT_PRICE_BY_SIDE",
        ),
        (
            {"ask_multiplier_down": D("0.95")},
            {"side": "SELL", "type_": "LIMIT", "price": 90},
            "PERCENT_PRICE_BY_SIDE",
        ),
        ({}, LIMIT | {"quantity": "0.100001"}, "LOT_SIZE"),
        ({"min_quantity": D(1)}, LIMIT, None),
        ({"min_quantity": D("1.00001")}, LIMIT, "LOT_SIZE"),
        ({"max_quantity": D(1)}, LIMIT, None),
        ({"max_quantity": D("0.99999")}, LIMIT, "LOT_SIZE"),
        ({"market_max_quantity": D(1)}, {"type_": "MARKET"}, None),
        ({"market_max_quantity": D("0.5")}, {"type_": "MARKET"}, "MARKET_LOT_SIZE"),
        ({"market_max_quantity": D("0.5")}, LIMIT, None),
        ({"market_step_size": D("0.3")}, {"type_": "MARKET"}, "MARKET_LOT_SIZE"),
        ({"market_max_quantity": D("0.5")}, {"type_": "STOP_LOSS", "stop_price": 110}, None),
        ({"min_notional": D(90)}, LIMIT, None),
        ({"min_notional": D("90.01")}, LIMIT, "NOTIONAL"),
        ({"max_notional": D("89.99")}, LIMIT, "NOTIONAL"),
        ({"min_notional": D(100)}, {"type_": "MARKET"}, None),
        ({"min_notional": D("100.01")}, {"type_": "MARKET"}, "NOTIONAL"),
        ({"min_notional": D("100.01"), "apply_min_to_market": False}, {"type_": "MARKET"}, None),
        ({"max_notional": D(99)}, {"type_": "MARKET"}, None),
        ({"max_notional": D(99), "apply_max_to_market": True}, {"type_": "MARKET"}, "NOTIONAL"),
        ({}, {"type_": "MARKET", "quantity": None, "quote_quantity": "4.99"}, "NOTIONAL"),
        ({}, {"type_": "MARKET", "quantity": None, "quote_quantity": 6}, None),
        ({"min_notional": D(111)}, {"type_": "STOP_LOSS", "stop_price": 110}, "NOTIONAL"),
        ({}, {"type_": "STOP_LOSS", "trailing_delta": 10}, None),
        ({}, {"type_": "STOP_LOSS", "trailing_delta": 9}, "TRAILING_DELTA"),
        ({}, {"type_": "STOP_LOSS", "trailing_delta": 2001}, "TRAILING_DELTA"),
        ({}, LIMIT | {"iceberg_quantity": "0.01"}, None),
        ({}, LIMIT | {"iceberg_quantity": "0.00990"}, "ICEBERG_PARTS"),
        ({}, LIMIT | {"iceberg_quantity": "0.000001"}, "LOT_SIZE"),
        ({"max_position": D(11)}, LIMIT, None),
        ({"max_position": D("10.99")}, LIMIT, "MAX_POSITION"),
        ({"max_position": D(5)}, {"side": "SELL", "type_": "LIMIT", "price": 110}, None),
    ],
)
def test_a_filter_refuses_only_what_is_beyond_it(make_rig, refused, rules, given, broken):
    """The price is 100, and so is its average; one unit unless said otherwise."""
    rig = make_rig(**rules)
    ticket = rig.ticket(
        given.get("side", "BUY"), **{key: value for key, value in given.items() if key != "side"}
    )
    assert broken == outcome(rig, refused, ticket)


def test_the_average_price_is_that_of_the_minutes(make_rig, refused):
    """A market order of one unit is worth the average, 50; with 0 minutes the last price, 100."""
    rig = make_rig(min_notional=D(60))
    rig.market.average = D(50)
    assert "NOTIONAL" == outcome(rig, refused, rig.ticket("BUY", "MARKET"))
    rig = make_rig(min_notional=D(60), average_price_minutes=0)
    rig.market.average = D(50)
    assert outcome(rig, refused, rig.ticket("BUY", "MARKET")) is None


def test_open_orders_are_counted(make_rig, refused):
    rig = make_rig(max_orders=2, max_algo_orders=1)
    rig.place("SELL", "STOP_LOSS", stop_price=90)
    again = rig.ticket("SELL", "STOP_LOSS", stop_price=90)
    assert "MAX_NUM_ALGO_ORDERS" == outcome(rig, refused, again)
    rig.place("BUY", "LIMIT", price=90)
    assert "MAX_NUM_ORDERS" == outcome(rig, refused, rig.ticket("BUY", "LIMIT", price=91))
    assert outcome(rig, refused, rig.ticket("BUY", "MARKET")) is None
    rig.print(95)
    rig.trading.cancel_all("BTCUSDT")
    assert outcome(rig, refused, again) is None


def test_open_buys_count_to_the_position(make_rig, refused):
    rig = make_rig(max_position=D(13))
    rig.place("BUY", "LIMIT", 2, price=90)
    assert outcome(rig, refused, rig.ticket("BUY", "LIMIT", 1, price=91)) is None
    assert "MAX_POSITION" == outcome(rig, refused, rig.ticket("BUY", "LIMIT", "1.00001", price=91))


def test_an_iceberg_is_not_larger_than_its_order(rig, refused):
    ticket = rig.ticket("BUY", "LIMIT", price=90, iceberg_quantity=2)
    assert (-1013, "IcebergQty exceeds QTY.") == refused(rig.trading.place, ticket)
