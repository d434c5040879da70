"""python-binance's `AsyncClient`, with both kinds of keys, places, asks for and cancels everything."""

from __future__ import annotations

from decimal import Decimal

import pytest
from binance.exceptions import BinanceAPIException

BTC = "BTCUSDT"
FAR = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.5"}

TYPES = [
    ("MARKET", {"quantity": "1"}, "FILLED"),
    ("MARKET", {"quoteOrderQty": "100"}, "FILLED"),
    ("LIMIT", {"quantity": "1", "price": "0.5", "timeInForce": "GTC"}, "NEW"),
    ("LIMIT", {"quantity": "1", "price": "0.5", "timeInForce": "GTC", "icebergQty": "0.25"}, "NEW"),
    ("LIMIT", {"quantity": "1", "price": "0.5", "timeInForce": "IOC"}, "EXPIRED"),
    ("LIMIT", {"quantity": "1", "price": "0.5", "timeInForce": "FOK"}, "EXPIRED"),
    ("LIMIT_MAKER", {"quantity": "1", "price": "0.5"}, "NEW"),
    ("STOP_LOSS", {"quantity": "1", "stopPrice": "1.2"}, "NEW"),
    ("STOP_LOSS", {"quantity": "1", "trailingDelta": "100"}, "NEW"),
    ("STOP_LOSS_LIMIT", {"quantity": "1", "stopPrice": "1.2", "price": "1.3", "timeInForce": "GTC"}, "NEW"),
    ("TAKE_PROFIT", {"quantity": "1", "stopPrice": "0.8"}, "NEW"),
    (
        "TAKE_PROFIT_LIMIT",
        {"quantity": "1", "stopPrice": "0.8", "price": "0.9", "timeInForce": "GTC", "trailingDelta": "50"},
        "NEW",
    ),
]


@pytest.fixture(params=["hmac", "ed25519"])
def signed_by(request, site, pem):
    """Give how a client is made that signs with either kind of key."""
    return {} if request.param == "hmac" else {"api_key": site.ed25519.api_key, "private_key": pem}


def test_every_type_of_order(play, site, signed_by):
    """Tested, placed, asked for by both ids, cancelled; then all of them are told together."""

    async def scenario(client, _):
        placed = []
        for number, (order_type, fields, status) in enumerate(TYPES):
            order = {"symbol": BTC, "side": "BUY", "type": order_type, **site.priced(fields)}
            assert {} == await client.create_test_order(**order)
            answer = await client.create_order(
                **order, newClientOrderId=f"n{number}", newOrderRespType="RESULT"
            )
            placed.append(answer["orderId"])
            assert status == answer["status"]
            found = await client.get_order(symbol=BTC, origClientOrderId=f"n{number}")
            assert found == await client.get_order(symbol=BTC, orderId=answer["orderId"])
            assert {name: answer[name] for name in answer if name in found} == {
                name: found[name] for name in found if name in answer
            }
            open_ones = [row["orderId"] for row in await client.get_open_orders(symbol=BTC)]
            assert open_ones == ([answer["orderId"]] if status == "NEW" else [])
            if status == "NEW":
                done = await client.cancel_order(symbol=BTC, origClientOrderId=f"n{number}")
                assert ("CANCELED", f"n{number}") == (done["status"], done["origClientOrderId"])
        assert placed == [row["orderId"] for row in await client.get_all_orders(symbol=BTC)]
        assert placed[:2] == sorted({row["orderId"] for row in await client.get_my_trades(symbol=BTC)})

    play(scenario, **signed_by)


def test_the_account_and_what_trading_costs(play, site, signed_by):
    """What was bought less its fee is there, and what was locked is free again."""

    async def scenario(client, _):
        before = {row["asset"]: Decimal(row["free"]) for row in (await client.get_account())["balances"]}
        bought = await client.create_order(symbol=BTC, side="BUY", type="MARKET", quantity="2")
        paid = sum(Decimal(fill["price"]) * Decimal(fill["qty"]) for fill in bought["fills"])
        await client.create_order(**site.priced(FAR))
        assert 1 == len(await client._delete("openOrders", True, data={"symbol": BTC}))
        after = {row["asset"]: row for row in (await client.get_account(omitZeroBalances="true"))["balances"]}
        assert before["BTC"] + Decimal("1.998") == Decimal(after["BTC"]["free"])
        assert before["USDT"] - paid == Decimal(after["USDT"]["free"])
        assert {"0.00000000"} == {row["locked"] for row in after.values()}
        costs = await client._get("account/commission", True, data={"symbol": BTC})
        assert "0.00100000" == costs["standardCommission"]["taker"]
        assert ["ORDERS", "ORDERS"] == [row["rateLimitType"] for row in await client.get_current_order_count()]

    play(scenario, **signed_by)


def test_an_order_is_replaced_in_three_ways_and_made_smaller(play, site):
    """The body of a half failure is in the exception's answer."""

    async def scenario(client, _):
        first = await client.create_order(**site.priced(FAR))
        new = site.priced(FAR | {"price": "0.6"}) | {"cancelReplaceMode": "STOP_ON_FAILURE"}
        done = await client.cancel_replace_order(**new, cancelOrderId=first["orderId"])
        order_id = done["newOrderResponse"]["orderId"]
        assert ("SUCCESS", "SUCCESS") == (done["cancelResult"], done["newOrderResult"])
        with pytest.raises(BinanceAPIException) as none:
            await client.cancel_replace_order(**new, cancelOrderId=first["orderId"])
        assert (-2022, 400) == (none.value.code, none.value.status_code)
        smaller = await client._put(
            "order/amend/keepPriority",
            True,
            data={"symbol": BTC, "orderId": order_id, "newQty": "0.4", "newClientOrderId": "small"},
        )
        assert ("small", "0.40000000") == tuple(
            smaller["amendedOrder"][name] for name in ("clientOrderId", "qty")
        )
        greedy = new | site.priced({"price": "4"}) | {"quantity": "9000"}
        with pytest.raises(BinanceAPIException) as half:
            await client.cancel_replace_order(**greedy, cancelOrigClientOrderId="small")
        told = (await half.value.response.json())["data"]
        assert (-2021, 409, "SUCCESS", -2010) == (
            half.value.code,
            half.value.status_code,
            told["cancelResult"],
            told["newOrderResponse"]["code"],
        )

    play(scenario)


def test_lists(play, site):
    """OCO, OTO and OTOCO are placed, told and cancelled."""

    async def scenario(client, _):
        pair = site.priced({"AboveType": "LIMIT_MAKER", "AbovePrice": "1.5", "BelowType": "STOP_LOSS"})
        pair |= site.priced({"BelowStopPrice": "0.4"})
        entry = {"workingType": "LIMIT", "workingSide": "BUY", "workingTimeInForce": "GTC"}
        entry |= {"symbol": BTC, "workingQuantity": "1", "pendingSide": "SELL", "pendingQuantity": "1"}
        entry |= site.priced({"workingPrice": "0.5"})
        oco = await client.create_oco_order(
            symbol=BTC, side="SELL", quantity="1", **{name[0].lower() + name[1:]: pair[name] for name in pair}
        )
        oto = await client.v3_post_order_list_oto(**entry, pendingType="MARKET")
        otoco = await client.v3_post_order_list_otoco(
            **entry, **{f"pending{name}": value for name, value in pair.items()}
        )
        lists = [oco, oto, otoco]
        assert ["OCO", "OTO", "OTO"] == [found["contingencyType"] for found in lists]
        assert [2, 2, 3] == [len(found["orderReports"]) for found in lists]
        for found in lists:
            one = {"orderListId": found["orderListId"]}
            told = await client.v3_get_order_list(**one)
            assert ("EXECUTING", found["orders"]) == (told["listOrderStatus"], told["orders"])
            done = await client.v3_delete_order_list(symbol=BTC, **one)
            assert {"CANCELED"} == {row["status"] for row in done["orderReports"]}

    play(scenario)


def test_klines_are_paged(play):
    """More bars than a page holds come once each, in order."""

    async def scenario(client, _):
        (last,) = await client.get_klines(symbol=BTC, interval="1m", limit=1)
        start = last[0] - 1_500_000
        rows = await client.get_historical_klines(BTC, "1s", start, last[0])
        assert [start + 1000 * number for number in range(1501)] == [row[0] for row in rows]
        pages = await client.get_historical_klines_generator(BTC, "1s", start, last[0])
        assert rows == [row async for row in pages]

    play(scenario)
