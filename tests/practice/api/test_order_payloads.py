"""Orders in Binance's words: the fields that only some orders have, and where they stand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from bt_run.practice.api.microseconds import in_microseconds
from bt_run.practice.api.order_payloads import amended_list, amount, cancelled, placed, placed_list, queried
from bt_run.practice.orders import Fill, Order, OrderList, Ticket

D = Decimal
TIME = 1_719_467_634_105
TICKET = Ticket(
    "LTCBNB", "BUY", "MARKET", "8LGC97RRgNPVQk979VIhjt", quantity=D(6), self_trade_prevention="NONE"
)
ORDER = Order(TICKET, 32, "NEW", TIME, TIME, D(6), working_time=TIME, client_order_id=TICKET.client_order_id)


def fill(number: int) -> Fill:
    """Give a trade of two."""
    return Fill(
        number, "LTCBNB", 32, -1, D(1), D(2), D(2), D("0.001"), "BNB", TIME, is_buyer=True, is_maker=False
    )


def test_the_documented_full_answer_is_ours_to_the_letter():
    """A MARKET order that ran out of liquidity, as rest-api.md shows it (2026-03)."""
    order = replace(
        ORDER,
        status="EXPIRED",
        executed=D(4),
        executed_quote=D(4),
        fills=(fill(7), fill(8)),
        expiry_reason="INSUFFICIENT_LIQUIDITY",
    )
    part = {"price": "1.00000000", "qty": "2.00000000", "commission": "0.00100000", "commissionAsset": "BNB"}

    expected = {
        "symbol": "LTCBNB",
        "orderId": 32,
        "orderListId": -1,
        "clientOrderId": "8LGC97RRgNPVQk979VIhjt",
        "transactTime": TIME,
        "price": "0.00000000",
        "origQty": "6.00000000",
        "executedQty": "4.00000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "4.00000000",
        "status": "EXPIRED",
        "timeInForce": "GTC",
        "type": "MARKET",
        "side": "BUY",
        "workingTime": TIME,
        "fills": [part | {"tradeId": 7}, part | {"tradeId": 8}],
        "selfTradePreventionMode": "NONE",
        "expiryReason": "INSUFFICIENT_LIQUIDITY",
    }
    found = placed(order, "FULL")
    assert expected == found
    assert list(expected) == list(found)
    assert list(expected)[:5] == list(placed(order, "ACK"))
    assert [name for name in expected if name != "fills"] == list(placed(order, "RESULT"))


def test_fields_under_conditions_are_there_when_they_mean_something():
    """Queries tell stopPrice and icebergQty of every order, other answers only where they were sent."""
    ticket = replace(
        TICKET,
        type="STOP_LOSS_LIMIT",
        price=D(2),
        stop_price=D(3),
        trailing_delta=100,
        iceberg_quantity=D(1),
        strategy_id=37,
        strategy_type=1_000_000,
    )
    special = replace(ORDER, ticket=ticket, working_time=-1, trailing_time=TIME)
    names = {"stopPrice", "trailingDelta", "trailingTime", "icebergQty", "strategyId", "strategyType"}

    for told in (placed(special, "RESULT"), queried(special), cancelled(special, "gone")):
        assert names <= set(told)
    assert not names & set(placed(ORDER, "FULL"))
    assert {"stopPrice": "0.00000000", "icebergQty": "0.00000000"} == {
        name: value for name, value in queried(ORDER).items() if name in names
    }
    assert (-1, False) == (queried(special)["workingTime"], queried(special)["isWorking"])


def test_a_list_tells_its_orders_twice():
    """Shortly under `orders`, wholly under `orderReports`; an amendment's list has neither type nor time."""
    found = OrderList(3, "OTOCO", "mine", "LTCBNB", (32,), "EXEC_STARTED", "EXECUTING", TIME)
    told = placed_list(found, [ORDER], "ACK")

    assert ("OTO", TIME) == (told["contingencyType"], told["transactionTime"])
    assert [{"symbol": "LTCBNB", "orderId": 32, "clientOrderId": TICKET.client_order_id}] == told["orders"]
    assert [placed(ORDER, "ACK")] == told["orderReports"]
    assert {"listStatusType", "transactionTime"} == set(told) - {"orderReports"} - set(
        amended_list(found, [ORDER])
    )


def test_amounts_have_eight_decimals_and_no_exponent():
    """However small or large."""
    assert ["0.00000000", "0.00000001", "1000000000.00000000"] == [
        amount(value) for value in (None, D("1E-8"), D("1E+9"))
    ]


def test_only_times_become_microseconds():
    """Ids and marks such as -1 stay."""
    told = {"orderId": TIME, "workingTime": -1, "transactTime": 5, "fills": [{"tradeId": 7}], "closeTime": 9}
    row = [1, "1", "1", "1", "1", "1", 60, "1", 8, "1", "1", "0"]

    changed = {"workingTime": -1, "transactTime": 5000, "closeTime": 9999}
    assert told | changed == in_microseconds(told)
    assert [[1000, *row[1:6], 60_999, *row[7:]]] == in_microseconds([row])
