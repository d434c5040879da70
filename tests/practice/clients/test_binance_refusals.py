"""Each of Binance's refusals that can be provoked reaches a user of python-binance with its code and words."""

from __future__ import annotations

import time

import pytest
from binance.exceptions import BinanceAPIException

from bt_run.practice.limits import LimitRules, Limits

BTC = "BTCUSDT"
MARKET = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "1"}
LIMIT = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.5"}
STOP = {"symbol": BTC, "side": "SELL", "type": "STOP_LOSS", "quantity": "1", "stopPrice": "0.5"}
MAKER = {"symbol": BTC, "side": "BUY", "type": "LIMIT_MAKER", "quantity": "1", "price": "0.5"}
NO_NUMBER = (
    "Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'."
)
NO_MONEY = "Account has insufficient balance for requested action."
UNREAD = "Not all sent parameters were read; read '8' parameter(s) but was sent '9'."


def told(call, **params):
    """Give HTTP status, code and words of a refusal."""
    with pytest.raises(BinanceAPIException) as caught:
        call(**params)
    return caught.value.status_code, caught.value.code, caught.value.message


def failed(name):
    """Give the refusal of a filter."""
    return (-1013, f"Filter failure: {name}")


ORDERS = [
    (LIMIT | {"price": "0.001"}, failed("PERCENT_PRICE_BY_SIDE")),
    (LIMIT | {"price": "6"}, failed("PERCENT_PRICE_BY_SIDE")),
    (LIMIT | {"stopPrice": "1.2"}, (-1106, "Parameter 'stopPrice' sent when not required.")),
    (LIMIT | {"quantity": "0.00001"}, failed("NOTIONAL")),
    (LIMIT | {"quantity": "9000.1"}, failed("LOT_SIZE")),
    (LIMIT | {"quantity": "0.000001"}, failed("LOT_SIZE")),
    (LIMIT | {"icebergQty": "0.001"}, failed("ICEBERG_PARTS")),
    (LIMIT | {"icebergQty": "2"}, (-1013, "IcebergQty exceeds QTY.")),
    (LIMIT | {"icebergQty": "0.5", "timeInForce": "IOC"}, (-1013, "Unsupported order combination")),
    (MARKET | {"quantity": "101"}, failed("MARKET_LOT_SIZE")),
    (MARKET | {"quantity": "0.00001"}, failed("NOTIONAL")),
    (STOP | {"trailingDelta": "5"}, failed("TRAILING_DELTA")),
    (STOP | {"trailingDelta": "2001"}, failed("TRAILING_DELTA")),
    (STOP | {"stopPrice": "1.1"}, (-2010, "Order would trigger immediately.")),
    (MAKER | {"price": "1.1"}, (-2010, "Order would immediately match and take.")),
    (MARKET | {"side": "SELL", "quantity": "11"}, (-2010, NO_MONEY)),
    (MARKET | {"symbol": "NONE"}, (-1121, "Invalid symbol.")),
    (MARKET | {"side": "HOLD"}, (-1117, "Invalid side.")),
    (MARKET | {"type": "STOP"}, (-1116, "Invalid orderType.")),
    (LIMIT | {"timeInForce": "GTX"}, (-1115, "Invalid timeInForce.")),
    (MARKET | {"quantity": 1e-05}, (-1100, NO_NUMBER)),
    (MARKET | {"quantity": "-1"}, (-1100, NO_NUMBER)),
    (MARKET | {"quantity": "0.123456789"}, (-1111, "Parameter 'quantity' has too much precision.")),
    (MARKET | {"quantity": "0"}, (-1013, "Invalid quantity.")),
    (MARKET | {"price": "1"}, (-1106, "Parameter 'price' sent when not required.")),
    (MARKET | {"timeInForce": "GTC"}, (-1106, "Parameter 'timeInForce' sent when not required.")),
    (MARKET | {"leverage": "10", "newClientOrderId": "n"}, (-1104, UNREAD)),
    (LIMIT | {"strategyType": "1"}, (-1134, "'strategyType' was less than 1000000.")),
    (LIMIT | {"newOrderRespType": "ALL"}, (-1130, "Data sent for parameter 'newOrderRespType' is not valid.")),
    (
        {"symbol": BTC, "side": "BUY", "type": "MARKET"},
        (-1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"),
    ),
    (
        {"symbol": BTC, "side": "SELL", "type": "STOP_LOSS", "quantity": "1"},
        (-1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"),
    ),
    (
        {"symbol": BTC, "side": "BUY", "type": "LIMIT", "quantity": "1", "price": "1"},
        (-1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed."),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("order", "expected"), ORDERS)
@pytest.mark.parametrize("call", ["create_order", "create_test_order"])
def test_orders_that_cannot_be(client, site, call, order, expected):
    """A test order is judged as a real one, but by the matching engine, which it does not reach."""
    if call == "create_test_order" and expected[0] == -2010:
        assert {} == client.create_test_order(**site.priced(order))
    else:
        assert (400, *expected) == told(getattr(client, call), **site.priced(order))
    assert [] == client.get_all_orders(symbol=BTC)


def test_prices_off_the_grid(client, site):
    """Of the limit and of the stop."""
    odd = site.price("0.5") + "5"

    assert (400, *failed("PRICE_FILTER")) == told(client.create_order, **LIMIT | {"price": odd})
    assert (400, *failed("PRICE_FILTER")) == told(client.create_order, **STOP | {"stopPrice": odd})


def test_an_open_order_keeps_its_id_for_itself(client, site):
    """Once it is over, the id is free again."""
    order = site.priced(LIMIT) | {"newClientOrderId": "mine"}
    first = client.create_order(**order)

    assert (400, -2010, "Duplicate order sent.") == told(client.create_order, **order)
    client.cancel_order(symbol=BTC, orderId=first["orderId"])
    assert first["orderId"] < client.create_order(**order)["orderId"]


def test_too_many_open_orders(client, site):
    """Stops are counted apart, lists too."""
    stop = site.priced(STOP)
    for _ in range(5):
        client.create_order(**stop)

    assert (400, *failed("MAX_NUM_ALGO_ORDERS")) == told(client.create_order, **stop)


def test_orders_that_are_not_there(client, site):
    """Asked for, cancelled, replaced, made smaller; before and after their time."""
    done = client.create_order(**MARKET)
    mine = client.create_order(**site.priced(LIMIT))
    gone, there = {"symbol": BTC, "orderId": done["orderId"]}, {"symbol": BTC, "orderId": mine["orderId"]}
    new = site.priced(LIMIT) | {"cancelReplaceMode": "STOP_ON_FAILURE"}

    def amend(**params):
        return client._put("order/amend/keepPriority", True, data=params)

    def cancel_all(**params):
        return client._delete("openOrders", True, data=params)

    both = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
    cases = [
        (client.get_order, {"symbol": BTC, "orderId": 99}, (-2013, "Order does not exist.")),
        (client.get_order, {"symbol": BTC, "origClientOrderId": "x"}, (-2013, "Order does not exist.")),
        (client.get_order, {"symbol": BTC}, (-1102, both)),
        (
            client.get_order,
            there | {"origClientOrderId": done["clientOrderId"]},
            (-2039, "Client order ID is not correct for this order ID."),
        ),
        (client.cancel_order, gone, (-2011, "Unknown order sent.")),
        (
            client.cancel_order,
            there | {"cancelRestrictions": "ONLY_PARTIALLY_FILLED"},
            (-2011, "Order was not canceled due to cancel restrictions."),
        ),
        (client.cancel_order, there | {"cancelRestrictions": "ALL"}, (-1145, "Invalid cancelRestrictions")),
        (cancel_all, {"symbol": "ETHUSDT"}, (-2011, "Unknown order sent.")),
        (client.cancel_replace_order, new | {"cancelOrderId": 99}, (-2022, "Order cancel-replace failed.")),
        (amend, gone | {"newQty": "0.1"}, (-2038, "Unknown order sent.")),
        (amend, there | {"newQty": "2"}, (-2038, "Order amend (quantity increase) is not supported.")),
        (amend, there | {"newQty": "0.000001"}, (-2038, "Filter failure: LOT_SIZE")),
        (
            client.get_all_orders,
            {"symbol": BTC, "startTime": 1, "endTime": 90_000_000},
            (-1127, "More than 24 hours between startTime and endTime."),
        ),
        (client.v3_get_order_list, {"orderListId": 99}, (-2013, "Order list does not exist.")),
    ]

    for call, params, expected in cases:
        assert (400, *expected) == told(call, **params)


OCO = {"symbol": BTC, "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "1.5"}
OCO |= {"belowType": "STOP_LOSS", "belowStopPrice": "0.5"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"aboveType": "MARKET"}, (-1158, "Order type not supported in OCO.")),
        ({"belowType": "LIMIT_MAKER", "belowPrice": "0.5"}, (-1168, None)),
        ({"side": "BUY"}, (-1165, None)),
        ({"side": "BUY", "aboveType": "STOP_LOSS", "belowType": "STOP_LOSS"}, (-1196, None)),
        ({"aboveType": "STOP_LOSS", "belowType": "STOP_LOSS"}, (-1197, None)),
        ({"side": "BUY", "aboveType": "TAKE_PROFIT", "belowType": "LIMIT_MAKER"}, (-1198, None)),
        ({"belowType": "TAKE_PROFIT"}, (-1199, None)),
        ({"abovePrice": "0.9"}, (-2010, "The relationship of the prices for the orders is not correct.")),
        ({"belowStopPrice": "1.1"}, (-2010, "The relationship of the prices for the orders is not correct.")),
    ],
)
def test_lists_that_cannot_be(client, site, changes, expected):
    """Each leg has its place."""
    status, code, words = told(client.create_oco_order, **site.priced(OCO | changes))

    assert (400, expected[0]) == (status, code)
    assert expected[1] in (None, words)


def test_who_may_not_ask(make_client, site):
    """Keys that are none, unknown, or sign with another secret; clocks that are wrong."""
    late, early = make_client(), make_client()
    late.timestamp_offset, early.timestamp_offset = -3_600_000, 3_600_000
    cases = [
        (make_client("short"), (401, -2014, "API-key format invalid.")),
        (make_client("x" * 64), (401, -2015, "Invalid API-key, IP, or permissions for action.")),
        (make_client(secret="wrong"), (400, -1022, "Signature for this request is not valid.")),  # noqa: S106
        (late, (400, -1021, "Timestamp for this request is outside of the recvWindow.")),
        (early, (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")),
    ]

    for client, expected in cases:
        assert expected == told(client.get_account)


def test_a_key_signs_only_for_itself(make_client, site, pem):
    """The Ed25519 key under the name of the other, and the other way round."""
    wrong = (400, -1022, "Signature for this request is not valid.")

    assert wrong == told(make_client(private_key=pem).get_account)
    assert wrong == told(make_client(site.ed25519.api_key).get_account)


def test_who_asks_too_much(client, site):
    """429 with the seconds to wait, then 418 with the moment when it ends."""
    site.served.server.gateway.limits = Limits(LimitRules(weight_1m=40, forgiven=1))
    for _ in range(2):
        client.get_exchange_info()
    first, second = (told(client.get_exchange_info) for _ in range(2))

    assert (429, -1003) == first[:2]
    assert "current limit is 40 request weight per 1 MINUTE" in first[2]
    assert (418, -1003) == second[:2]
    assert "IP banned until" in second[2]
    assert "120" == client.response.headers["Retry-After"]
    assert int(client.response.headers["X-MBX-USED-WEIGHT-1M"]) > 40


def test_who_orders_too_much(client, site):
    """-1015; cancelling is still allowed."""
    rules = LimitRules(orders_10s=2)
    fixed = time.time()
    site.served.server.gateway.limits = Limits(rules, now=lambda: fixed)
    for _ in range(2):
        client.create_order(**site.priced(LIMIT))
    refused = told(client.create_order, **site.priced(LIMIT))

    assert (429, -1015, "Too many new orders; current limit is 2 orders per 10 SECOND.") == refused
    assert 1 <= int(client.response.headers["Retry-After"]) <= 10
    assert "CANCELED" == client.cancel_order(symbol=BTC, orderId=1)["status"]


def test_what_is_gone(client):
    """The listen keys, and the first version of the API; python-binance finds no code in a page."""
    assert (410, 0) == told(client.stream_get_listen_key)[:2]
    assert (404, 0) == told(client._get, path="klines", version="v1")[:2]
