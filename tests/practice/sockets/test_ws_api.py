"""The WebSocket API: requests and answers, logging on, errors."""

from __future__ import annotations

import asyncio
import json

import pytest

from bt_run.practice.limits import LimitRules, Limits

LIMIT = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1",
    "price": "50.00",
}  # fmt: skip


def test_public_methods(play):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        assert (await rig.call(api, "ping"))["result"] == {}
        assert (await rig.call(api, "time"))["result"] == {"serverTime": rig.exchange.now}
        info = await rig.call(api, "exchangeInfo", symbol="BTCUSDT")
        assert info["result"]["symbols"][0]["symbol"] == "BTCUSDT"
        rows = await rig.call(api, "klines", symbol="BTCUSDT", interval="1m", limit=3)
        assert [len(row) for row in rows["result"]] == [12] * 3
        price = await rig.call(api, "ticker.price", symbol="BTCUSDT")
        assert set(price["result"]) == {"symbol", "price"}

    play(scenario)


def test_an_answer_has_the_id_and_the_limits(play):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        for number in (7, "a-b_9", None):
            answer = await rig.call(api, "v3/ping", number)
            assert list(answer) == ["id", "status", "result", "rateLimits"]
            assert (answer["id"], answer["status"]) == (number, 200)
        limit = answer["rateLimits"][0]
        assert {**limit, "count": 0} == {
            "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000,
            "count": 0,
        }  # fmt: skip
        assert limit["count"] >= 2 + 3  # connecting weighs 2
        assert "rateLimits" not in await rig.call(api, "ping", returnRateLimits=False)
        quiet = await rig.open("/ws-api/v3?returnRateLimits=false")
        assert "rateLimits" not in await rig.call(quiet, "ping")
        placed = await rig.call(api, "order.place", **rig.signed(**LIMIT))
        assert [one["rateLimitType"] for one in placed["rateLimits"]] == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]

    play(scenario)


@pytest.mark.parametrize(
    ("text", "number", "code", "words"),
    [
        ("hello", None, -1135, "Invalid JSON Request"),
        ("[1]", None, -1135, "Invalid JSON Request"),
        ('{"method":"ping"}', None, -1135, "Invalid 'id' in JSON request; expected an integer"),
        ('{"id":"ä","method":"ping"}', None, -1135, "Invalid 'id' in JSON request; expected an integer"),
        ('{"id":1.5,"method":"ping"}', None, -1135, "Invalid 'id' in JSON request; expected an integer"),
        ('{"id":1}', 1, -1135, "Invalid 'method' in JSON request"),
        (
            '{"id":1,"method":"ping","params":[]}',
            1,
            -1135,
            "Invalid 'params' in JSON request; expected an object.",
        ),
        ('{"id":"x","method":"order.plaice"}', "x", -5000, "Method order.plaice is invalid"),
        ('{"id":1,"method":"klines","params":{"symbol":"X","interval":"1m"}}', 1, -1121, "Invalid symbol."),
    ],
)
def test_bad_requests(play, text, number, code, words):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        await api.send(text)
        answer = await rig.read(api)
        assert (answer["id"], answer["status"], answer["error"]["code"]) == (number, 400, code)
        assert words in answer["error"]["msg"]
        assert (await rig.call(api, "ping"))["status"] == 200

    play(scenario)


def test_orders_are_placed_asked_for_and_cancelled(play):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        placed = await rig.call(api, "order.place", **rig.signed(**LIMIT))
        assert (placed["status"], placed["result"]["status"]) == (200, "NEW")
        number = placed["result"]["orderId"]
        which = {"symbol": "BTCUSDT", "orderId": number}
        assert (await rig.call(api, "order.status", **rig.signed(**which)))["result"]["status"] == "NEW"
        assert len((await rig.call(api, "openOrders.status", **rig.signed(symbol="BTCUSDT")))["result"]) == 1
        assert (await rig.call(api, "order.cancel", **rig.signed(**which)))["result"]["status"] == "CANCELED"
        gone = await rig.call(api, "order.cancel", **rig.signed(**which))
        assert (gone["status"], gone["error"]) == (400, {"code": -2011, "msg": "Unknown order sent."})
        assert (await rig.call(api, "order.test", **rig.signed(**LIMIT)))["result"] == {}

    play(scenario)


def test_the_other_methods_of_trading(play):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        first = (await rig.call(api, "order.place", **rig.signed(**LIMIT)))["result"]["orderId"]
        both = await rig.call(
            api,
            "order.cancelReplace",
            **rig.signed(**LIMIT, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=first),
        )
        assert both["result"]["newOrderResult"] == "SUCCESS"
        failed = await rig.call(
            api,
            "order.cancelReplace",
            **rig.signed(**LIMIT, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=first),
        )
        assert (failed["status"], failed["error"]["code"]) == (400, -2022)
        assert failed["error"]["data"]["cancelResult"] == "FAILURE"
        listed = await rig.call(
            api,
            "orderList.place.oco",
            **rig.signed(
                symbol="BTCUSDT", side="SELL", quantity="1", aboveType="LIMIT_MAKER", abovePrice="190.00",
                belowType="STOP_LOSS", belowStopPrice="40.00",
            ),
        )  # fmt: skip
        assert listed["result"]["contingencyType"] == "OCO"
        number = {"orderListId": listed["result"]["orderListId"]}
        status = await rig.call(api, "orderList.status", **rig.signed(**number))
        assert status["result"]["listOrderStatus"] == "EXECUTING"
        ended = await rig.call(api, "orderList.cancel", **rig.signed(symbol="BTCUSDT", **number))
        assert ended["result"]["listOrderStatus"] == "ALL_DONE"
        assert len((await rig.call(api, "openOrders.cancelAll", **rig.signed(symbol="BTCUSDT")))["result"]) == 1
        assert (await rig.call(api, "account.status", **rig.signed()))["result"]["accountType"] == "SPOT"
        assert (await rig.call(api, "myTrades", **rig.signed(symbol="BTCUSDT")))["result"] == []
        assert len((await rig.call(api, "allOrders", **rig.signed(symbol="BTCUSDT")))["result"]) == 4

    play(scenario)


def test_numbers_may_be_numbers_and_are_signed_as_they_were_sent(play):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        params = rig.signed(**{**LIMIT, "price": "50.10", "quantity": 1})
        text = json.dumps({"id": 1, "method": "order.place", "params": params}).replace('"50.10"', "50.10")
        await api.send(text)
        assert (await rig.read(api))["result"]["price"] == "50.10000000"

    play(scenario)


def test_signatures_are_checked(play, keys):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        for key in keys:
            good = rig.signed(key, **LIMIT)
            assert (await rig.call(api, "order.test", **good))["status"] == 200
            bad = await rig.call(api, "order.test", **{**good, "quantity": "0.2"})
            assert bad["error"]["code"] == -1022
        late = await rig.call(api, "order.test", **rig.signed(**LIMIT, timestamp=1))
        assert late["error"]["code"] == -1021
        nobody = await rig.call(api, "order.test", **LIMIT)
        assert (nobody["status"], nobody["error"]["code"]) == (401, -2014)

    play(scenario)


def test_only_ed25519_logs_on(play, keys):
    hmac_key, ed_key = keys

    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        before = await rig.call(api, "session.status")
        assert before["result"]["apiKey"] is None
        assert before["result"]["authorizedSince"] is None
        refused = await rig.call(api, "session.logon", **rig.signed(hmac_key))
        assert refused["error"] == {"code": -4056, "msg": "HMAC_SHA256 API key is not supported."}
        on = await rig.call(api, "session.logon", **rig.signed(ed_key))
        assert list(on["result"]) == [
            "apiKey", "authorizedSince", "connectedSince", "returnRateLimits", "serverTime", "userDataStream",
        ]  # fmt: skip
        assert on["result"]["apiKey"] == ed_key.api_key
        stamp = {"timestamp": rig.exchange.now}
        assert (await rig.call(api, "order.place", **LIMIT, **stamp))["result"]["status"] == "NEW"
        assert (await rig.call(api, "account.status", **stamp))["status"] == 200
        # A request that is signed for itself needs no session, and is judged by its own key.
        assert (await rig.call(api, "account.status", **rig.signed(hmac_key)))["status"] == 200
        off = await rig.call(api, "session.logout")
        assert off["result"]["apiKey"] is None
        assert (await rig.call(api, "account.status", **stamp))["error"]["code"] == -2014

    play(scenario)


def test_a_bad_logon_is_refused(play, keys):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        wrong = rig.signed(keys[1])
        wrong["timestamp"] += 1
        assert (await rig.call(api, "session.logon", **wrong))["error"]["code"] == -1022
        assert (await rig.call(api, "session.logon"))["error"]["code"] == -2014
        assert (await rig.call(api, "session.status"))["result"]["apiKey"] is None

    play(scenario)


def test_a_revoked_key_is_logged_out(play, keys):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        await rig.call(api, "session.logon", **rig.signed(keys[1]))
        await rig.call(api, "userDataStream.subscribe")
        rig.server.keys.revoke(keys[1].api_key)
        assert (await rig.call(api, "ping"))["status"] == 200
        ended = await rig.read(api)
        assert ended["event"]["e"] == "eventStreamTerminated"
        told = await rig.read(api)
        assert (told["id"], told["status"], told["error"]["code"]) == (None, 401, -2015)
        assert (await rig.call(api, "session.status"))["result"]["apiKey"] is None

    play(scenario)


def test_weights_end_in_429_with_the_moment_of_release(play):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        for _ in range(8):
            assert (await rig.call(api, "ping"))["status"] == 200
        answer = await rig.call(api, "ping")
        assert (answer["status"], answer["error"]["code"]) == (429, -1003)
        data = answer["error"]["data"]
        assert 0 < data["retryAfter"] - data["serverTime"] <= 60_000
        limits[0] = 1_000_000_000.0 + 61
        assert (await rig.call(api, "ping"))["status"] == 200

    limits = [1_000_000_000.0]
    play(scenario, limits=Limits(LimitRules(weight_1m=10), now=lambda: limits[0]))


def test_microseconds_of_answers_and_events(play):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3?timeUnit=MICROSECOND")
        await rig.call(api, "userDataStream.subscribe.signature", **rig.signed())
        await api.send(json.dumps({"id": 2, "method": "order.place", "params": rig.signed(**LIMIT)}))
        report = (await rig.read(api))["event"]
        assert report["T"] == rig.exchange.now * 1000
        await rig.read(api)
        assert (await rig.read(api))["result"]["transactTime"] == rig.exchange.now * 1000

    play(scenario)


def test_requests_may_come_at_once(play):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        for number in range(200):
            await api.send(json.dumps({"id": number, "method": "order.place", "params": rig.signed(**LIMIT)}))
        answers = [await rig.read(api) for _ in range(100)]
        assert [answer["id"] for answer in answers] == list(range(100))
        orders = [answer["result"]["orderId"] for answer in answers]
        assert orders == sorted(orders)
        over = await rig.read(api)
        assert (over["status"], over["error"]["code"]) == (429, -1015)

    play(scenario)


def test_a_message_that_is_too_long_ends_the_connection(play):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        await api.send("x" * 2_000_000)
        await asyncio.wait_for(api.wait_closed(), 5)
        assert api.close_code == 1009

    play(scenario)
