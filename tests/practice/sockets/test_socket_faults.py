"""Where faults put their hand in: frames, handshakes, requests."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.exceptions import InvalidHandshake, InvalidStatus

from bt_run.practice.fault_points import NoFaults, Response

LIMIT = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1",
    "price": "50.00",
}  # fmt: skip


class Meddler(NoFaults):
    """Faults as the test writes them; what it does not write goes well. `asked` are the requests that came."""

    def __init__(self, *, frame=None, before=None, after=None, silent=None):
        self.asked = []
        self._frame, self._before, self._after, self._silent = frame, before, after, silent

    async def before(self, request):
        self.asked.append(request)
        return self._before(request) if self._before else None

    async def after(self, request, response):
        return await self._after(request, response) if self._after else response

    def outgoing(self, frame, text):
        return self._frame(frame, text) if self._frame else None

    def silent(self, path):
        return bool(self._silent and self._silent(path))


def test_the_last_frame_of_a_bar_can_be_withheld(play):
    def frame(info, text):
        return [] if info.closes_bar else None

    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@kline_1m/btcusdt@trade")
        rig.advance(3 * 60_000)
        frames = await rig.read_all(client)
        assert not any(frame.get("k", {}).get("x") for frame in frames)
        assert sum(frame["e"] == "trade" for frame in frames) > 20

    play(scenario, faults=Meddler(frame=frame))


def test_frames_can_be_doubled_delayed_and_swapped(play):
    held = []

    def frame(info, text):
        if info.name != "btcusdt@trade":
            return None
        held.append(text)
        if len(held) == 1:
            return []
        if len(held) == 2:  # the second comes first, then the first, twice
            return [(0.0, text), (0.0, held[0]), (0.02, held[0])]
        return None

    async def scenario(rig):
        client = await rig.open("/stream?streams=btcusdt@trade")
        rig.exchange.step()
        rig.exchange.step()
        ids = [(await rig.read(client))["data"]["t"] for _ in range(3)]
        assert ids == [ids[1] + 1, ids[1], ids[1]]

    play(scenario, faults=Meddler(frame=frame))


def test_frames_can_be_damaged(play):
    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@trade?timeUnit=MICROSECOND")
        rig.exchange.step()
        assert await asyncio.wait_for(client.recv(), 5) == '{"e":"tra'

    play(scenario, faults=Meddler(frame=lambda _, text: [(0.0, text[:9])]))


def test_user_events_can_come_twice_late_and_without_the_answer_waiting(play):
    def frame(info, text):
        if info.family != "user":
            return None
        return [(0.03, text), (0.03, text)] if info.name == "executionReport" else [(0.0, text)]

    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        await rig.call(api, "userDataStream.subscribe.signature", **rig.signed())
        await api.send(json.dumps({"id": 5, "method": "order.place", "params": rig.signed(**LIMIT)}))
        messages = [await rig.read(api) for _ in range(4)]
        kinds = [message["event"]["e"] if "event" in message else "answer" for message in messages]
        assert kinds == ["outboundAccountPosition", "answer", "executionReport", "executionReport"]
        assert messages[2] == messages[3]

    play(scenario, faults=Meddler(frame=frame))


def test_a_connection_can_be_silent_and_open(play):
    quiet = {"/ws/btcusdt@trade"}

    async def scenario(rig):
        client, other = await rig.open("/ws/btcusdt@trade"), await rig.open("/ws/btcusdt@aggTrade")
        rig.exchange.step()
        assert (await rig.read(other))["e"] == "aggTrade"
        assert await rig.read_all(client) == []
        quiet.clear()
        rig.exchange.step()
        assert (await rig.read(client))["e"] == "trade"

    play(scenario, faults=Meddler(silent=lambda path: path in quiet))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, "<html>blocked</html>", "text/html"),
        (418, {"code": -1003, "msg": "banned"}, "application/json"),
        (429, {"code": -1003, "msg": "slow"}, "application/json"),
        (503, "down", "text/plain"),
    ],
)
@pytest.mark.parametrize("path", ["/ws/btcusdt@trade", "/ws-api/v3"])
def test_handshakes_can_be_refused(play, path, status, body, kind):
    faults = Meddler(before=lambda request: answer if request.channel == "handshake" else None)
    answer = Response(status, body, {"Retry-After": "7"}, kind)

    async def scenario(rig):
        with pytest.raises(InvalidStatus) as refused:
            await rig.open(path)
        response = refused.value.response
        assert (response.status_code, response.headers["Retry-After"]) == (status, "7")
        assert response.headers["Content-Type"].startswith(kind)
        text = response.body.decode()
        assert (json.loads(text) if kind.endswith("json") else text) == body
        assert [(one.channel, one.verb, one.path) for one in faults.asked] == [("handshake", "GET", path)]

    play(scenario, faults=faults)


def test_a_handshake_can_be_cut(play):
    async def scenario(rig):
        with pytest.raises((InvalidHandshake, OSError)):
            await rig.open("/ws/btcusdt@trade")

    play(scenario, faults=Meddler(before=lambda _: Response(503, "", drop=True)))


def on_orders(change):
    """Change the answers of order.place."""

    async def after(request, response):
        return await change(response) if request.method == "order.place" else response

    return after


def test_requests_can_be_answered_without_being_done(play):
    unknown = {"code": -1007, "msg": "Timeout waiting for response from backend server."}

    def before(request):
        return Response(504, unknown) if request.method == "order.place" else None

    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        answer = await rig.call(api, "order.place", **rig.signed(**LIMIT))
        assert (answer["status"], answer["error"]) == (504, unknown)
        assert (await rig.call(api, "openOrders.status", **rig.signed()))["result"] == []
        request = faults.asked[1]
        assert (request.channel, request.method, request.address) == ("ws-api", "order.place", "127.0.0.1")
        assert request.params["symbol"] == "BTCUSDT"
        assert "signature" not in request.params

    faults = Meddler(before=before)
    play(scenario, faults=faults)


@pytest.mark.parametrize("body", ["<html>502</html>", {"code": -1007, "msg": "unknown"}])
def test_answers_can_be_replaced_after_it_was_done(play, body):
    async def change(_):
        return Response(502, body, content_type="text/html")

    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        answer = await rig.call(api, "order.place", **rig.signed(**LIMIT))
        assert answer["status"] == 502
        assert answer["error"]["code"] == (-1000 if isinstance(body, str) else -1007)
        assert len((await rig.call(api, "openOrders.status", **rig.signed()))["result"]) == 1

    play(scenario, faults=Meddler(after=on_orders(change)))


def test_a_late_answer_holds_up_no_other(play):
    release = asyncio.Event()

    async def change(response):
        await release.wait()
        return response

    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        await api.send(json.dumps({"id": "late", "method": "order.place", "params": rig.signed(**LIMIT)}))
        assert (await rig.call(api, "ping", "quick"))["id"] == "quick"
        assert len((await rig.call(api, "openOrders.status", **rig.signed()))["result"]) == 1
        release.set()
        assert (await rig.read(api))["id"] == "late"

    play(scenario, faults=Meddler(after=on_orders(change)))


def test_a_client_that_left_gets_no_late_answer(play):
    async def change(response):
        await asyncio.sleep(60)
        return response

    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        await api.send(json.dumps({"id": 1, "method": "order.place", "params": rig.signed(**LIMIT)}))
        await rig.settled(rig.exchange.trading.open_orders)
        await api.close()
        await rig.settled(lambda: not rig.sockets.connections)

    play(scenario, faults=Meddler(after=on_orders(change)))


def test_the_connection_can_be_cut_instead_of_an_answer(play):
    async def change(_):
        return Response(200, {}, drop=True)

    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        await api.send(json.dumps({"id": 1, "method": "order.place", "params": rig.signed(**LIMIT)}))
        await asyncio.wait_for(api.wait_closed(), 5)
        assert api.close_code == 1006
        assert len(rig.exchange.trading.open_orders()) == 1

    play(scenario, faults=Meddler(after=on_orders(change)))
