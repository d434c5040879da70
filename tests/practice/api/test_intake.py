"""Orders from parameters, and every refusal of Binance's that needs no book and no money."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.practice.api.client_ids import ClientIds
from bt_run.practice.api.intake import read_response_type, read_ticket
from bt_run.practice.api.parameters import NUMBER, Parameters
from bt_run.practice.orders import Ticket
from bt_run.practice.refusal import Refusal
from bt_run.practice.rules import SymbolRules

D = Decimal
LIMIT = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.1"}


def read(**sent: str) -> Ticket:
    """Read an order of BTCUSDT."""
    return read_ticket(Parameters({"symbol": "BTCUSDT", **sent}), SymbolRules(), ClientIds(7))


def refused(**sent: str) -> tuple[int, str]:
    """Give the code and the words that an order is refused with."""
    with pytest.raises(Refusal) as caught:
        read(**sent)
    return caught.value.code, caught.value.reason


def without(name: str, **more: str) -> dict[str, str]:
    """Give a limit order without one of its parameters."""
    return {key: value for key, value in (LIMIT | more).items() if key != name}


def test_a_limit_order_is_read_whole():
    """Every field of the ticket is what was sent, as Decimal."""
    ticket = read(
        **LIMIT | {"quantity": "1.50000000"},
        newClientOrderId="my-order_1",
        icebergQty="0.5",
        strategyId="3",
        strategyType="1000000",
        selfTradePreventionMode="NONE",
    )

    expected = Ticket(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        client_order_id="my-order_1",
        quantity=D("1.5"),
        price=D("0.1"),
        iceberg_quantity=D("0.5"),
        strategy_id=3,
        strategy_type=1_000_000,
        self_trade_prevention="NONE",
    )
    assert expected == ticket


@pytest.mark.parametrize(
    ("order_type", "fields"),
    [
        ("MARKET", {"quantity": "1"}),
        ("MARKET", {"quoteOrderQty": "100"}),
        ("STOP_LOSS", {"quantity": "1", "stopPrice": "9"}),
        ("STOP_LOSS", {"quantity": "1", "trailingDelta": "100"}),
        ("TAKE_PROFIT", {"quantity": "1", "stopPrice": "9", "trailingDelta": "100"}),
        ("STOP_LOSS_LIMIT", {"quantity": "1", "price": "8", "stopPrice": "9", "timeInForce": "IOC"}),
        ("TAKE_PROFIT_LIMIT", {"quantity": "1", "price": "8", "trailingDelta": "10", "timeInForce": "FOK"}),
        ("LIMIT_MAKER", {"quantity": "1", "price": "8", "icebergQty": "0.1"}),
    ],
)
def test_each_type_takes_its_own_parameters(order_type, fields):
    """What a type needs is enough, and each of its mandatory parameters is asked for by name."""
    ticket = read(side="SELL", type=order_type, **fields)

    assert (order_type, fields.get("timeInForce", "GTC")) == (ticket.type, ticket.time_in_force)
    for name in {"quantity", "price", "timeInForce"} & set(fields):
        rest = {key: value for key, value in fields.items() if key != name}
        code, words = refused(side="SELL", type=order_type, **rest)
        assert -1102 == code
        assert f"'{name}'" in words


@pytest.mark.parametrize(
    ("sent", "code", "words"),
    [
        (without("side"), -1102, "Mandatory parameter 'side' was not sent, was empty/null, or malformed."),
        (without("", side=""), -1102, "Mandatory parameter 'side' was not sent, was empty/null, or malformed."),
        (without("", side="HOLD"), -1117, "Invalid side."),
        (without("", type="STOP"), -1116, "Invalid orderType."),
        (without("", timeInForce="GTX"), -1115, "Invalid timeInForce."),
        (without("", stopPrice="9"), -1106, "Parameter 'stopPrice' sent when not required."),
        (
            {"side": "BUY", "type": "MARKET", "quantity": "1", "timeInForce": "GTC"},
            -1106,
            "Parameter 'timeInForce' sent when not required.",
        ),
        (
            {"side": "BUY", "type": "MARKET"},
            -1102,
            "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
        ),
        (
            {"side": "BUY", "type": "MARKET", "quantity": "1", "quoteOrderQty": "1"},
            -1106,
            "Parameter 'quoteOrderQty' sent when not required.",
        ),
        (
            {"side": "BUY", "type": "STOP_LOSS", "quantity": "1"},
            -1102,
            "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!",
        ),
        (
            without("", quantity="1e-05"),
            -1100,
            f"Illegal characters found in parameter 'quantity'; legal range is '{NUMBER}'.",
        ),
        (
            without("", newClientOrderId="a b"),
            -1100,
            "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
        ),
        (without("", newClientOrderId=""), -1105, "Parameter 'newClientOrderId' was empty."),
        (without("", quantity="0.123456789"), -1111, "Parameter 'quantity' has too much precision."),
        (without("", price="-1"), -1100, None),
        (without("", quantity="0"), -1013, "Invalid quantity."),
        (without("", price="0.00"), -1013, "Invalid price."),
        (without("", timeInForce="IOC", icebergQty="0.5"), -1013, "Unsupported order combination"),
        (without("", strategyType="999999"), -1134, None),
        (without("", selfTradePreventionMode="ME"), -1130, None),
    ],
)
def test_what_binance_refuses_is_refused_in_its_words(sent, code, words):
    """Code and message are those of errors.md."""
    found = refused(**sent)

    assert code == found[0]
    if words is not None:
        assert words == found[1]


@pytest.mark.parametrize(
    ("order_type", "kind"),
    [("MARKET", "FULL"), ("LIMIT", "FULL"), ("LIMIT_MAKER", "ACK"), ("STOP_LOSS", "ACK"), (None, "RESULT")],
)
def test_how_much_is_told_depends_on_the_type(order_type, kind):
    """MARKET and LIMIT are answered FULL, the rest ACK, lists RESULT; the client may choose."""
    assert kind == read_response_type(Parameters({}), order_type)
    assert "RESULT" == read_response_type(Parameters({"newOrderRespType": "RESULT"}), order_type)


def test_made_up_ids_are_22_characters_and_come_again_from_the_seed():
    """Who sends no id gets one that is legal, new, and the same in the same run again."""
    ids = ClientIds(7)
    made = [ids.make() for _ in range(100)]

    assert len(set(made)) == 100
    assert all(re.fullmatch("[A-Za-z0-9]{22}", name) for name in made)
    again = ClientIds(7)
    assert made == [again.make() for _ in range(100)]
    assert made[0] not in (ClientIds(8).make(), ClientIds(7, 1).make())
    assert made[0] == read(**LIMIT).client_order_id


@given(st.dictionaries(st.sampled_from(sorted({*LIMIT, "stopPrice", "icebergQty"})), st.text(max_size=12)))
def test_no_text_of_a_client_can_break_the_reader(sent):
    """Whatever is sent is a ticket or a refusal."""
    try:
        ticket = read(**LIMIT | sent)
    except Refusal:
        return
    assert ticket.quantity > 0
