"""python-binance's `ws_*` methods reach the WebSocket API."""

from __future__ import annotations

import pytest
from binance.exceptions import BinanceAPIException

BTC = "BTCUSDT"
LIMIT = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.5"}


@pytest.fixture(params=["hmac", "ed25519"])
def signed_by(request, site, pem):
    """Give how a client is made that signs with either kind of key."""
    return {} if request.param == "hmac" else {"api_key": site.ed25519.api_key, "private_key": pem}


def test_the_market_is_as_rest_tells_it(play):
    """The same bodies under both names."""
    pairs = [
        ("ws_get_exchange_info", "get_exchange_info", {}),
        ("ws_get_klines", "get_klines", {"symbol": BTC, "interval": "1m", "limit": 3}),
        ("ws_get_uiKlines", "get_ui_klines", {"symbol": BTC, "interval": "1m", "limit": 3}),
        ("ws_get_order_book", "get_order_book", {"symbol": BTC, "limit": 5}),
        ("ws_get_recent_trades", "get_recent_trades", {"symbol": BTC, "limit": 2}),
        ("ws_get_aggregate_trades", "get_aggregate_trades", {"symbol": BTC, "limit": 2}),
        ("ws_get_avg_price", "get_avg_price", {"symbol": BTC}),
        ("ws_get_ticker", "get_ticker", {"symbol": BTC}),
        ("ws_get_symbol_ticker", "get_symbol_ticker", {"symbol": BTC}),
        ("ws_get_orderbook_ticker", "get_orderbook_ticker", {"symbol": BTC}),
        ("ws_get_time", "get_server_time", {}),
    ]

    async def scenario(client, _):
        assert {} == await client.ws_ping()
        for over_socket, over_rest, params in pairs:
            told = await getattr(client, over_socket)(**params)
            told.pop("wsResponse", None) if isinstance(told, dict) else None
            assert told == await getattr(client, over_rest)(**params), over_socket

    play(scenario)


def test_orders(play, site, signed_by):
    """Tested, placed, asked for, replaced, cancelled; REST knows them too."""

    async def scenario(client, _):
        order = site.priced(LIMIT)
        assert {} == await client.ws_create_test_order(**order)
        placed = await client.ws_create_order(**order, newClientOrderId="w")
        found = await client.ws_get_order(symbol=BTC, origClientOrderId="w")
        assert found == await client.get_order(symbol=BTC, orderId=placed["orderId"])
        assert [found] == await client.ws_get_open_orders(symbol=BTC)
        replaced = await client.ws_cancel_and_replace_order(
            **order, cancelReplaceMode="STOP_ON_FAILURE", cancelOrigClientOrderId="w", newClientOrderId="w2"
        )
        assert ("SUCCESS", "SUCCESS") == (replaced["cancelResult"], replaced["newOrderResult"])
        done = await client.ws_cancel_order(symbol=BTC, origClientOrderId="w2")
        assert "CANCELED" == done["status"]
        bought = await client.ws_order_market_buy(symbol=BTC, quantity="1")
        assert "FILLED" == bought["status"]
        assert 3 == len(await client.ws_get_all_orders(symbol=BTC))
        assert [bought["orderId"]] == [row["orderId"] for row in await client.ws_get_my_trades(symbol=BTC)]
        assert "SPOT" == (await client.ws_get_account())["accountType"]
        assert BTC == (await client.ws_get_commission_rates(symbol=BTC))["symbol"]
        assert [] == await client.ws_get_prevented_matches(symbol=BTC, orderId=1)

    play(scenario, **signed_by)


def test_lists(play, site):
    """With the parameters of today; those that python-binance names have been gone since 2024."""

    async def scenario(client, _):
        oco = site.priced({"aboveType": "LIMIT_MAKER", "abovePrice": "1.5", "belowType": "STOP_LOSS"})
        oco |= site.priced({"belowStopPrice": "0.5"})
        placed = await client.ws_create_oco_order(symbol=BTC, side="SELL", quantity="1", **oco)
        one = {"orderListId": placed["orderListId"]}
        assert "EXECUTING" == (await client.ws_get_oco_order(**one))["listOrderStatus"]
        assert [one["orderListId"]] == [row["orderListId"] for row in await client.ws_get_oco_open_orders()]
        assert "ALL_DONE" == (await client.ws_cancel_oco_order(symbol=BTC, **one))["listOrderStatus"]

    play(scenario)


@pytest.mark.parametrize(
    ("call", "params", "code"),
    [
        ("ws_get_order", {"symbol": BTC, "orderId": 99}, -2013),
        ("ws_cancel_order", {"symbol": BTC, "orderId": 99}, -2011),
        ("ws_create_order", LIMIT | {"quantity": "0.00001"}, -1013),
        ("ws_create_order", LIMIT | {"quantity": "9000", "price": "4"}, -2010),
        ("ws_create_order", LIMIT | {"symbol": "NONE"}, -1121),
        ("ws_cancel_all_open_orders", {"symbol": BTC}, -2011),
    ],
)
def test_refusals(play, site, call, params, code):
    """Their codes reach the caller, and the connection lives on."""

    async def scenario(client, _):
        with pytest.raises(BinanceAPIException) as caught:
            await getattr(client, call)(**site.priced(params))
        assert code == caught.value.code
        assert {} == await client.ws_ping()

    play(scenario)
