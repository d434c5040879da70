"""The account's stream stays up on an exchange that drops, ends, refuses, repeats and grows old."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from decimal import Decimal

import pytest
from aiohttp import WSMsgType, web

from brokers.binance.credentials import Credentials
from brokers.binance.user_stream import UserStream
from brokers.gateway import BalancesSeen, Inbox, OrderSeen, StreamChanged
from brokers.order_events import Accepted, Canceled, Filled
from bt_run.core.errors import ConfigError, Rejected
from bt_run.core.stream_policy import StreamPolicy
from bt_run.practice.faults import (
    BadTimestamp,
    DropSockets,
    DuplicateReport,
    EndUserStreams,
    IpBan,
    RefuseHandshake,
    RefuseRequest,
    ReorderBalances,
    ServerShutdown,
    TooManyRequests,
)
from bt_run.practice.signing import made_key

D = Decimal
QUICK = StreamPolicy(floor_s=0.01, longest_s=0.05, healthy_s=5.0, overlap_s=0.1, open_s=2.0, close_s=0.1)


@pytest.fixture
def start(practice, background):
    """Give what starts a stream and waits until it is up."""
    doubts: list[str] = []

    def begin(*, policy=QUICK, wait=True, credentials=None, venue=None, **options):
        stream = UserStream(
            venue or practice.venue,
            credentials or practice.credentials,
            practice.inbox,
            clock=practice.clock,
            on_doubt=doubts.append,
            policy=policy,
            **options,
        )
        stream.doubts = doubts
        stream.done = stream.start(background)
        if wait:
            practice.await_events(StreamChanged)
        return stream

    return begin


@pytest.fixture
def gateway(practice):
    gateway = practice.gateway()
    gateway.connect()
    yield gateway
    gateway.close()


def states(practice, count):
    return [change.state for change in practice.await_events(StreamChanged, count)]


def orders(practice, count):
    return practice.await_events(OrderSeen, count)


def sockets(practice):
    """Give how many connections are open on the exchange."""
    from bt_run.practice.sockets import SOCKETS

    return practice.within(lambda: len(practice.server.app[SOCKETS].connections))


def test_a_market_order_is_told_from_start_to_end(practice, start, gateway, make_order):
    """Accepted, its trades, and what the balances are then."""
    start()
    order = make_order("MARKET")
    answer = gateway.place(order)

    seen = orders(practice, len(answer))
    balances = practice.await_events(BalancesSeen)[0]

    assert {order.client_id} == {one.client_id for one in seen}
    assert [Accepted, *(Filled for _ in answer[1:])] == [type(one.event) for one in seen]
    assert [fill.trade_id for fill in answer[1:]] == [one.event.trade_id for one in seen[1:]]
    assert D(1) == seen[-1].event.total
    assert {"BTC", "USDT"} <= set(balances.balances)
    assert len({one.execution_id for one in seen}) == len(seen)


def test_a_cancel_is_told_with_the_order_s_own_id(practice, start, gateway, make_order):
    """Not with that of the cancel."""
    start()
    order = make_order()
    gateway.place(order)
    gateway.cancel(order)

    seen = orders(practice, 2)

    assert [(order.client_id, Accepted), (order.client_id, Canceled)] == [
        (one.client_id, type(one.event)) for one in seen
    ]


def test_a_drop_is_told_and_mended(practice, start, gateway, make_order):
    """Down, then up, and a check is due: what came meanwhile is not replayed."""
    stream = start()
    practice.faults.add(DropSockets())

    assert ["up", "down", "up"] == states(practice, 3)
    assert stream.is_up
    assert not stream.trouble
    assert 2 == sum("nothing is replayed" in doubt for doubt in stream.doubts)
    gateway.place(make_order())
    assert 1 == len(orders(practice, 1))
    reason = practice.received(StreamChanged)[1].reason
    assert "broke off" in reason


def test_a_subscription_that_ends_is_made_anew_on_the_same_connection(practice, start, gateway, make_order):
    """Told as down and up, because something may be missing."""
    start()
    practice.faults.add(EndUserStreams())

    assert ["up", "down", "up"] == states(practice, 3)
    assert "the exchange ended the subscription" == practice.received(StreamChanged)[1].reason
    assert 1 == sockets(practice)
    gateway.place(make_order())
    assert 1 == len(orders(practice, 1))


def test_before_a_shutdown_the_next_connection_is_subscribed(practice, start, gateway, make_order, eventually):
    """Nothing is told, nothing is lost, nothing comes twice."""
    start()
    practice.faults.add(ServerShutdown(then_s=None))
    eventually(lambda: sockets(practice) == 2)
    gateway.place(make_order())
    eventually(lambda: sockets(practice) == 1)
    gateway.place(make_order())

    assert ["up"] == states(practice, 1)
    assert 2 == len(orders(practice, 2))


def test_at_its_age_a_connection_is_changed_without_loss(practice, start, gateway, make_order, eventually):
    """Many times a day, in this test."""
    stream = start(policy=replace(QUICK, max_age_s=0.1, overlap_s=0.05, healthy_s=0.0))
    first = next(iter(stream._links))
    placed = []
    while first in stream._links or len(placed) < 20:
        order = make_order()
        gateway.place(order)
        gateway.cancel(order)
        placed.append(order.client_id)

    seen = orders(practice, 2 * len(placed))

    assert ["up"] == [change.state for change in practice.received(StreamChanged)]
    assert [name for name in placed for _ in range(2)] == [one.client_id for one in seen]


def test_a_report_told_twice_counts_once(practice, start, gateway, make_order):
    """By its execution id."""
    start()
    with practice.faults.having(DuplicateReport()) as (fault,):
        first, last = make_order(), make_order()
        gateway.place(first)
        gateway.cancel(first)
        gateway.place(last)
        seen = orders(practice, 3)

    assert 3 == fault.fired
    assert [first.client_id, first.client_id, last.client_id] == [one.client_id for one in seen]


def test_balances_out_of_order_never_go_back(practice, start, gateway, make_order, eventually):
    """The later time wins."""
    start()
    with practice.faults.having(ReorderBalances(delay_s=0.1)) as (fault,):
        for _ in range(4):
            practice.advance(1)
            gateway.place(make_order("MARKET"))
        eventually(lambda: fault.fired >= 2)
        practice.advance(1)
        gateway.place(make_order("MARKET"))
        truth = gateway.balances()

        def settled():
            told = practice.received(BalancesSeen)
            return told and told[-1].balances.get("BTC") == truth["BTC"]

        eventually(settled)
    times = [seen.time_ms for seen in practice.received(BalancesSeen)]
    assert sorted(times) == times


@pytest.mark.parametrize(
    "fault",
    [
        RefuseHandshake(status=503, count=2),
        RefuseHandshake(status=429, count=1),
        RefuseHandshake(status=418, count=1),
        RefuseRequest(method="userDataStream.*", status=503, code=-1008, message="overloaded", count=2),
        RefuseRequest(method="userDataStream.*", status=400, code=-2042, message="ids used up", count=1),
        TooManyRequests(method="userDataStream.*", count=1, retry_after_s=0),
        IpBan(method="userDataStream.*", count=1, retry_after_s=0),
        BadTimestamp(method="userDataStream.*", count=1),
    ],
    ids=lambda fault: f"{fault.kind}-{getattr(fault, 'status', '')}-{getattr(fault, 'code', '')}",
)
def test_what_passes_is_waited_out(practice, start, fault):
    """The exchange's troubles, limits and clocks."""
    with practice.faults.having(fault) as (active,):
        stream = start()

    assert active.fired >= 1
    assert stream.is_up


def test_an_active_subscription_is_taken_as_it_is(practice, start):
    """-2035 says that the events come already."""
    fault = RefuseRequest(method="userDataStream.*", code=-2035, message="already active", count=1)
    with practice.faults.having(fault):
        assert start().is_up


def test_a_wrong_clock_is_set_over_the_same_connection(practice, start):
    """No REST is needed for it."""
    practice.clock.offset_ms = 86_400_000.0

    assert start().is_up
    assert abs(practice.clock.now_ms() - practice.server.exchange.now) < 1000


def test_a_key_that_is_not_accepted_ends_it(start, practice):
    """Another attempt cannot help; the error says what to look at."""
    other = made_key(99)
    stream = start(credentials=Credentials(other.api_key, other.secret), wait=False)

    with pytest.raises(Rejected, match="belongs to this venue") as caught:
        stream.done.result(20)

    assert -2015 == caught.value.code
    assert other.api_key not in str(caught.value)
    assert not stream.is_up
    assert "HTTP 401" in stream.trouble


def test_a_key_that_is_revoked_ends_it(practice, start):
    """Told as down first."""
    stream = start()
    practice.within(lambda: practice.server.keys.revoke(practice.credentials.api_key))
    practice.faults.add(EndUserStreams())

    with pytest.raises(Rejected):
        stream.done.result(20)
    assert ["up", "down"] == states(practice, 2)


def test_a_refusal_before_it_was_ever_let_in_ends_it(practice, start):
    """A wrong place; later it would be a firewall, and waited out."""
    with practice.faults.having(RefuseHandshake(status=403)):
        stream = start(wait=False)
        with pytest.raises(Rejected, match="403"):
            stream.done.result(20)


def test_a_refusal_after_it_was_let_in_is_waited_out(practice, start):
    """At night nobody could start it again."""
    stream = start()
    with practice.faults.having(RefuseHandshake(status=403, count=2)):
        practice.faults.add(DropSockets())
        assert ["up", "down", "up"] == states(practice, 3)
    assert stream.is_up


def test_a_server_that_is_away_is_tried_with_pauses(practice, start, eventually):
    """And found again when it is back."""
    stream = start()
    port = practice.server.port
    asyncio.run_coroutine_threadsafe(practice.server.stop_listening(), practice.loop).result(20)
    practice.faults.add(DropSockets())
    eventually(lambda: "refused the connection" in stream.trouble)
    asyncio.run_coroutine_threadsafe(practice.server.listen(), practice.loop).result(20)

    assert ["up", "down", "up"] == states(practice, 3)
    assert port == practice.server.port


def test_a_venue_without_a_websocket_api_is_a_setting_to_mend(practice):
    """Told before anything is tried."""
    with pytest.raises(ConfigError, match="ws_api_url"):
        UserStream(replace(practice.venue, ws_api_url=""), practice.credentials, Inbox())


def test_closing_says_goodbye(practice, start, background, eventually):
    """The exchange is left with no open connection."""
    stream = start()

    assert background.stop()
    eventually(lambda: sockets(practice) == 0)
    assert stream.done.cancelled()


# A server that does what no exchange should.


class OddServer:
    """Accepts the subscription, then does what the test tells it to."""

    def __init__(self):
        self.connections = []
        self.pongs = True
        self.frames = []
        self.subscribes = 0

    async def serve(self, request):
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self.connections.append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.subscribes += 1
                await socket.send_json(
                    {"id": message.json()["id"], "status": 200, "result": {"subscriptionId": 0}}
                )
                for frame in self.frames:
                    await socket.send_str(frame)
            elif message.type is WSMsgType.PING and self.pongs:
                await socket.pong(message.data)
        return socket


@pytest.fixture
def odd(background):
    server = OddServer()
    app = web.Application()
    app.router.add_get("/ws-api/v3", server.serve)

    async def begin():
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = background.submit(begin()).result(20)
    server.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    background.submit(runner.cleanup()).result(20)


def run_on(odd, practice, background, **options):
    venue = replace(practice.venue, ws_api_url=odd.url)
    stream = UserStream(venue, practice.credentials, practice.inbox, policy=QUICK, **options)
    stream.done = stream.start(background)
    return stream


def test_a_server_that_answers_no_ping_is_left(odd, practice, background):
    """An open line is not a live one."""
    odd.pongs = False
    run_on(odd, practice, background, ping_s=0.05)

    changes = practice.await_events(StreamChanged, 3)

    assert ["up", "down", "up"] == [change.state for change in changes[:3]]
    assert "did not answer a ping" in changes[1].reason


def test_a_server_that_accepts_and_drops_is_not_hammered(odd, practice, background, eventually):
    """Each short life makes the next pause longer."""
    policy = replace(QUICK, floor_s=0.02, longest_s=0.4)
    venue = replace(practice.venue, ws_api_url=odd.url)
    stream = UserStream(venue, practice.credentials, practice.inbox, policy=policy, draw=lambda: 0.0)
    pauses = []
    stream.start(background)
    for number in range(1, 5):
        eventually(lambda number=number: len(practice.received(StreamChanged)) >= 2 * number - 1)
        socket = odd.connections[-1]
        pauses.append(stream._failures)
        background.submit(socket.close()).result(20)

    assert [0, 1, 2, 3] == pauses


def test_strange_messages_are_left_out_and_told_once(odd, practice, background, caplog):
    """Unknown types, unreadable events, no JSON, answers to nobody: the stream goes on."""
    report = '{"subscriptionId":0,"event":{"e":"executionReport","s":"BTCUSDT"}}'
    balances = (
        '{"subscriptionId":0,"event":{"e":"outboundAccountPosition","u":5,"B":[{"a":"X","f":"1","l":"0"}]}}'
    )
    stranger = '{"subscriptionId":0,"event":{"e":"somethingOf2027","secret":1}}'
    odd.frames = ["no json", "[1]", stranger, stranger, report, '{"id":77,"status":200}', "{}", balances]
    doubts = []
    stream = run_on(odd, practice, background, on_doubt=doubts.append)

    with caplog.at_level(logging.INFO):
        practice.await_events(BalancesSeen)

    assert ["up"] == states(practice, 1)
    assert stream.is_up
    assert 1 == sum("somethingOf2027" in record.message for record in caplog.records)
    assert any("could not be read (KeyError)" in doubt for doubt in doubts)
