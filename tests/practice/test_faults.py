"""Faults: each kind once over real sockets, and the board's own rules."""

from __future__ import annotations

import asyncio
import socket
import time
from decimal import Decimal
from itertools import pairwise

import aiohttp
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from bt_run.practice import control
from bt_run.practice.fault_points import FrameInfo
from bt_run.practice.faults import (
    BadTimestamp,
    DropSockets,
    FaultBoard,
    HiddenOrder,
    IpBan,
    LateAnswer,
    LoseFrames,
    LostAnswer,
    Maintenance,
    PartialFillThenCancel,
    RefuseConnections,
    RefuseRequest,
    Restart,
    ServerError,
    TooManyRequests,
    UnknownOutcome,
    Wipe,
)
from bt_run.practice.faults.ledger import Active
from bt_run.practice.sockets import routes

SYMBOL = "BTCUSDT"
MARKET = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.5"}
ORDER = "/api/v3/order"
SUBSCRIBE = "userDataStream.subscribe.signature"


@pytest.fixture
def board():
    """Give a board with nothing on it."""
    return FaultBoard()


@pytest.fixture
def served(serve, board):
    """Give a server with sockets, control and the board."""
    return serve(faults=board, extra_routes=[routes, control.routes])


def limit(served, client_id, *, share="0.5"):
    """Give an order that rests far below the market."""
    price = f"{served.price * Decimal(share):.2f}"
    more = {"type": "LIMIT", "timeInForce": "GTC", "price": price, "newClientOrderId": client_id}
    return MARKET | more


def placed(served):
    """Give the orders that the exchange really has."""
    return served.within(lambda: served.exchange.trading.history(SYMBOL)[0])


# Requests, over REST.


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (ServerError(status=503, count=1), 503, "503 Service Unavailable"),
        (ServerError(executed=False, count=1), 504, "504 Gateway Time-out"),
        (UnknownOutcome(count=1), 408, -1007),
        (UnknownOutcome(executed=False, count=1, status=504), 504, -1007),
        (BadTimestamp(count=1), 400, -1021),
        (BadTimestamp(count=1, ahead=False), 400, -1021),
        (TooManyRequests(count=1, retry_after_s=3), 429, -1003),
        (IpBan(count=1), 418, -1003),
        (RefuseRequest(count=1, code=-1008, status=503, message="Server is busy."), 503, -1008),
    ],
)
def test_an_answer_is_wrong_and_the_order_is_there_or_not_as_the_fault_says(served, board, fault, status, said):
    """The next order is answered as always; what fired is counted."""
    with board.having(fault) as (active,):
        answer = served.signed("POST", ORDER, **MARKET)
        ordinary = served.signed("POST", ORDER, **MARKET)

    assert status == answer.status_code
    if isinstance(said, str):
        assert said in answer.text
    else:
        assert said == answer.json()["code"]
    assert 200 == ordinary.status_code
    assert 1 + fault.executed == len(placed(served))
    assert (1, {fault.kind: 1}) == (active.fired, board.counts)
    assert [fault.kind] == [fired.kind for fired in board.log]
    if fault.kind in ("too_many_requests", "ip_ban"):
        assert str(fault.retry_after_s) == answer.headers["Retry-After"]


@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_answer_tells_nothing(served, board, executed):
    """The connection ends; only the exchange knows whether there is an order."""
    with board.having(LostAnswer(executed=executed)), pytest.raises(requests.ConnectionError):
        served.signed("POST", ORDER, **MARKET)

    assert int(executed) == len(placed(served))


def test_a_late_answer_misses_the_client_and_the_order_is_there(served, board):
    """A client that waits no longer than its time-out."""
    served.session.get(served.server.url + "/api/v3/ping")
    query = f"timestamp={time.time_ns() // 1_000_000}&symbol={SYMBOL}&side=BUY&type=MARKET&quantity=0.5"
    query += f"&signature={served.sign(query)}"
    headers = {"X-MBX-APIKEY": next(iter(served.server.keys.__iter__())).api_key}
    with board.having(LateAnswer(delay_s=0.5)), pytest.raises(requests.ReadTimeout):
        served.session.post(f"{served.server.url}{ORDER}?{query}", headers=headers, timeout=0.1)

    assert ["FILLED"] == [order.status for order in placed(served)]


def test_a_request_that_waits_is_judged_when_it_arrives(served, board):
    """Its recvWindow is over by then: refused, and nothing executed."""
    with board.having(LateAnswer(delay_s=0.15, executed=False)):
        answer = served.signed("POST", ORDER, **MARKET, recvWindow=100)

    assert (400, -1021) == (answer.status_code, answer.json()["code"])
    assert [] == placed(served)


def test_what_the_exchange_refuses_is_not_made_unknown(served, board):
    """A fault after executing leaves refusals alone, and stays for the next order."""
    with board.having(UnknownOutcome(count=1)):
        refused = served.signed("POST", ORDER, **MARKET | {"quantity": "1000"})
        unknown = served.signed("POST", ORDER, **MARKET)

    assert (-1013, -1007) == (refused.json()["code"], unknown.json()["code"])


def test_a_fault_chooses_by_method_path_channel_and_symbol(served, board):
    """Cancellations only, ETHUSDT only, the WebSocket API only."""
    one = RefuseRequest(method="order.c*", code=-1008)
    two = RefuseRequest(symbol="ETHUSDT", code=-1008)
    three = RefuseRequest(channel="ws-api", code=-1008)
    four = RefuseRequest(method="*", path="/api/v3/depth", code=-1008)
    with board.having(one, two, three, four):
        resting = served.signed("POST", ORDER, **limit(served, "a"))
        kept = served.signed("DELETE", ORDER, symbol=SYMBOL, origClientOrderId="a")
        other = served.signed("POST", ORDER, **MARKET | {"symbol": "ETHUSDT"})
        depth = served.ask("GET", "/api/v3/depth", symbol=SYMBOL)

    assert 200 == resting.status_code
    assert [-1008] * 3 == [answer.json()["code"] for answer in (kept, other, depth)]


def test_an_order_hides_for_a_while(served, board):
    """Asked for at once it does not exist; a moment later it does."""
    with board.having(HiddenOrder(hidden_s=1.0)):
        number = served.signed("POST", ORDER, **limit(served, "a")).json()["orderId"]
        told = [
            served.signed("GET", ORDER, symbol=SYMBOL, origClientOrderId="a").json().get("code"),
            served.signed("GET", ORDER, symbol=SYMBOL, orderId=number).json().get("code"),
        ]
        until = time.monotonic() + 20
        while (last := served.signed("GET", ORDER, symbol=SYMBOL, orderId=number)).status_code != 200:
            assert time.monotonic() < until

    assert [-2013, -2013] == told
    assert "NEW" == last.json()["status"]


def test_an_order_hides_for_a_minute_of_the_exchanges_clock_at_most(served, board):
    """Who lets minutes pass in a moment is not told what nobody is told after minutes."""
    with board.having(HiddenOrder(hidden_s=3600)):
        number = served.signed("POST", ORDER, **limit(served, "a")).json()["orderId"]
        young = served.signed("GET", ORDER, symbol=SYMBOL, orderId=number)
        served.advance(60_001)
        old = served.signed("GET", ORDER, symbol=SYMBOL, orderId=number)

    assert (-2013, 200) == (young.json().get("code"), old.status_code)


@pytest.mark.parametrize(
    ("order", "status", "first"),
    [
        ({"type": "MARKET"}, "EXPIRED", "EXPIRED"),
        ({"type": "LIMIT", "timeInForce": "IOC", "price": "above"}, "EXPIRED", "EXPIRED"),
        ({"type": "LIMIT", "timeInForce": "GTC", "price": "above"}, "CANCELED", "PARTIALLY_FILLED"),
        ({"type": "LIMIT", "timeInForce": "GTC", "price": "below"}, "CANCELED", "NEW"),
    ],
)
def test_an_order_is_filled_in_part_and_then_ends(served, board, order, status, first):
    """By the book, or by the exchange a moment after the answer; the next order finds a full book."""
    prices = {"above": f"{served.price * 2:.2f}", "below": f"{served.price / 2:.2f}"}
    sent = MARKET | order | ({"price": prices[order["price"]]} if "price" in order else {})
    with board.having(PartialFillThenCancel(share=0.4, later_s=0.05)) as (active,):
        answer = served.signed("POST", ORDER, **sent).json()
        until = time.monotonic() + 20
        while (found := placed(served)[0]).is_open:
            assert time.monotonic() < until
    whole = served.signed("POST", ORDER, **MARKET).json()

    assert (first, status) == (answer["status"], found.status)
    assert Decimal("0.2") == found.executed
    assert 1 == active.fired
    assert "FILLED" == whole["status"]


def test_a_quote_quantity_is_filled_in_part_too(served, board):
    """The share of what it would buy."""
    sent = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quoteOrderQty": "100"}
    with board.having(PartialFillThenCancel()):
        answer = served.signed("POST", ORDER, **sent).json()

    assert "EXPIRED" == answer["status"]
    assert 40 < Decimal(answer["cummulativeQuoteQty"]) <= 60


def test_the_book_is_full_again_when_an_order_was_refused(served, board):
    """The fault waits for an order that is accepted."""
    with board.having(PartialFillThenCancel(count=1)) as (active,):
        refused = served.signed("POST", ORDER, **MARKET | {"quantity": "0.000001"})
        assert 0 == active.fired
        half = served.signed("POST", ORDER, **MARKET)
        whole = served.signed("POST", ORDER, **MARKET)

    assert (400, "EXPIRED", "FILLED") == (refused.status_code, half.json()["status"], whole.json()["status"])


# The whole server.


def test_a_wipe_takes_the_orders_and_leaves_the_key(served, board):
    """As the testnet does every month."""
    before = served.signed("GET", "/api/v3/account").json()["balances"]
    number = served.signed("POST", ORDER, **MARKET).json()["orderId"]
    board.add(Wipe())

    assert before == served.signed("GET", "/api/v3/account").json()["balances"]
    assert -2013 == served.signed("GET", ORDER, symbol=SYMBOL, orderId=number).json()["code"]


def test_maintenance_leaves_a_gap_and_refuses_orders_in_it(served, board):
    """Three bars of all symbols are missing for ever; everything goes on behind them."""
    served.advance(30_000)
    board.add(Maintenance(bars=3))
    opened = served.within(lambda: served.exchange.now) // 60_000 * 60_000
    served.advance(60_000)
    in_it = [
        served.signed("POST", ORDER, **MARKET).json(),
        served.signed("GET", "/api/v3/openOrders", symbol=SYMBOL).status_code,
    ]
    served.advance(5 * 60_000)
    after = served.signed("POST", ORDER, **MARKET)
    rows = {
        symbol: served.ask("GET", "/api/v3/klines", symbol=symbol, interval="1m", startTime=opened).json()
        for symbol in (SYMBOL, "ETHUSDT")
    }

    assert (-2010, "Market is closed.") == (in_it[0]["code"], in_it[0]["msg"])
    assert 200 == in_it[1] == after.status_code
    for found in rows.values():
        minutes = [(row[0] - opened) // 60_000 for row in found]
        assert [0, 4, 5, 6] == minutes
    assert board.log[-1].what.startswith("6 bars lost from 2026-01-01T13:01:00Z")


def test_trades_behind_a_gap_are_counted_on(served, board):
    """No id is missing and none is given twice."""
    board.add(Maintenance(bars=2))
    served.advance(10 * 60_000)
    trades = served.ask("GET", "/api/v3/trades", symbol=SYMBOL, limit=100).json()
    ids = [trade["id"] for trade in trades]

    assert ids == list(range(ids[0], ids[0] + 100))
    times = [trade["time"] for trade in trades]
    assert times == sorted(times)
    assert max(later - earlier for earlier, later in pairwise(times)) > 120_000


def test_a_server_restarts_and_knows_its_orders(served, board):
    """Nobody is connected, nobody gets in, then all is as it was on the same port."""
    served.signed("POST", ORDER, **limit(served, "a"))
    begun = time.monotonic()
    board.add(Restart(down_s=0.3))
    refused = 0
    while time.monotonic() < begun + 5:
        try:
            with socket.create_connection(("127.0.0.1", served.server.port), timeout=1):
                if refused:
                    break
        except ConnectionRefusedError:
            refused += 1
        time.sleep(0.005)
    answer = served.signed("GET", ORDER, symbol=SYMBOL, origClientOrderId="a")

    assert refused
    assert "NEW" == answer.json()["status"]


def test_a_server_ends_in_the_middle_of_a_restart(practice_exchange):
    """Nothing listens on afterwards."""
    from bt_run.practice.server import PracticeServer
    from bt_run.practice.signing import Keys

    async def run():
        board = FaultBoard()
        server = PracticeServer(
            practice_exchange, Keys([]), faults=board, extra_routes=[routes, control.routes]
        )
        async with server, aiohttp.ClientSession() as client:
            board.add(RefuseConnections(down_s=30))
            board.add(DropSockets(every_s=0.01))
            await asyncio.sleep(0.02)
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.get(server.url)
        assert not server.listening

    begun = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() < begun + 2


# The board.


def test_a_fault_ends_by_count_time_and_hand(board, serve):
    """Each way takes it off the board."""
    served = serve(faults=board, extra_routes=[routes, control.routes])
    board.add(RefuseRequest(method="ping", count=2))
    timed = board.add(RefuseRequest(method="time", lasts_s=0.05))
    by_hand = board.add(RefuseRequest(method="*", path="exchangeInfo"))
    pings = [served.ask("GET", "/api/v3/ping").status_code for _ in range(3)]
    until = time.monotonic() + 20
    while timed in board.active:
        assert time.monotonic() < until

    assert [400, 400, 200] == pings
    assert 200 == served.ask("GET", "/api/v3/time").status_code
    assert (by_hand,) == board.active
    assert board.remove(by_hand.id)
    assert not board.remove(by_hand.id)
    assert () == board.active
    assert 0 == board.clear()


@given(
    seed=st.integers(0, 1000),
    probability=st.floats(0, 1),
    skip=st.integers(0, 20),
    count=st.integers(1, 50) | st.none(),
    every=st.integers(1, 5),
)
def test_what_a_fault_hits_depends_on_its_seed_alone(seed, probability, skip, count, every):
    """The same again, never more than asked for, never what is to pass."""

    def hits():
        fault = LoseFrames(seed=seed, probability=probability, skip=skip, count=count, every=every)
        active = Active(1, fault)
        found = []
        for number in range(200):
            if active.hits(fault.every):
                active.fired += 1
                found.append(number)
        return found

    found = hits()

    assert found == hits()
    assert all(number >= skip and (number - skip) % every == 0 for number in found)
    assert count is None or len(found) <= count
    if probability == 1:
        assert len(found) == min(len(range(skip, 200, every)), count or 200)


def test_no_fault_means_no_change():
    """A board that is not connected, or empty, leaves frames alone."""
    assert FaultBoard().outgoing(FrameInfo("spot", "btcusdt@trade"), "{}") is None
    assert not FaultBoard().silent("/ws")
