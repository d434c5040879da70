"""Market connections: paths, wrapping, subscriptions, what each stream sends."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bt_run.practice.identity import HEADER, NAME

FUTURES = (
    "btcusdt@aggTrade",
    "btcusdt@kline_1m",
    "btcusdt_perpetual@continuousKline_1m",
    "!forceOrder@arr",
    "btcusdt@forceOrder",
)
TRADE = {"e", "E", "s", "t", "p", "q", "T", "m", "M"}


async def beat(rig, ms=1000):
    """Let exchange time pass and send what is due, whatever real time says."""
    rig.sockets._klines._pause_s = rig.sockets._others._pause_s = 0.0
    rig.advance(ms)
    rig.sockets.tick()


def test_raw_and_combined_wrap_as_binance_does(play):
    async def scenario(rig):
        raw = await rig.open("/ws/btcusdt@trade/btcusdt@aggTrade")
        combined = await rig.open("/stream?streams=btcusdt@trade")
        rig.exchange.step()
        first, second = await rig.read(raw), await rig.read(raw)
        assert set(first) == TRADE
        assert (first["e"], second["e"]) == ("trade", "aggTrade")
        assert await rig.read(combined) == {"stream": "btcusdt@trade", "data": first}
        assert raw.response.headers[HEADER] == NAME

    play(scenario)


@pytest.mark.parametrize(
    "path",
    ["/ws/btcusdt%40trade", "/ws/nonsense/btcusdt@trade/", "/ws/btcusdt@trade?timeUnit=MILLISECOND"],
)
def test_urls_may_be_encoded_and_hold_what_does_not_exist(play, path):
    async def scenario(rig):
        client = await rig.open(path)
        rig.exchange.step()
        assert (await rig.read(client))["e"] == "trade"

    play(scenario)


def test_a_wrong_name_is_open_and_silent(play):
    async def scenario(rig):
        client = await rig.open("/ws/BTCUSDT@trade")
        await beat(rig, 180_000)
        assert await rig.read_all(client) == []
        assert await rig.ask(client, method="LIST_SUBSCRIPTIONS", id=1) == {
            "result": ["BTCUSDT@trade"],
            "id": 1,
        }

    play(scenario)


@pytest.mark.parametrize("path", ["/ws", "/stream"])
def test_a_bare_connection_listens_to_what_it_subscribes(play, path):
    async def scenario(rig):
        client = await rig.open(path)
        assert await rig.ask(client, method="GET_PROPERTY", params=["combined"], id=0) == {
            "result": path == "/stream",
            "id": 0,
        }
        rig.exchange.step()
        assert await rig.ask(client, method="SUBSCRIBE", params=["btcusdt@trade"], id=1) == {
            "result": None,
            "id": 1,
        }
        rig.exchange.step()
        message = await rig.read(client)
        assert set(message) == ({"stream", "data"} if path == "/stream" else TRADE)
        assert await rig.ask(client, method="UNSUBSCRIBE", params=["btcusdt@trade"], id=2) == {
            "result": None,
            "id": 2,
        }
        rig.exchange.step()
        assert await rig.read_all(client) == []

    play(scenario)


def test_set_property_changes_the_wrapping(play):
    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@trade")
        await rig.ask(client, method="SET_PROPERTY", params=["combined", True], id=1)
        rig.exchange.step()
        assert set(await rig.read(client)) == {"stream", "data"}

    play(scenario)


def test_bad_messages_are_answered_and_the_connection_stays(play):
    async def scenario(rig):
        client = await rig.open("/ws")
        await client.send("hello")
        assert (await rig.read(client))["code"] == 3
        await client.send(b'{"method":"LIST_SUBSCRIPTIONS","id":1}')
        assert await rig.read(client) == {"result": [], "id": 1}

    play(scenario)


def test_microseconds(play):
    async def scenario(rig):
        client = await rig.open("/stream?streams=btcusdt@trade/btcusdt@kline_1m&timeUnit=MICROSECOND")
        plain = await rig.open("/ws/btcusdt@trade")
        rig.advance(60_000)
        frames = await rig.read_all(client)
        trade = next(frame["data"] for frame in frames if frame["stream"].endswith("trade"))
        assert trade["T"] == (await rig.read(plain))["T"] * 1000
        last = [frame["data"]["k"] for frame in frames if frame["stream"].endswith("1m")][-1]
        assert str(last["T"]).endswith("59999999")
        assert last["t"] % 60_000_000 == 0

    play(scenario)


def test_tickers_and_depth_have_a_beat_and_speak_only_of_news(play):
    names = ["miniTicker", "ticker", "avgPrice", "depth5", "depth20@100ms", "bookTicker"]

    async def scenario(rig):
        client = await rig.open(
            "/stream?streams=!miniTicker@arr/" + "/".join(f"btcusdt@{name}" for name in names)
        )
        await beat(rig, 0)
        rig.exchange.step()
        await beat(rig)
        frames = {frame["stream"]: frame["data"] for frame in await rig.read_all(client)}
        assert set(frames) == {f"btcusdt@{name}" for name in names} | {"!miniTicker@arr"}
        assert frames["!miniTicker@arr"] == [frames["btcusdt@miniTicker"]]
        assert frames["btcusdt@ticker"]["e"] == "24hrTicker"
        assert frames["btcusdt@avgPrice"]["i"] == "5m"
        assert set(frames["btcusdt@bookTicker"]) == {"u", "s", "b", "B", "a", "A"}
        depth = frames["btcusdt@depth5"]
        assert set(depth) == {"lastUpdateId", "bids", "asks"}
        assert len(depth["bids"]) == 5
        assert len(frames["btcusdt@depth20@100ms"]["asks"]) == 20
        await beat(rig)
        assert await rig.read_all(client) == []

    play(scenario)


def test_futures_have_their_own_path(play):
    async def scenario(rig):
        names = "/".join(FUTURES)
        market = await rig.open(f"/market/stream?streams={names}")
        raw = await rig.open("/market/ws/btcusdt@aggTrade")
        deaf = [
            await rig.open(path)
            for path in (
                f"/stream?streams={names.split('/', 2)[2]}",
                f"/public/stream?streams={names}",
                "/private/ws/x",
            )
        ]
        rig.advance(600_000)
        frames = await rig.read_all(market)
        kinds = {frame["stream"] for frame in frames}
        assert kinds == set(names.split("/"))
        data = {frame["stream"]: frame["data"] for frame in frames}
        assert data["btcusdt@aggTrade"]["st"] == 1
        assert data["btcusdt@aggTrade"]["nq"] == data["btcusdt@aggTrade"]["q"]
        assert "s" not in data["btcusdt_perpetual@continuousKline_1m"]["k"]
        assert data["btcusdt_perpetual@continuousKline_1m"]["e"] == "continuous_kline"
        assert set(data["btcusdt@forceOrder"]) == {"e", "E", "o"}
        assert set(data["!forceOrder@arr"]) == {"e", "E", "o", "ps", "st"}
        assert (await rig.read(raw))["e"] == "aggTrade"
        for client in deaf:
            assert await rig.read_all(client) == []

    play(scenario)


def test_too_many_streams(play, policies):
    async def scenario(rig):
        client = await rig.open("/ws/a@trade/b@trade")
        answer = await rig.ask(client, method="SUBSCRIBE", params=["c@trade", "d@trade"], id=1)
        assert answer == {"code": 2, "msg": "Invalid request: too many streams", "id": 1}
        assert (await rig.ask(client, method="LIST_SUBSCRIPTIONS", id=2))["result"] == ["a@trade", "b@trade"]
        with pytest.raises(InvalidStatus) as refused:
            await rig.open("/ws/a@trade/b@trade/c@trade/d@trade")
        assert refused.value.response.status_code == 400

    play(scenario, policies=policies(streams=3))


def test_who_is_gone_is_forgotten(play):
    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@trade")
        await rig.settled(lambda: rig.sockets.hub.streams("spot", "trade", "BTCUSDT"))
        await client.close()
        await rig.settled(lambda: not rig.sockets.connections)
        assert rig.sockets.hub.streams("spot", "trade", "BTCUSDT") == ()

    play(scenario)


def test_the_command_line_client_of_websockets_shows_frames(play):
    async def scenario(rig):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", "-m", "websockets", rig.server.ws_url + "/ws/btcusdt@kline_1m",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            text = ""
            async with asyncio.timeout(10):
                while '"e":"kline"' not in text:
                    text += (await process.stdout.read(4096)).decode()
        finally:
            process.kill()
            await process.communicate()

    play(scenario)


def test_closing_the_server_says_going_away(play):
    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@trade")
        api = await rig.open("/ws-api/v3")
        await rig.settled(lambda: len(rig.sockets.connections) == 2)
        await rig.sockets.close()
        for socket in (client, api):
            with pytest.raises(ConnectionClosed) as closed:
                await rig.read(socket)
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, NAME)
        with pytest.raises(InvalidStatus) as refused:
            await rig.open("/ws")
        assert refused.value.response.status_code == 503
        assert json.loads(refused.value.response.body)["code"] == -1016

    play(scenario)
