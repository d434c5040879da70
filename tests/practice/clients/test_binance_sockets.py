"""python-binance's `BinanceSocketManager` hears the market and the account."""

from __future__ import annotations

import asyncio

import pytest
from binance import DepthCacheManager

BTC = "BTCUSDT"
LIMIT = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.5"}


@pytest.fixture
def hear(site):
    """Give what reads a socket until it has said what is wanted, while time passes on the exchange."""

    async def listen(socket, wanted, *, step_ms=5_000):
        heard = []
        async with asyncio.timeout(10), socket:
            while not any(wanted(message) for message in heard):
                await site.advance(step_ms)
                try:
                    while True:
                        heard.append(await asyncio.wait_for(socket.recv(), 0.05))
                except TimeoutError:
                    pass
        return heard

    return listen


@pytest.mark.parametrize("interval", ["1m", "1s"])
def test_klines(play, site, hear, interval):
    """The frame that closes a bar has the values of REST."""

    async def scenario(client, manager):
        heard = await hear(manager.kline_socket(BTC, interval), lambda message: message["k"]["x"])
        bar = next(message["k"] for message in heard if message["k"]["x"])
        (row,) = await client.get_klines(symbol=BTC, interval=interval, startTime=bar["t"], limit=1)
        assert row == [*(bar[name] for name in "tohlcvTqnVQ"), "0"]
        assert {BTC} == {message["s"] for message in heard}

    play(scenario)


@pytest.mark.parametrize(
    ("name", "event", "keys"),
    [
        ("trade_socket", "trade", "eEstpqTmM"),
        ("aggtrade_socket", "aggTrade", "eEsapqflTmM"),
        ("symbol_miniticker_socket", "24hrMiniTicker", "eEscohlvq"),
        ("symbol_ticker_socket", "24hrTicker", "eEspPwxcQbBaAohlvqOCFLn"),
        ("symbol_book_ticker_socket", None, "usbBaA"),
        ("depth_socket", "depthUpdate", "eEsUuba"),
    ],
)
def test_streams_of_one_symbol(play, hear, name, event, keys):
    """Each has the keys that Binance documents."""

    async def scenario(_, manager):
        heard = await hear(getattr(manager, name)(BTC), lambda message: message.get("e") == event)
        assert {frozenset(keys)} == {frozenset(message) for message in heard}

    play(scenario)


def test_a_partial_book(play, hear):
    """It is as deep as asked for, and has no event type."""

    async def scenario(_, manager):
        heard = await hear(manager.depth_socket(BTC, depth="5"), lambda message: "bids" in message)
        assert {(5, 5)} == {(len(message["bids"]), len(message["asks"])) for message in heard}

    play(scenario)


def test_all_symbols_at_once(play, hear):
    """What changed, in a list."""

    async def scenario(_, manager):
        heard = await hear(manager.miniticker_socket(), bool)
        assert {BTC, "ETHUSDT"} == {row["s"] for message in heard for row in message}

    play(scenario)


def test_several_streams_on_one_connection(play, hear):
    """Each message says of which stream it is."""
    names = ["btcusdt@trade", "btcusdt@aggTrade", "ethusdt@kline_1m"]

    async def scenario(_, manager):
        found = set()

        def all_there(message):
            found.add(message["stream"])
            return len(found) == len(names)

        heard = await hear(manager.multiplex_socket(names), all_there)
        assert set(names) == {message["stream"] for message in heard}
        assert all(message["data"]["s"].lower() == message["stream"].partition("@")[0] for message in heard)

    play(scenario)


def test_microseconds(play, hear):
    """For who asks for them when it makes its client."""

    async def scenario(_, manager):
        (first, *_) = await hear(manager.trade_socket(BTC), bool)
        assert first["T"] > 10**15

    play(scenario, time_unit="MICROSECOND")


def test_futures_trades_and_liquidations(play, hear):
    """Under their own path; a category that is not theirs stays silent."""
    names = ["btcusdt@aggTrade", "btcusdt@forceOrder"]

    async def scenario(_, manager):
        socket = manager.futures_multiplex_socket(names, category="market")
        heard = await hear(socket, lambda message: message["stream"].endswith("forceOrder"), step_ms=60_000)
        trade = next(message["data"] for message in heard if message["stream"] == names[0])
        forced = next(message["data"] for message in heard if message["stream"] == names[1])
        assert ("aggTrade", 1) == (trade["e"], trade["st"])
        assert set("sSofqpXlzT") | {"ap"} == set(forced["o"])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(
                hear(manager.futures_multiplex_socket(names, category="public"), bool, step_ms=1_000), 0.4
            )

    play(scenario)


def test_liquidations_of_all_markets(play, hear):
    """Those of contracts settled in coin are among them, as on Binance since June 2026."""

    async def scenario(_, manager):
        socket = manager.futures_multiplex_socket(["!forceOrder@arr"], category="market")
        heard = await hear(socket, lambda message: message["data"]["st"] == 2, step_ms=60_000)
        forced = {(data["st"], data["ps"], data["o"]["s"]) for data in (message["data"] for message in heard)}
        assert forced <= {
            *((1, f"{base}USDT", f"{base}USDT") for base in ("BTC", "ETH")),
            *((2, f"{base}USD", f"{base}USD_PERP") for base in ("BTC", "ETH")),
        }
        assert {1, 2} == {row[0] for row in forced}

    play(scenario)


def test_futures_klines(play, hear):
    """python-binance asks for those of the continuous contract, which have no symbol."""

    async def scenario(_, manager):
        heard = await hear(
            manager.kline_futures_socket(BTC, "1m"), lambda message: message["k"]["x"], step_ms=20_000
        )
        assert {("continuous_kline", BTC)} == {(message["e"], message["ps"]) for message in heard}

    play(scenario)


def test_a_depth_cache_follows_the_book(play, site):
    """python-binance joins the snapshot of REST and the changes of the stream."""

    async def scenario(client, manager):
        cache = DepthCacheManager(client, BTC, bm=manager, refresh_interval=None)
        async with asyncio.timeout(10), cache as updates:
            for _ in range(5):
                await site.advance(30_000)
                book = await updates.recv()
                while book.update_time < site.served.exchange.now:
                    book = await updates.recv()
        snapshot = await client.get_order_book(symbol=BTC, limit=100)
        for ours, side in ((book.get_bids(), "bids"), (book.get_asks(), "asks")):
            assert [[float(part) for part in level] for level in snapshot[side]] == ours

    play(scenario)


# The account.


def short(event):
    """Give the parts of an event that make its sequence."""
    if event["e"] != "executionReport":
        return event["e"]
    return " ".join(event[name] for name in "xXcC").strip()


@pytest.fixture
def account_events():
    """Give what reads a user socket until so many events have come, in short."""

    async def read(socket, count):
        async with asyncio.timeout(10):
            return [await socket.recv() for _ in range(count)]

    return read


def test_a_market_order_is_reported(play, account_events):
    """NEW, then a TRADE for each level, then the balances."""

    async def scenario(client, manager):
        async with manager.user_socket() as socket:
            order = await client.create_order(
                symbol=BTC, side="BUY", type="MARKET", quantity="1", newClientOrderId="m"
            )
            events = await account_events(socket, 2 + len(order["fills"]))
        assert [
            "NEW NEW m",
            *["TRADE PARTIALLY_FILLED m"] * (len(order["fills"]) - 1),
            "TRADE FILLED m",
            "outboundAccountPosition",
        ] == [short(event) for event in events]
        assert [fill["tradeId"] for fill in order["fills"]] == [event["t"] for event in events[1:-1]]
        assert [order["orderId"]] * (len(events) - 1) == [event["i"] for event in events[:-1]]
        ids = [event["I"] for event in events[:-1]]
        assert ids == sorted(set(ids))
        assert {"BTC", "USDT"} == {row["a"] for row in events[-1]["B"]}

    play(scenario)


def test_a_limit_order_is_reported_until_its_end(play, site, account_events):
    """Cancelled; expired; filled by the market when it comes there."""

    async def scenario(client, manager):
        async with manager.user_socket() as socket:
            order = site.priced(LIMIT)
            await client.create_order(**order, newClientOrderId="l")
            await client.cancel_order(symbol=BTC, origClientOrderId="l", newClientOrderId="k")
            await client.create_order(**order | {"timeInForce": "IOC"}, newClientOrderId="i")
            balances = "outboundAccountPosition"
            assert [
                *("NEW NEW l", balances),
                *("CANCELED CANCELED k l", balances),
                *("NEW NEW i", "EXPIRED EXPIRED i"),
            ] == [short(event) for event in await account_events(socket, 6)][:6]
            near = site.priced(LIMIT | {"price": "0.9995"})
            await client.create_order(**near, newClientOrderId="n")
            events = await account_events(socket, 2)
            async with asyncio.timeout(10):
                while not any(event.get("X") == "FILLED" for event in events):
                    await site.advance(10_000)
                    while len(events) < 200:
                        try:
                            events.append(await asyncio.wait_for(socket.recv(), 0.05))
                        except TimeoutError:
                            break
            last = next(event for event in events if event.get("X") == "FILLED")
            assert (True, near["price"] + "000000", "n") == (last["m"], last["L"], last["c"])

    play(scenario)


def test_a_stop_and_a_list_are_reported(play, site, account_events):
    """Both legs, then the list; the leg that is filled ends the other."""

    async def scenario(client, manager):
        async with manager.user_socket() as socket:
            await client.create_oco_order(
                symbol=BTC, side="SELL", quantity="1",
                aboveType="LIMIT_MAKER", abovePrice=site.price("1.5"), aboveClientOrderId="a",
                belowType="STOP_LOSS", belowStopPrice=site.price("0.5"), belowClientOrderId="b",
            )  # fmt: skip
            events = await account_events(socket, 4)
            assert ["NEW NEW b", "NEW NEW a", "listStatus", "outboundAccountPosition"] == list(
                map(short, events)
            )
            assert ("OCO", "EXEC_STARTED", "EXECUTING") == tuple(events[2][name] for name in "clL")
            await client.cancel_order(symbol=BTC, origClientOrderId="a")
            events = await account_events(socket, 4)
            assert ["CANCELED", "CANCELED"] == [event["x"] for event in events[:2]]
            assert ("ALL_DONE", "ALL_DONE") == tuple(events[2][name] for name in "lL")

    play(scenario)


def test_an_amended_order_is_reported(play, site, account_events):
    """REPLACED, under the new id."""

    async def scenario(client, manager):
        async with manager.user_socket() as socket:
            order = await client.create_order(**site.priced(LIMIT), newClientOrderId="big")
            asked = {"symbol": BTC, "orderId": order["orderId"], "newQty": "0.5", "newClientOrderId": "small"}
            await client._put("order/amend/keepPriority", True, data=asked)
            events = await account_events(socket, 4)
        assert ["NEW NEW big", "REPLACED NEW small big"] == [short(event) for event in events[::2]]

    play(scenario)


def test_an_ed25519_key_hears_the_account(play, site, pem, account_events):
    """As the other kind does."""

    async def scenario(client, manager):
        async with manager.user_socket() as socket:
            await client.create_order(
                symbol=BTC, side="SELL", type="MARKET", quantity="1", newClientOrderId="e"
            )
            assert "NEW NEW e" == short((await account_events(socket, 1))[0])

    play(scenario, api_key=site.ed25519.api_key, private_key=pem)
