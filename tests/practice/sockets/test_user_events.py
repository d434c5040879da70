"""The account's events: subscribing, what comes in which order, how many came."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest

MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.5"}
LIMIT = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1",
    "price": "50.00",
}  # fmt: skip


async def listen(rig, key=None):
    """Open a connection that is subscribed."""
    api = await rig.open("/ws-api/v3")
    params = rig.signed(key) if key else rig.signed()
    answer = await rig.call(api, "userDataStream.subscribe.signature", **params)
    assert answer["result"] == {"subscriptionId": 0}
    return api


async def send(rig, api, method, **params):
    await api.send(json.dumps({"id": 9, "method": method, "params": rig.signed(**params)}))


async def events(rig, api):
    """Give the events so far, unwrapped."""
    return [message["event"] for message in await rig.read_all(api) if "event" in message]


def test_any_key_subscribes_and_all_subscriptions_get_all(play, keys):
    async def scenario(rig):
        first, second = await listen(rig, keys[0]), await listen(rig, keys[1])
        await send(rig, first, "order.place", **MARKET)
        told = await events(rig, first)
        kinds = [event.get("x", event["e"]) for event in told]
        assert kinds[0] == "NEW"
        assert set(kinds[1:-1]) == {"TRADE"}
        assert kinds[-1] == "outboundAccountPosition"
        assert [event.get("X") for event in told][-2] == "FILLED"
        numbers = [event["I"] for event in told if "I" in event]
        assert numbers == sorted(set(numbers))
        assert await events(rig, second) == told

    play(scenario)


def test_events_come_wrapped_and_before_the_answer_on_the_same_connection(play):
    async def scenario(rig):
        api = await listen(rig)
        await send(rig, api, "order.place", **LIMIT)
        messages = await rig.read_all(api)
        assert [set(message) for message in messages[:-1]] == [{"subscriptionId", "event"}] * 2
        assert messages[-1]["id"] == 9

    play(scenario)


def test_a_cancellation_tells_both_ids(play):
    async def scenario(rig):
        api = await listen(rig)
        await rig.call(api, "order.place", **rig.signed(**LIMIT, newClientOrderId="mine"))
        await send(
            rig, api, "order.cancel", symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="the-end"
        )
        report = next(event for event in await events(rig, api) if event["e"] == "executionReport")
        assert (report["x"], report["X"], report["c"], report["C"]) == (
            "CANCELED",
            "CANCELED",
            "the-end",
            "mine",
        )
        assert report["w"] is False

    play(scenario)


def test_an_amendment_is_told_as_replaced(play):
    async def scenario(rig):
        api = await listen(rig)
        await rig.call(api, "order.place", **rig.signed(**{**LIMIT, "quantity": "1"}, newClientOrderId="first"))
        await send(
            rig, api, "order.amend.keepPriority",
            symbol="BTCUSDT", origClientOrderId="first", newClientOrderId="second", newQty="0.5",
        )  # fmt: skip
        report = next(event for event in await events(rig, api) if event["e"] == "executionReport")
        assert (report["x"], report["X"], report["c"], report["C"]) == ("REPLACED", "NEW", "second", "first")
        assert report["q"] == "0.50000000"

    play(scenario)


def test_a_fill_by_the_market_is_told_when_it_happens(play):
    async def scenario(rig):
        api = await listen(rig)
        price = rig.exchange.market("BTCUSDT").last_price - 2
        await rig.call(api, "order.place", **rig.signed(**{**LIMIT, "price": f"{price}"}))
        while not (told := [event for event in await events(rig, api) if event.get("x") == "TRADE"]):
            rig.advance(60_000)
        assert told[0]["m"] is True
        assert told[0]["L"] == f"{price:.8f}"

    play(scenario)


def test_lists_and_deposits(play):
    async def scenario(rig):
        api = await listen(rig)
        await send(
            rig, api, "orderList.place.oco",
            symbol="BTCUSDT", side="SELL", quantity="1", aboveType="LIMIT_MAKER", abovePrice="190.00",
            belowType="STOP_LOSS", belowStopPrice="40.00",
        )  # fmt: skip
        told = await events(rig, api)
        lists = [event for event in told if event["e"] == "listStatus"]
        assert [(one["c"], one["l"], one["L"]) for one in lists] == [("OCO", "EXEC_STARTED", "EXECUTING")]
        legs = [event for event in told if event["e"] == "executionReport"]
        assert {leg["i"] for leg in legs} == {one["i"] for one in lists[0]["O"]}
        assert {leg["g"] for leg in legs} == {lists[0]["g"]}
        assert sorted(leg["w"] for leg in legs) == [False, True]
        rig.exchange.trading.deposit("BTC", Decimal("-1.5"))
        deposit = next(event for event in await events(rig, api) if event["e"] == "balanceUpdate")
        assert (deposit["a"], deposit["d"]) == ("BTC", "-1.50000000")

    play(scenario)


def test_one_subscription_for_one_account_on_a_connection(play, keys):
    async def scenario(rig):
        api = await listen(rig)
        again = await rig.call(api, "userDataStream.subscribe.signature", **rig.signed(keys[1]))
        assert again["error"] == {"code": -2035, "msg": "User Data Stream subscription already active."}
        assert (await rig.call(api, "session.subscriptions"))["result"] == [{"subscriptionId": 0}]
        assert (await rig.call(api, "session.status"))["result"]["userDataStream"] is True
        none = await rig.call(api, "userDataStream.unsubscribe", subscriptionId=5)
        assert none["error"] == {"code": -2036, "msg": "User Data Stream subscription not active."}
        await api.send(
            json.dumps({"id": 1, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 0}})
        )
        ended, answer = await rig.read_all(api)
        assert ended == {"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": rig.exchange.now}}
        assert answer["result"] == {}
        assert (await rig.call(api, "session.subscriptions"))["result"] == []
        assert (await rig.call(api, "userDataStream.unsubscribe"))["error"]["code"] == -2036
        again = await rig.call(api, "userDataStream.subscribe.signature", **rig.signed())
        assert again["result"] == {"subscriptionId": 1}

    play(scenario)


def test_the_ids_of_a_connection_run_out(play):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        await rig.settled(lambda: rig.sockets.connections)
        session = next(iter(rig.sockets._clients.values()))
        session._next = 65_534
        assert (await rig.call(api, "userDataStream.subscribe.signature", **rig.signed()))["status"] == 200
        await rig.call(api, "userDataStream.unsubscribe")
        over = await rig.call(api, "userDataStream.subscribe.signature", **rig.signed())
        assert over["error"]["code"] == -2042

    play(scenario)


def test_a_session_subscribes_without_a_signature_until_it_logs_out(play, keys):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        refused = await rig.call(api, "userDataStream.subscribe")
        assert (refused["status"], refused["error"]["code"]) == (401, -1002)
        await rig.call(api, "session.logon", **rig.signed(keys[1]))
        assert (await rig.call(api, "userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
        await api.send(json.dumps({"id": 1, "method": "session.logout"}))
        ended, answer = await rig.read_all(api)
        assert ended["event"]["e"] == "eventStreamTerminated"
        assert answer["result"]["userDataStream"] is False

    play(scenario)


def test_a_logout_leaves_a_signed_subscription_alone(play, keys):
    async def scenario(rig):
        api = await listen(rig)
        await rig.call(api, "session.logon", **rig.signed(keys[1]))
        assert (await rig.call(api, "session.logout"))["result"]["userDataStream"] is True
        await send(rig, api, "order.place", **LIMIT)
        assert (await events(rig, api))[0]["x"] == "NEW"

    play(scenario)


def test_a_bad_signature_subscribes_nothing(play):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        bad = {**rig.signed(), "signature": "0" * 64}
        assert (await rig.call(api, "userDataStream.subscribe.signature", **bad))["error"]["code"] == -1022
        assert (await rig.call(api, "userDataStream.subscribe.signature"))["error"]["code"] == -2014
        assert rig.sockets.users.subscriptions == ()

    play(scenario)


@pytest.mark.parametrize("method", ["start", "ping", "stop"])
def test_listen_keys_are_gone(play, method):
    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        answer = await rig.call(api, f"userDataStream.{method}", apiKey="x")
        assert (answer["status"], answer["error"]["code"]) == (410, -1020)

    play(scenario)


def test_nothing_is_replayed_and_a_new_connection_must_subscribe(play):
    async def scenario(rig):
        api = await listen(rig)
        rig.sockets.drop(1006)
        await rig.settled(lambda: not rig.sockets.users.subscriptions)
        await asyncio.wait_for(api.wait_closed(), 5)
        again = await rig.open("/ws-api/v3")
        await send(rig, again, "order.place", **LIMIT)
        assert await events(rig, again) == []

    play(scenario)


def test_events_are_counted_for_the_barrier(play):
    async def scenario(rig):
        api = await listen(rig)
        await rig.settled(lambda: rig.sockets.users.subscriptions)
        subscription = rig.sockets.users.subscriptions[0]
        assert (subscription.sent, subscription.execution_id) == (0, 0)
        await send(rig, api, "order.place", **MARKET)
        told = await events(rig, api)
        assert subscription.sent == rig.sockets.users.told == len(told)
        last = max(event["I"] for event in told if "I" in event)
        assert subscription.execution_id == rig.sockets.users.execution_id == last
        rig.exchange.trading.deposit("BTC", Decimal(1))
        assert rig.sockets.users.told == subscription.sent > len(told)
        assert subscription.execution_id == last

    play(scenario)


def test_subscriptions_can_be_ended_from_outside(play):
    async def scenario(rig):
        api = await listen(rig)
        rig.sockets.terminate_user_streams()
        assert [event["e"] for event in await events(rig, api)] == ["eventStreamTerminated"]
        assert rig.sockets.users.subscriptions == ()

    play(scenario)
