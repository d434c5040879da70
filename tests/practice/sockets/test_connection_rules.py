"""How long a connection lives: pings, pongs, limits, slow readers, the daily cut."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode

from bt_run.practice.sockets.policy import FUTURES, SPOT, WS_API, Admission, SocketPolicies, Window

PATHS = ["/ws/btcusdt@trade", "/market/ws/btcusdt@aggTrade", "/ws-api/v3"]


async def closing(client, limit_s=5.0):
    """Wait for the end; give its code and reason, 1006 where the connection was cut."""
    try:
        async with asyncio.timeout(limit_s):
            while True:
                await client.recv()
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")


class Deaf(ClientConnection):
    """A client that answers no ping; `pings` are the payloads that came."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.pings = []
        self.protocol.recv_frame, honest = self._take, self.protocol.recv_frame
        self._honest = honest

    def _take(self, frame):
        if frame.opcode is Opcode.PING:
            self.pings.append(bytes(frame.data))
        else:
            self._honest(frame)


def test_the_rules_are_binances():
    assert (SPOT.ping_s, SPOT.pong_s, SPOT.messages, SPOT.streams) == (20.0, 60.0, 5, 1024)
    assert (FUTURES.ping_s, FUTURES.pong_s, FUTURES.messages) == (180.0, 600.0, 10)
    assert (WS_API.ping_s, WS_API.pong_s, WS_API.messages) == (20.0, 60.0, 0)
    assert {SPOT.lifetime_s, FUTURES.lifetime_s, WS_API.lifetime_s} == {86_400.0}
    assert (SocketPolicies().attempts, SocketPolicies().attempts_s) == (300, 300.0)


@pytest.mark.parametrize("path", PATHS)
def test_who_does_not_pong_is_dropped(play, policies, path):
    async def scenario(rig):
        client = await rig.open(path, create_connection=Deaf)
        before = time.time() * 1000
        assert await closing(client) == (1008, "Pong timeout")
        assert len(client.pings) >= 2
        assert all(before - 1000 < int(payload) < before + 5000 for payload in client.pings)

    play(scenario, policies=policies(ping_s=0.02, pong_s=0.08, messages=0))


@pytest.mark.parametrize("path", PATHS)
def test_who_pongs_stays(play, policies, path):
    async def scenario(rig):
        client = await rig.open(path)
        await rig.settled(lambda: rig.sockets.connections)
        connection = rig.sockets.connections[0]
        began = time.monotonic()
        await rig.settled(lambda: time.monotonic() - began > 0.25)
        assert not connection.ended
        assert await rig.read_all(client) == []

    play(scenario, policies=policies(ping_s=0.02, pong_s=0.1, messages=0))


def test_a_pong_that_copies_nothing_does_not_help(play, policies):
    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@trade", create_connection=Deaf)

        async def babble():
            while True:
                await client.pong(b"1767268800000")
                await client.pong()
                await asyncio.sleep(0.01)

        task = asyncio.create_task(babble())
        assert await closing(client) == (1008, "Pong timeout")
        task.cancel()
        await asyncio.wait({task})

    play(scenario, policies=policies(ping_s=0.02, pong_s=0.08, messages=0))


@pytest.mark.parametrize("kind", ["text", "ping", "pong"])
def test_more_than_five_messages_in_a_second_end_the_connection(play, kind):
    async def scenario(rig):
        client = await rig.open("/ws")
        for _ in range(5):
            await _say(client, kind)
        assert await asyncio.wait_for(await _polite(rig, client, kind), 5) is not None
        await _say(client, kind)
        assert await closing(client) == (1008, "disconnected")

    play(scenario)


async def _say(client, kind):
    if kind == "text":
        await client.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
    elif kind == "ping":
        await client.ping()
    else:
        await client.pong()


async def _polite(rig, client, kind):
    """Make sure that the connection is still there, without a message."""
    rig.sockets.connections[0].send("{}")
    return asyncio.ensure_future(client.recv())


def test_futures_allow_ten(play):
    async def scenario(rig):
        client = await rig.open("/market/ws")
        for number in range(10):
            await client.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
        for number in range(10):
            assert (await rig.read(client))["id"] == number
        await client.ping()
        assert (await closing(client))[0] == 1008

    play(scenario)


def test_a_window_slides():
    window = Window(5, 1.0)
    assert [window.admit(0.1 * step) for step in range(5)] == [True] * 5
    assert not window.admit(0.9)
    assert window.admit(1.55)
    assert Window(0, 1.0).admit(5.0)


def test_attempts_are_counted_by_address():
    admission = Admission(SocketPolicies(attempts=2, attempts_s=10.0))
    assert [admission.admit("a", now) for now in (0.0, 1.0, 2.0)] == [True, True, False]
    assert admission.admit("b", 2.0)
    assert admission.admit("a", 12.1)


def test_too_many_attempts_are_refused(play, policies):
    async def scenario(rig):
        for _ in range(3):
            await rig.open("/ws")
        with pytest.raises(InvalidStatus) as refused:
            await rig.open("/ws-api/v3")
        response = refused.value.response
        assert (response.status_code, response.headers["Retry-After"]) == (429, "300")
        assert json.loads(response.body)["code"] == -1034

    play(scenario, policies=policies(attempts=3))


@pytest.mark.parametrize("path", PATHS)
def test_a_connection_is_cut_at_its_age(play, policies, path):
    async def scenario(rig):
        client = await rig.open(path)
        assert await closing(client) == (1001, "")

    play(scenario, policies=policies(lifetime_s=0.05))


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/ws/btcusdt@trade", lambda event: event),
        ("/stream?streams=btcusdt@trade", lambda event: {"stream": "!serverShutdown", "data": event}),
        ("/ws-api/v3", lambda event: {"event": event}),
    ],
)
def test_the_cut_may_be_announced(play, policies, path, form):
    async def scenario(rig):
        client = await rig.open(path)
        assert await rig.read(client) == form({"e": "serverShutdown", "E": rig.exchange.now})
        assert (await closing(client))[0] == 1001

    play(scenario, policies=policies(lifetime_s=0.3, notice_s=0.28))


def test_server_shutdown_is_told_to_all_and_they_stay(play):
    async def scenario(rig):
        clients = [await rig.open(path) for path in PATHS]
        await rig.settled(lambda: len(rig.sockets.connections) == 3)
        assert rig.sockets.server_shutdown() == 3
        for client in clients:
            message = await rig.read(client)
            assert message.get("event", message)["e"] == "serverShutdown"
        assert not any(connection.ended for connection in rig.sockets.connections)

    play(scenario)


def test_a_slow_reader_is_dropped_and_holds_up_nobody(play, policies):
    async def scenario(rig):
        quick = await rig.open("/ws/btcusdt@trade")
        slow = await rig.open("/ws/btcusdt@aggTrade", max_queue=1)
        await rig.settled(lambda: rig.sockets.hub.streams("spot", "aggTrade", "BTCUSDT"))
        victim = rig.sockets.connections[1]
        stream = rig.sockets.hub.streams("spot", "aggTrade", "BTCUSDT")[0]
        sent = 0
        while not victim.ended:
            rig.sockets.hub.publish(stream, {"e": "aggTrade", "padding": "x" * 200_000})
            sent += 1
            assert sent < 1000
            await asyncio.sleep(0)
        rig.exchange.step()
        assert (await rig.read(quick))["e"] == "trade"
        began = time.monotonic()
        await rig.settled(lambda: len(rig.sockets.connections) == 1)
        assert time.monotonic() - began < 8
        assert await closing(slow) == (1008, "disconnected: too slow")

    play(scenario, policies=policies(queue=20, goodbye_s=0.1))


def test_dropping_all_sockets_with_a_code(play):
    async def scenario(rig):
        clients = [await rig.open(path) for path in PATHS]
        await rig.settled(lambda: len(rig.sockets.connections) == 3)
        assert rig.sockets.drop(1008, "bye", path="/ws-api") == 1
        assert await closing(clients[2]) == (1008, "bye")
        assert rig.sockets.drop(1006, path="/market") == 1
        assert await closing(clients[1]) == (1006, "")
        assert rig.sockets.drop(1001) == 1
        assert await closing(clients[0]) == (1001, "")
        await rig.settled(lambda: not rig.sockets.connections)

    play(scenario)


def test_fifty_clients_get_one_text(play, policies):
    async def scenario(rig):
        clients = [await rig.open("/ws/btcusdt@trade") for _ in range(50)]
        await rig.settled(lambda: len(rig.sockets.connections) == 50)
        rig.advance(20 * 60_000)
        assert await rig.sockets.drained()
        sums = set()
        for client in clients:
            frames = [await rig.read(client) for _ in range(20 * 8)]
            sums.add(tuple(frame["t"] for frame in frames))
        assert len(sums) == 1
        ids = sums.pop()
        assert list(ids) == list(range(ids[0], ids[0] + len(ids)))

    play(scenario)
