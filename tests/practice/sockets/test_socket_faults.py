"""Faults as clients of the sockets meet them."""

from __future__ import annotations

import asyncio
import socket
import time
from decimal import Decimal

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bt_run.practice.faults import (
    CutAtFrame,
    DelayFrames,
    DropSockets,
    DuplicateFrames,
    DuplicateReport,
    EndUserStreams,
    FaultBoard,
    FillBeforeReply,
    LoseFrames,
    LostAnswer,
    RefuseConnections,
    RefuseHandshake,
    ReorderBalances,
    ReorderFrames,
    ServerShutdown,
    Silence,
    TooManyRequests,
    UnknownOutcome,
    WithholdClose,
)
from bt_run.practice.orders import Ticket

SYMBOL = "BTCUSDT"
MARKET = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.5"}


@pytest.fixture
def board():
    """Give a board with nothing on it."""
    return FaultBoard()


@pytest.fixture
def play_faults(play, board):
    """Give what runs a scenario with the board."""

    def run(scenario):
        async def connected(rig):
            board.connect(rig.server)
            try:
                await scenario(rig)
            finally:
                await board.close()

        play(connected, faults=board)

    return run


async def subscribed(rig):
    """Give a connection that hears the account's events."""
    client = await rig.open("/ws-api/v3")
    answer = await rig.call(client, "userDataStream.subscribe.signature", **rig.signed())
    assert 200 == answer["status"]
    return client


async def event(rig, client, kind=None):
    """Give the account's next event, or the next of a kind."""
    while True:
        found = (await rig.read(client))["event"]
        if kind in (None, found["e"]):
            return found


def buy(rig):
    """Place a market order past all faults of requests."""
    number = len(rig.exchange.trading.history(SYMBOL)[0])
    rig.exchange.trading.place(Ticket(SYMBOL, "BUY", "MARKET", f"own{number}", quantity=Decimal("0.5")))


# Requests and events, over the WebSocket API.


def test_an_order_is_filled_before_its_placement_is_answered(play_faults, board):
    """The events come, the answer says NEW, and the order is filled."""

    async def scenario(rig):
        user = await subscribed(rig)
        api = await rig.open("/ws-api/v3")
        board.add(FillBeforeReply(count=1, hold_s=0.3))
        price = f"{rig.exchange.market(SYMBOL).last_price / 2:.2f}"
        order = rig.signed(**MARKET | {"type": "LIMIT", "timeInForce": "GTC", "price": price})
        asked = asyncio.create_task(rig.call(api, "order.place", **order))
        reports = [await event(rig, user, "executionReport") for _ in range(2)]
        assert not asked.done()
        answer = (await asked)["result"]

        assert ["NEW", "FILLED"] == [report["X"] for report in reports]
        assert ("NEW", "0.00000000") == (answer["status"], answer["executedQty"])
        assert "FILLED" == rig.exchange.trading.order(SYMBOL, answer["orderId"]).status

    play_faults(scenario)


def test_faults_of_requests_act_on_the_websocket_api(play_faults, board):
    """An unknown outcome, a limit with its time, a cut."""

    async def scenario(rig):
        api = await rig.open("/ws-api/v3")
        with board.having(UnknownOutcome(count=1)):
            unknown = await rig.call(api, "order.place", **rig.signed(**MARKET))
        with board.having(TooManyRequests(count=1)):
            limited = await rig.call(api, "ping")
        with board.having(LostAnswer()), pytest.raises(ConnectionClosed):
            await rig.call(api, "order.place", **rig.signed(**MARKET))

        assert (408, -1007) == (unknown["status"], unknown["error"]["code"])
        assert (429, -1003) == (limited["status"], limited["error"]["code"])
        assert limited["error"]["data"]["retryAfter"] > limited["error"]["data"]["serverTime"]
        assert 2 == len(rig.exchange.trading.history(SYMBOL)[0])

    play_faults(scenario)


@pytest.mark.parametrize("status", [403, 418, 429, 503])
def test_a_handshake_is_refused(play_faults, board, status):
    """On the paths that the fault chooses."""

    async def scenario(rig):
        with board.having(RefuseHandshake(status=status, path="/ws-api")) as (active,):
            with pytest.raises(InvalidStatus) as refused:
                await rig.open("/ws-api/v3")
            await rig.open("/ws/btcusdt@trade")

        assert status == refused.value.response.status_code
        assert 1 == active.fired

    play_faults(scenario)


def test_reports_come_twice_and_balances_out_of_order(play_faults, board):
    """Every report doubled; of two balances the first comes last."""

    async def scenario(rig):
        user = await subscribed(rig)
        with board.having(DuplicateReport(), ReorderBalances(delay_s=0.15)):
            for _ in range(2):
                buy(rig)
            events = [await event(rig, user) for _ in range(10)]

        reports = [event["I"] for event in events if event["e"] == "executionReport"]
        balances = [event for event in events if event["e"] == "outboundAccountPosition"]
        bought = [Decimal(next(row["f"] for row in event["B"] if row["a"] == "BTC")) for event in balances]
        assert [1, 1, 2, 2, 3, 3, 4, 4] == reports
        assert bought == sorted(bought, reverse=True)
        assert events[-1] is balances[-1]

    play_faults(scenario)


def test_a_fill_is_lost_with_its_connection(play_faults, board):
    """The report never comes; the order is filled."""

    async def scenario(rig):
        user = await subscribed(rig)
        price = rig.exchange.market(SYMBOL).last_price / 2
        ticket = Ticket(SYMBOL, "BUY", "LIMIT", "a", quantity=Decimal(1), price=price)
        order = rig.exchange.trading.place(ticket)
        assert "NEW" == (await event(rig, user, "executionReport"))["x"]
        with board.having(CutAtFrame(path="/ws-api", count=1)):
            rig.exchange.trading.forced.fill(order.order_id, Decimal(1))
            with pytest.raises(ConnectionClosed):
                await event(rig, user, "executionReport")

        assert "FILLED" == rig.exchange.trading.order(SYMBOL, order.order_id).status

    play_faults(scenario)


def test_user_streams_end_with_a_word(play_faults, board):
    """The connection stays open."""

    async def scenario(rig):
        user = await subscribed(rig)
        board.add(EndUserStreams())
        told = await event(rig, user)
        answer = await rig.call(user, "ping")

        assert "eventStreamTerminated" == told["e"]
        assert 200 == answer["status"]
        assert "1 subscriptions ended" == board.log[-1].what

    play_faults(scenario)


# Market frames.


def test_frames_are_lost_delayed_doubled_reordered(play_faults, board):
    """Trades, in the four ways."""

    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@trade")

        async def trades(count, ms=60_000):
            rig.advance(ms)
            return [(await rig.read(client))["t"] for _ in range(count)]

        first = await trades(8, 59_999)
        with board.having(DuplicateFrames()):
            doubled = await trades(16)
        with board.having(LoseFrames(stream="btcusdt@t*", family="spot")) as (lost,):
            rig.advance(60_000)
        begun = time.monotonic()
        with board.having(DelayFrames(delay_s=0.2)):
            delayed = await trades(8)
        took = time.monotonic() - begun
        with board.having(ReorderFrames(delay_s=0.1)):
            reordered = await trades(8)

        assert first == list(range(first[0], first[0] + 8))
        assert [number for number in range(first[-1] + 1, first[-1] + 9) for _ in (1, 2)] == doubled
        assert 8 == lost.fired
        assert delayed == list(range(delayed[0], delayed[0] + 8))
        assert delayed[0] == doubled[-1] + 9
        assert took >= 0.2
        assert reordered == [
            *range(reordered[0], reordered[0] + 8, 2),
            *range(reordered[0] - 1, reordered[0] + 7, 2),
        ]

    play_faults(scenario)


def test_the_close_of_a_bar_is_withheld(play_faults, board):
    """Of its frames only the last is missing, once."""

    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@kline_1m")
        with board.having(WithholdClose(count=1)):
            rig.advance(120_000)
            frames = await rig.read_all(client)
        closed = [frame["k"]["t"] for frame in frames if frame["k"]["x"]]

        assert [rig.exchange.now - 60_000] == closed

    play_faults(scenario)


def test_a_silent_connection_stays_open(play_faults, board):
    """It answers, and gets nothing; then it speaks again."""

    async def scenario(rig):
        quiet = await rig.open("/ws/btcusdt@trade")
        loud = await rig.open("/stream?streams=btcusdt@trade")
        with board.having(Silence(path="/ws/")) as (active,):
            rig.advance(59_999)
            assert [] == await rig.read_all(quiet)
            assert 8 == len(await rig.read_all(loud))
            assert {"result": ["btcusdt@trade"], "id": 1} == await rig.ask(
                quiet, method="LIST_SUBSCRIPTIONS", id=1
            )
        rig.advance(60_000)

        assert 8 == len(await rig.read_all(quiet))
        assert 8 == active.fired

    play_faults(scenario)


def test_sockets_drop_at_once_and_again_and_again(play_faults, board):
    """With a code, without a word, by their path; each time is counted."""

    async def scenario(rig):
        kept = await rig.open("/ws/btcusdt@trade")
        for code in (1006, 1008, 1001):
            client = await rig.open("/stream?streams=btcusdt@trade")
            board.add(DropSockets(code=code, path="/stream", reason="go"))
            with pytest.raises(ConnectionClosed) as closed:
                await rig.read(client)
            assert (None if code == 1006 else code) == (closed.value.rcvd and closed.value.rcvd.code)
        with board.having(DropSockets(every_s=0.02, count=3)) as (active,):
            with pytest.raises(ConnectionClosed):
                await rig.read(kept)
            await rig.settled(lambda: active.is_over)

        assert 3 == active.fired
        assert {"drop_sockets": 6} == board.counts

    play_faults(scenario)


def test_a_shutdown_is_announced_before_all_close(play_faults, board):
    """With the time that the fault gives."""

    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@trade")
        api = await rig.open("/ws-api/v3")
        board.add(ServerShutdown(then_s=0.1))
        told = [await rig.read(client), await rig.read(api)]
        with pytest.raises(ConnectionClosed) as closed:
            await rig.read(client)

        assert "serverShutdown" == told[0]["e"] == told[1]["event"]["e"]
        assert 1001 == closed.value.rcvd.code

    play_faults(scenario)


def test_connections_are_refused_and_open_ones_stay(play_faults, board):
    """Nobody listens on the port for a while."""

    async def scenario(rig):
        client = await rig.open("/ws/btcusdt@trade")
        board.add(RefuseConnections(down_s=0.2))
        await rig.settled(lambda: not rig.server.listening)
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", rig.server.port))
        rig.advance(59_999)
        assert 8 == len(await rig.read_all(client))
        await rig.settled(lambda: rig.server.listening)
        await rig.open("/ws/btcusdt@trade")

    play_faults(scenario)
