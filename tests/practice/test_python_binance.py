"""python-binance's `Client`, pointed here by its class attributes, gets through every REST call."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from binance.client import Client
from binance.exceptions import BinanceAPIException

S = "BTCUSDT"


@pytest.fixture
def client(served):
    """Give a client as a user would make one."""

    class Practice(Client):
        API_URL = API_TESTNET_URL = API_DEMO_URL = served.server.url + "/api"
        FUTURES_URL = FUTURES_TESTNET_URL = FUTURES_DEMO_URL = served.server.url + "/fapi"

    key = next(key for key in served.server.keys if hasattr(key, "secret"))
    made = Practice(key.api_key, key.secret, ping=False)
    made.session.trust_env = False
    yield made
    made.close_connection()
    made.loop.close()  # it made one that it leaves open
    asyncio.set_event_loop(None)


@pytest.fixture
def price(client):
    """Give prices as a multiple of the last one."""
    last = Decimal(client.get_symbol_ticker(symbol=S)["price"])
    return lambda times: f"{last * Decimal(times):.2f}"


@pytest.fixture
def place(client, price):
    """Give what places a limit order far below the market."""
    order = {"symbol": S, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1"}
    return lambda **more: client.create_order(**order | {"price": price("0.5")} | more)


def code(call, **params):
    """Give the code that a call is refused with, and its HTTP status."""
    with pytest.raises(BinanceAPIException) as caught:
        call(**params)
    return caught.value.code, caught.value.status_code


def test_the_market_is_read(client, served):
    """Everything that needs no key."""
    now = served.exchange.now
    rows = client.get_klines(symbol=S, interval="1m", limit=1000)

    assert {} == client.ping()
    assert now == client.get_server_time()["serverTime"]
    assert ["BTCUSDT", "ETHUSDT"] == [row["symbol"] for row in client.get_exchange_info()["symbols"]]
    assert "TRADING" == client.get_symbol_info(S)["status"]
    assert [S] == [
        row["symbol"] for row in client._get("exchangeInfo", data={"symbols": '["BTCUSDT"]'})["symbols"]
    ]
    assert (61, now) == (len(rows), rows[-1][0])
    assert rows == client.get_historical_klines(S, "1m", rows[0][0])
    assert rows == client.get_ui_klines(symbol=S, interval="1m", limit=1000)
    assert rows[5:8] == client.get_klines(symbol=S, interval="1m", startTime=rows[5][0], endTime=rows[7][0])
    assert rows[5:7] == client.get_klines(symbol=S, interval="1m", startTime=rows[5][0], limit=2)
    trades = client.get_recent_trades(symbol=S, limit=10)
    assert trades == client.get_historical_trades(symbol=S, fromId=trades[0]["id"], limit=10)
    aggregates = client.get_aggregate_trades(symbol=S, fromId=trades[0]["id"])
    assert [row["id"] for row in trades] == [row["a"] for row in aggregates]
    assert {"lastUpdateId", "bids", "asks"} == set(client.get_order_book(symbol=S))
    assert Decimal(client.get_avg_price(symbol=S)["price"]) > 0
    assert rows[-2][4] == client.get_symbol_ticker(symbol=S)["price"]
    assert 2 == len(client.get_all_tickers()) == len(client.get_orderbook_tickers()) == len(client.get_ticker())
    best = client.get_orderbook_ticker(symbol=S)
    assert Decimal(best["bidPrice"]) < Decimal(best["askPrice"])
    assert S == client.get_ticker(symbol=S)["symbol"]


def test_futures_are_read(client):
    """Bars and aggregate trades, of the same market."""
    assert {} == client.futures_ping()
    assert ["BTCUSDT", "ETHUSDT"] == [row["symbol"] for row in client.futures_exchange_info()["symbols"]]
    assert client.get_server_time() == client.futures_time()
    (row,) = client.futures_klines(symbol=S, interval="1m", limit=1)
    assert 12 == len(row)
    assert {"a", "p", "q", "nq", "f", "l", "T", "m"} == set(client.futures_aggregate_trades(symbol=S)[0])
    assert (-1130, 400) == code(client.futures_klines, symbol=S, interval="1m", limit=1501)


@pytest.mark.parametrize(
    ("order_type", "fields", "status"),
    [
        ("MARKET", {"quantity": "1"}, "FILLED"),
        ("MARKET", {"quoteOrderQty": "100"}, "FILLED"),
        ("LIMIT", {"quantity": "1", "price": "0.5", "timeInForce": "GTC"}, "NEW"),
        ("LIMIT", {"quantity": "1", "price": "0.5", "timeInForce": "IOC"}, "EXPIRED"),
        ("LIMIT", {"quantity": "1", "price": "0.5", "timeInForce": "FOK"}, "EXPIRED"),
        ("LIMIT_MAKER", {"quantity": "1", "price": "0.5"}, "NEW"),
        ("STOP_LOSS", {"quantity": "1", "stopPrice": "1.2"}, "NEW"),
        ("STOP_LOSS", {"quantity": "1", "trailingDelta": "100"}, "NEW"),
        ("STOP_LOSS_LIMIT", {"quantity": "1", "stopPrice": "1.2", "price": "1.3", "timeInForce": "GTC"}, "NEW"),
        ("TAKE_PROFIT", {"quantity": "1", "stopPrice": "0.8"}, "NEW"),
        (
            "TAKE_PROFIT_LIMIT",
            {"quantity": "1", "stopPrice": "0.8", "price": "0.9", "timeInForce": "GTC"},
            "NEW",
        ),
    ],
)
def test_every_type_is_tested_placed_queried_and_cancelled(client, price, order_type, fields, status):
    """In each of the three forms of an answer."""
    fields = {name: price(value) if name in ("price", "stopPrice") else value for name, value in fields.items()}
    order = {"symbol": S, "side": "BUY", "type": order_type, **fields}
    assert {} == client.create_test_order(**order)
    for kind, names in (("ACK", 5), ("RESULT", 15), ("FULL", 16)):
        name = f"my-{kind}"
        answer = client.create_order(**order, newOrderRespType=kind, newClientOrderId=name)
        assert len(answer) >= names
        assert ("fills" in answer) == (kind == "FULL")
        asked = client.get_order(symbol=S, origClientOrderId=name)
        assert (answer["orderId"], status, order_type) == (asked["orderId"], asked["status"], asked["type"])
        if status == "NEW":
            done = client.cancel_order(symbol=S, orderId=answer["orderId"], newClientOrderId=f"c-{kind}")
            assert (name, f"c-{kind}", "CANCELED") == (
                done["origClientOrderId"],
                done["clientOrderId"],
                done["status"],
            )
    assert 3 == len(client.get_all_orders(symbol=S))


def test_a_default_answer_is_as_long_as_the_type_says(client, place, price):
    """FULL for MARKET and LIMIT, ACK for the rest."""
    assert "fills" in place()
    assert 5 == len(
        client.create_order(symbol=S, side="BUY", type="LIMIT_MAKER", quantity="1", price=price("0.5"))
    )


def test_open_orders_are_listed_and_cancelled_together(client, place, price):
    """Lists among them, each once."""
    place()
    client.create_oco_order(
        symbol=S,
        side="SELL",
        quantity="1",
        aboveType="LIMIT_MAKER",
        abovePrice=price("1.5"),
        belowType="STOP_LOSS",
        belowStopPrice=price("0.5"),
    )

    assert 3 == len(client.get_open_orders()) == len(client.get_open_orders(symbol=S))
    assert [] == client.get_open_orders(symbol="ETHUSDT")
    single, whole = client._delete("openOrders", True, data={"symbol": S})
    assert ("CANCELED", 2) == (single["status"], len(whole["orderReports"]))
    assert [] == client.get_open_orders()
    assert (-2011, 400) == code(client._delete, path="openOrders", signed=True, data={"symbol": S})


def test_the_account_is_told(client, place):
    """Balances, trades, commissions, counts, filters."""
    place()
    bought = client.create_order(symbol=S, side="BUY", type="MARKET", quantity="1")
    account = client.get_account()
    held = {row["asset"]: row for row in account["balances"]}
    (trade,) = client.get_my_trades(symbol=S)

    assert {"BNB", "BTC", "ETH", "USDT"} == set(held)
    assert Decimal(held["USDT"]["locked"]) > 0
    assert "BNB" not in str(client.get_account(omitZeroBalances="true"))
    assert (bought["orderId"], bought["fills"][0]["tradeId"]) == (trade["orderId"], trade["id"])
    assert [trade] == client.get_my_trades(symbol=S, orderId=bought["orderId"])
    assert [] == client.get_my_trades(symbol=S, fromId=trade["id"] + 1)
    costs = client._get("account/commission", True, data={"symbol": S})
    assert "0.00100000" == costs["standardCommission"]["maker"]
    assert [1, 1] == [row["count"] for row in client.get_current_order_count()]
    assert [] == client.get_prevented_matches(symbol=S)
    assert "LOT_SIZE" in str(client._get("myFilters", True, data={"symbol": S})["symbolFilters"])
    rates = client.create_test_order(
        symbol=S, side="BUY", type="MARKET", quantity="1", computeCommissionRates="true"
    )
    assert "0.00100000" == rates["standardCommissionForOrder"]["taker"]


def test_an_order_is_replaced_and_each_half_may_fail(client, place, price):
    """200 both, 409 one, 400 none; what became of each half is in `data`."""
    first = place()["orderId"]
    new = {
        "symbol": S,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "1",
        "price": price("0.6"),
    }
    stop = new | {"cancelReplaceMode": "STOP_ON_FAILURE"}
    done = client.cancel_replace_order(**stop, cancelOrderId=first, cancelNewClientOrderId="gone")

    assert ("SUCCESS", "SUCCESS") == (done["cancelResult"], done["newOrderResult"])
    assert ("gone", "NEW") == (done["cancelResponse"]["clientOrderId"], done["newOrderResponse"]["status"])
    assert (-2022, 400) == code(client.cancel_replace_order, **stop, cancelOrderId=first)
    allow = new | {"cancelReplaceMode": "ALLOW_FAILURE"}
    assert (-2021, 409) == code(client.cancel_replace_order, **allow, cancelOrderId=first)
    told = client.response.json()["data"]
    assert ("FAILURE", "SUCCESS", -2011) == (
        told["cancelResult"],
        told["newOrderResult"],
        told["cancelResponse"]["code"],
    )
    greedy = stop | {"quantity": "9000", "price": price("4")}
    assert (-2021, 409) == code(
        client.cancel_replace_order, **greedy, cancelOrderId=done["newOrderResponse"]["orderId"]
    )
    told = client.response.json()["data"]
    assert ("SUCCESS", -2010) == (told["cancelResult"], told["newOrderResponse"]["code"])


def test_an_order_is_made_smaller(client, place):
    """It keeps its id, and its past is told."""
    order = place(newClientOrderId="big")
    asked = {"symbol": S, "orderId": order["orderId"], "newQty": "0.4", "newClientOrderId": "small"}
    done = client._put("order/amend/keepPriority", True, data=asked)
    (past,) = client._get("order/amendments", True, data={"symbol": S, "orderId": order["orderId"]})

    assert ("big", "small", "0.40000000") == tuple(
        done["amendedOrder"][name] for name in ("origClientOrderId", "clientOrderId", "qty")
    )
    assert (done["executionId"], "1.00000000", "0.40000000") == (
        past["executionId"],
        past["origQty"],
        past["newQty"],
    )
    assert "small" == client.get_order(symbol=S, orderId=order["orderId"])["clientOrderId"]


def test_lists_are_placed_queried_and_cancelled(client, price):
    """OCO, OTO and OTOCO."""
    oto = client.v3_post_order_list_oto(
        symbol=S, workingType="LIMIT", workingSide="BUY", workingPrice=price("0.5"), workingQuantity="1",
        workingTimeInForce="GTC", pendingType="MARKET", pendingSide="SELL", pendingQuantity="1",
    )  # fmt: skip
    otoco = client.v3_post_order_list_otoco(
        symbol=S, workingType="LIMIT_MAKER", workingSide="BUY", workingPrice=price("0.5"), workingQuantity="1",
        pendingSide="SELL", pendingQuantity="1", pendingAboveType="LIMIT_MAKER", pendingAbovePrice=price("1.5"),
        pendingBelowType="STOP_LOSS", pendingBelowStopPrice=price("0.4"),
    )  # fmt: skip
    oco = client._post(
        "order/oco",
        True,
        data={"symbol": S, "side": "SELL", "quantity": "1", "price": price("1.5"), "stopPrice": price("0.5")},
    )

    lists = [oto, otoco, oco]
    assert ["OTO", "OTO", "OCO"] == [found["contingencyType"] for found in lists]
    assert [["NEW", "PENDING_NEW"], ["NEW", "PENDING_NEW", "PENDING_NEW"], ["NEW", "NEW"]] == [
        [report["status"] for report in found["orderReports"]] for found in lists
    ]
    ids = [found["orderListId"] for found in lists]
    assert ids == [row["orderListId"] for row in client._get("openOrderList", True, data={})]
    assert ids[1:] == [row["orderListId"] for row in client._get("allOrderList", True, data={"fromId": ids[1]})]
    asked = client.v3_get_order_list(orderListId=ids[0])
    assert ("EXECUTING", oto["orders"]) == (asked["listOrderStatus"], asked["orders"])
    done = client.v3_delete_order_list(symbol=S, listClientOrderId=otoco["listClientOrderId"])
    assert ("ALL_DONE", {"CANCELED"}) == (
        done["listOrderStatus"],
        {row["status"] for row in done["orderReports"]},
    )
    leg = client.cancel_order(symbol=S, orderId=oco["orders"][0]["orderId"])
    assert ids[2] == leg["orderListId"]
    assert (-2013, 400) == code(client.v3_get_order_list, orderListId=99)


BUY = {"symbol": S, "side": "BUY", "type": "MARKET", "quantity": "1"}


@pytest.mark.parametrize(
    ("call", "params", "expected"),
    [
        ("get_order", {"symbol": S, "orderId": 99}, (-2013, 400)),
        ("get_order", {"symbol": S}, (-1102, 400)),
        ("cancel_order", {"symbol": S, "orderId": 99}, (-2011, 400)),
        ("cancel_order", {"symbol": S, "orderId": 1, "cancelRestrictions": "ALL"}, (-1145, 400)),
        ("get_all_orders", {"symbol": S, "startTime": 1, "endTime": 90_000_000}, (-1127, 400)),
        ("create_order", BUY | {"symbol": "XYZ"}, (-1121, 400)),
        ("create_order", BUY | {"quantity": 1e-05}, (-1100, 400)),
        ("create_order", BUY | {"quantity": "0.000001"}, (-1013, 400)),
        ("create_order", BUY | {"side": "SELL", "quantity": "99"}, (-2010, 400)),
        ("create_order", BUY | {"newClientOrderId": "a:b"}, (-1022, 400)),
    ],
)
def test_refusals_reach_the_caller_with_their_codes(client, call, params, expected):
    """The last one is a fault of python-binance: it signs a value raw that it sends encoded."""
    assert expected == code(getattr(client, call), **params)
