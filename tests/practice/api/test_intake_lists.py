"""Order lists from parameters: legs, their places, and the codes of lists."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bt_run.practice.api.client_ids import ClientIds
from bt_run.practice.api.intake_lists import read_oco, read_old_oco, read_oto, read_otoco
from bt_run.practice.api.parameters import Parameters
from bt_run.practice.refusal import Refusal
from bt_run.practice.rules import SymbolRules

D = Decimal
TAKE = {"Type": "LIMIT_MAKER", "Price": "120"}
STOP = {"Type": "STOP_LOSS", "StopPrice": "80"}
STOP_LIMIT = {"Type": "STOP_LOSS_LIMIT", "StopPrice": "80", "Price": "79", "TimeInForce": "GTC"}
PROFIT = {"Type": "TAKE_PROFIT", "StopPrice": "120"}


def leg(name: str, fields: dict[str, str]) -> dict[str, str]:
    """Put a leg's name before its fields."""
    return {name + field: value for field, value in fields.items()}


def read(reader, **sent):
    """Read a list of BTCUSDT."""
    return reader(Parameters({"symbol": "BTCUSDT", **sent}), SymbolRules(), ClientIds(1))


def oco(side, above, below, **more):
    """Read an OCO of two legs."""
    return read(read_oco, side=side, quantity="2", **leg("above", above), **leg("below", below), **more)


def test_an_oco_has_a_leg_above_and_one_below():
    """Both legs have the list's side and quantity, and each its own fields."""
    found = oco("SELL", TAKE, STOP_LIMIT, listClientOrderId="mine", aboveClientOrderId="up")
    above, below = found.legs

    assert ("OCO", "mine", None) == (found.kind, found.client_list_id, found.working)
    assert ("SELL", "LIMIT_MAKER", "up", D(2), D(120)) == (
        above.side,
        above.type,
        above.client_order_id,
        above.quantity,
        above.price,
    )
    assert (D(79), D(80), 22) == (below.price, below.stop_price, len(below.client_order_id))


@pytest.mark.parametrize(
    ("side", "above", "below", "code"),
    [
        ("SELL", TAKE, {"Type": "LIMIT", "Price": "1", "TimeInForce": "GTC"}, -1158),
        ("SELL", {"Type": "MARKET"}, STOP, -1158),
        ("SELL", TAKE, TAKE, -1168),
        ("BUY", TAKE, STOP, -1165),
        ("SELL", STOP, TAKE, -1166),
        ("BUY", STOP, STOP, -1196),
        ("SELL", STOP, STOP, -1197),
        ("BUY", PROFIT, STOP, -1198),
        ("SELL", TAKE, PROFIT, -1199),
        ("SELL", TAKE, STOP_LIMIT | {"TimeInForce": "IOC", "IcebergQty": "1"}, -1160),
    ],
)
def test_a_leg_in_the_wrong_place_is_refused(side, above, below, code):
    """Each rule has its own code."""
    with pytest.raises(Refusal) as caught:
        oco(side, above, below)

    assert code == caught.value.code


@pytest.mark.parametrize(("side", "above", "below"), [("SELL", PROFIT, STOP), ("BUY", STOP, TAKE)])
def test_legs_in_their_places_are_accepted(side, above, below):
    """A sale takes its profit above and stops below; a purchase the other way."""
    assert [above["Type"], below["Type"]] == [part.type for part in oco(side, above, below).legs]


def test_an_oto_has_a_working_order_and_a_pending_one():
    """The sides and quantities are the orders' own."""
    found = read(
        read_oto,
        **leg(
            "working", {"Type": "LIMIT", "Side": "BUY", "Price": "90", "Quantity": "1", "TimeInForce": "GTC"}
        ),
        **leg("pending", {"Type": "MARKET", "Side": "SELL", "Quantity": "0.5"}),
    )

    assert ("OTO", "LIMIT", D(90)) == (found.kind, found.working.type, found.working.price)
    assert [("MARKET", "SELL", D("0.5"))] == [(part.type, part.side, part.quantity) for part in found.legs]


def test_an_otoco_shares_side_and_quantity_between_its_pending_legs():
    """The names of the pending legs' parameters have both words in front."""
    found = read(
        read_otoco,
        **leg("working", {"Type": "LIMIT_MAKER", "Side": "BUY", "Price": "90", "Quantity": "1"}),
        pendingSide="SELL",
        pendingQuantity="0.9",
        **leg("pendingAbove", TAKE),
        **leg("pendingBelow", STOP | {"TrailingDelta": "50"}),
    )

    assert "OTOCO" == found.kind
    assert [("SELL", D("0.9"), None), ("SELL", D("0.9"), 50)] == [
        (part.side, part.quantity, part.trailing_delta) for part in found.legs
    ]


def test_the_working_order_rests_on_the_book():
    """A working order cannot be a stop."""
    with pytest.raises(Refusal, match="Invalid orderType"):
        read(
            read_oto,
            **leg("working", STOP | {"Side": "BUY", "Quantity": "1"}),
            **leg("pending", {"Type": "MARKET", "Side": "SELL", "Quantity": "1"}),
        )


@pytest.mark.parametrize(
    ("side", "types"),
    [("SELL", ["LIMIT_MAKER", "STOP_LOSS_LIMIT"]), ("BUY", ["STOP_LOSS_LIMIT", "LIMIT_MAKER"])],
)
def test_the_deprecated_oco_still_means_the_same(side, types):
    """Its words are those of before legs were above and below."""
    found = read(
        read_old_oco,
        side=side,
        quantity="1",
        price="120",
        stopPrice="80",
        stopLimitPrice="79",
        stopLimitTimeInForce="GTC",
        limitClientOrderId="take",
    )
    take = found.legs[types.index("LIMIT_MAKER")]

    assert types == [part.type for part in found.legs]
    assert ("take", D(120)) == (take.client_order_id, take.price)
