"""ccxt, with nothing but its URLs pointed here, reads the market and trades."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import ccxt
import ccxt.pro
import pytest

BTC = "BTC/USDT"
MINUTE = 60_000


def point(exchange, site):
    """Point all URLs at the practice exchange; those of what it does not have at nothing there."""
    api = exchange.urls["api"]
    for name in api:
        if isinstance(api[name], str):
            api[name] = site.url + ("/api/v3" if name in ("public", "private") else f"/none/{name}")
    if "ws" in api:
        api["ws"] = {name: f"{site.ws_url}/none/{name}" for name in api["ws"]}
        api["ws"] |= {"spot": f"{site.ws_url}/ws", "ws-api": {"spot": f"{site.ws_url}/ws-api/v3"}}
    return exchange


def options(key):
    """Give what a user writes who trades spot: no other markets, no currencies, which are not of /api."""
    chosen = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}
    chosen |= {"fetchMargins": False, "warnOnFetchOpenOrdersWithoutSymbol": False}
    return {"apiKey": key.api_key, "secret": key.secret, "enableRateLimit": False, "options": chosen}


@pytest.fixture
def exchange(site):
    """Give the exchange as ccxt's blocking half sees it."""
    made = point(ccxt.binance(options(site.hmac)), site)
    made.session.trust_env = False
    yield made
    made.close()


@pytest.fixture
def price(site):
    """Give a price as a multiple of the last one."""
    return lambda times: float(site.price(times))


def test_the_market_is_read(exchange, site):
    """Markets with their steps, bars, tickers, the book, trades, the time."""
    market = exchange.load_markets()[BTC]
    assert [BTC, "ETH/USDT"] == sorted(exchange.markets)
    assert ("spot", True) == (market["type"], market["active"])
    assert {"amount": 1e-05, "price": 0.01, "base": 1e-08, "quote": 1e-08} == market["precision"]
    assert (5.0, 1e-05) == (market["limits"]["cost"]["min"], market["limits"]["amount"]["min"])

    bars = exchange.fetch_ohlcv(BTC, "1m", limit=10)
    last = float(site.served.price)
    assert [MINUTE] * 9 == [later[0] - bar[0] for bar, later in pairwise(bars)]
    assert bars[3:5] == exchange.fetch_ohlcv(BTC, "1m", since=bars[3][0], limit=2)
    ticker = exchange.fetch_ticker(BTC)
    assert ticker["last"] == last
    assert ticker["bid"] < ticker["ask"]
    assert {BTC, "ETH/USDT"} == set(exchange.fetch_tickers())
    book = exchange.fetch_order_book(BTC, 5)
    assert (5, 5) == (len(book["bids"]), len(book["asks"]))
    assert [ticker["bid"], ticker["ask"]] == [book["bids"][0][0], book["asks"][0][0]]
    assert last == exchange.fetch_trades(BTC)[-1]["price"]
    assert site.served.exchange.now == exchange.fetch_time()


TYPES = [
    (("limit", "buy", 1, "0.5"), {}, "LIMIT", "open"),
    (("limit", "buy", 1, "0.5"), {"timeInForce": "IOC"}, "LIMIT", "expired"),
    (("limit", "buy", 1, "0.5"), {"timeInForce": "FOK"}, "LIMIT", "expired"),
    (("limit", "buy", 1, "0.5"), {"postOnly": True}, "LIMIT_MAKER", "open"),
    (("limit", "buy", 1, "0.5"), {"icebergQty": "0.5"}, "LIMIT", "open"),
    (("market", "buy", 1, None), {}, "MARKET", "closed"),
    (("market", "buy", 1, None), {"cost": 100}, "MARKET", "closed"),
    (("market", "sell", 1, None), {}, "MARKET", "closed"),
    (("market", "sell", 1, None), {"stopLossPrice": "0.8"}, "STOP_LOSS", "open"),
    (("limit", "sell", 1, "0.7"), {"stopLossPrice": "0.8"}, "STOP_LOSS_LIMIT", "open"),
    (("market", "sell", 1, None), {"takeProfitPrice": "1.2"}, "TAKE_PROFIT", "open"),
    (("limit", "sell", 1, "1.2"), {"takeProfitPrice": "1.2"}, "TAKE_PROFIT_LIMIT", "open"),
    (("limit", "buy", 1, "1.2"), {"triggerPrice": "1.1"}, "STOP_LOSS_LIMIT", "open"),
    (
        ("market", "sell", 1, None),
        {"trailingPercent": 1, "stopLossOrTakeProfit": "stopLoss"},
        "STOP_LOSS",
        "open",
    ),
    (
        ("limit", "sell", 1, "0.7"),
        {"trailingDelta": 100, "stopLossOrTakeProfit": "stopLoss", "stopPrice": "0.9"},
        "STOP_LOSS_LIMIT",
        "open",
    ),
]


@pytest.mark.parametrize("case", TYPES)
def test_every_type_of_order(exchange, price, case):
    """Placed, asked for by both ids, cancelled."""
    order, params, kind, status = case
    *what, limit = order
    params = {name: price(value) if name.lower().endswith("price") else value for name, value in params.items()}
    exchange.load_markets()
    placed = exchange.create_order(BTC, *what, limit and price(limit), params | {"clientOrderId": "mine"})
    found = exchange.fetch_order(placed["id"], BTC)
    assert (kind, status, "mine") == (found["info"]["type"], found["status"], found["clientOrderId"])
    assert placed["id"] == exchange.fetch_order(None, BTC, {"clientOrderId": "mine"})["id"]
    is_open = [placed["id"]] if status == "open" else []
    assert is_open == [row["id"] for row in exchange.fetch_open_orders(BTC)]
    if is_open:
        assert "canceled" == exchange.cancel_order(placed["id"], BTC)["status"]
    if status == "closed":
        assert found["filled"] == found["amount"]
        assert {placed["id"]} == {row["order"] for row in exchange.fetch_my_trades(BTC)}
        assert found["filled"] == sum(row["amount"] for row in exchange.fetch_order_trades(placed["id"], BTC))


def test_the_account(exchange, price):
    """Money is locked and free again; an order is edited; all orders are told, and cancelled together."""
    before = exchange.fetch_balance()
    assert (10.0, 1_000_000.0) == (before["BTC"]["free"], before["USDT"]["free"])
    order = exchange.create_order(BTC, "limit", "buy", 1, price("0.5"))
    assert price("0.5") == exchange.fetch_balance()["USDT"]["used"]
    edited = exchange.edit_order(order["id"], BTC, "limit", "buy", 2, price("0.6"))
    assert "canceled" == exchange.fetch_order(order["id"], BTC)["status"]
    assert [edited["id"]] == [row["id"] for row in exchange.fetch_open_orders()]
    assert [order["id"], edited["id"]] == [row["id"] for row in exchange.fetch_orders(BTC)]
    assert [edited["id"]] == [row["id"] for row in exchange.cancel_all_orders(BTC)]
    assert before["USDT"] == exchange.fetch_balance()["USDT"]
    assert {} == exchange.create_order(BTC, "limit", "buy", 1, price("0.5"), {"test": True})["info"]


def test_refusals_have_ccxts_names(exchange, price):
    """It finds them by code and words."""
    exchange.load_markets()
    cases = [
        (ccxt.InsufficientFunds, lambda: exchange.create_order(BTC, "market", "sell", 99)),
        (ccxt.OrderNotFound, lambda: exchange.fetch_order("99", BTC)),
        (ccxt.OrderNotFound, lambda: exchange.cancel_order("99", BTC)),
        (ccxt.OrderImmediatelyFillable, lambda: exchange.create_order(
            BTC, "limit", "buy", 1, price("1.1"), {"postOnly": True})),
        (ccxt.BadRequest, lambda: exchange.create_order(BTC, "limit", "buy", 0.001, price("0.5"))),
        (ccxt.BadSymbol, lambda: exchange.publicGetTickerPrice({"symbol": "NONE"})),
    ]  # fmt: skip
    for kind, call in cases:
        with pytest.raises(kind):
            call()
    exchange.secret = "wrong"  # noqa: S105 - that is the test
    with pytest.raises(ccxt.AuthenticationError):
        exchange.fetch_balance()


@pytest.fixture
def pro(site, monkeypatch):
    """Give what runs ``scenario(exchange)`` with ccxt's half that hears streams."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def run(scenario):
        async def main():
            made = point(ccxt.pro.binance(options(site.hmac)), site)
            try:
                async with asyncio.timeout(20):
                    await made.load_markets()
                    await scenario(made)
            finally:
                await made.close()

        asyncio.run(main())

    return run


async def after(site, watch, wanted=bool):
    """Give what a watcher hears that is as wanted, while time passes on the exchange."""
    task = asyncio.ensure_future(watch())
    while True:
        done, _ = await asyncio.wait({task}, timeout=0.05)
        if done:
            if wanted(task.result()):
                return task.result()
            task = asyncio.ensure_future(watch())
        await site.advance(2_000)


def test_streams_of_the_market(pro, site):
    """Bars, trades, tickers, best prices and the book."""

    async def scenario(exchange):
        bars = await after(site, lambda: exchange.watch_ohlcv(BTC, "1m"))
        assert bars[-1][1:] != [None] * 5
        trades = await after(site, lambda: exchange.watch_trades(BTC))
        assert {BTC} == {row["symbol"] for row in trades}
        ticker = await after(site, lambda: exchange.watch_ticker(BTC))
        assert ticker["last"] > 0
        best = (await after(site, lambda: exchange.watch_bids_asks([BTC])))[BTC]
        assert best["bid"] < best["ask"]
        first = await after(site, lambda: exchange.watch_order_book(BTC))
        number = first["nonce"]
        book = await after(
            site, lambda: exchange.watch_order_book(BTC), lambda found: found["nonce"] > number + 3
        )
        assert book["bids"][0][0] < book["asks"][0][0]

    pro(scenario)


def test_streams_of_the_account(pro, site):
    """Orders, trades and balances; and orders over the socket."""

    async def scenario(exchange):
        watches = [exchange.watch_orders(BTC), exchange.watch_my_trades(BTC), exchange.watch_balance()]
        tasks = [asyncio.ensure_future(watch) for watch in watches]
        await site.wait(lambda: site.sockets.users.subscriptions)
        order = await exchange.create_order(BTC, "market", "buy", 1)
        orders, trades, balance = await asyncio.gather(*tasks)
        assert (order["id"], "closed") == (orders[-1]["id"], orders[-1]["status"])
        assert order["id"] == trades[-1]["order"]
        assert 10.999 == balance["BTC"]["free"]
        placed = await exchange.create_order_ws(BTC, "limit", "buy", 1, float(site.price("0.5")))
        assert [placed["id"]] == [row["id"] for row in await exchange.fetch_open_orders_ws(BTC)]
        assert "canceled" == (await exchange.cancel_order_ws(placed["id"], BTC))["status"]

    pro(scenario)
