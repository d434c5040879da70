"""The control endpoint: clock, account, faults, truth, and the barrier that holds the clock."""

from __future__ import annotations

import asyncio
import json
import time
from decimal import Decimal

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bt_run.practice import control
from bt_run.practice.control import _is_local
from bt_run.practice.faults import FaultBoard
from bt_run.practice.identity import NAME
from bt_run.practice.pacer import Pacer
from bt_run.practice.server import PracticeServer
from bt_run.practice.signing import Keys
from bt_run.practice.sockets import routes

SYMBOL = "BTCUSDT"
MINUTE = 60_000
MARKET = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.5"}


@pytest.fixture
def served(serve, practice_exchange):
    """Give a server whose clock moves by request only."""
    return serve(
        exchange=practice_exchange,
        pacer=Pacer(practice_exchange, step=True),
        faults=FaultBoard(),
        extra_routes=[routes, control.routes],
    )


@pytest.fixture
def bare(serve):
    """Give a server without clock and board."""
    return serve(extra_routes=[control.routes])


@pytest.fixture
def order(served):
    """Give what does a control order and gives status and answer."""

    def ask(verb, path, body=None, **options):
        answer = served.session.request(
            verb, f"{served.server.url}/practice/{path}", json=body, timeout=20, **options
        )
        assert NAME == answer.json()["exchange"]
        return answer.status_code, answer.json()

    return ask


def test_the_status_tells_all_at_a_glance(served, order):
    """Clock, symbols, counts, faults, balances."""
    served.signed("POST", "/api/v3/order", **MARKET)
    status, told = order("GET", "status")

    assert 200 == status
    assert (1.0, True, [], False, None) == tuple(
        told[name] for name in ("speed", "paused", "held_by", "ended", "failure")
    )
    assert (served.exchange.now, served.exchange.now) == (told["now"], told["started"])
    assert told["time"].startswith("2026-01-01T13:00:0")
    assert {SYMBOL, "ETHUSDT"} == set(told["symbols"])
    assert (1, 1, "1m") == tuple(told["symbols"][SYMBOL][name] for name in ("orders", "trades", "interval"))
    assert (0, 2, 0) == (told["open_orders"], told["execution_id"], told["connections"])
    assert {"active": [], "fired": {}} == told["faults"]
    assert Decimal("10.4995") == Decimal(told["balances"]["BTC"]["free"])


def test_the_state_is_the_truth_about_the_account(served, order):
    """As the account itself is told, whole."""
    placed = served.signed("POST", "/api/v3/order", **MARKET).json()
    _, told = order("GET", "state")
    (trade,) = served.signed("GET", "/api/v3/myTrades", symbol=SYMBOL).json()
    (row,) = served.signed("GET", "/api/v3/allOrders", symbol=SYMBOL).json()

    assert [trade] == told["fills"]
    assert [row] == told["orders"]
    assert placed["orderId"] == row["orderId"]
    assert 2 == told["execution_id"]


def test_the_clock_obeys(served, order):
    """Steps, speed, pause and resume, each answered with where it stands."""
    begin = served.exchange.now
    one = order("POST", "step", {"bars": 2})[1]
    two = order("POST", "step", {"events": 1})[1]
    three = order("POST", "step")[1]
    fast = order("POST", "speed", {"speed": 600})[1]
    runs = order("POST", "resume")[1]
    until = time.monotonic() + 20
    while order("GET", "status")[1]["now"] <= three["now"]:
        assert time.monotonic() < until
    stands = order("POST", "pause")[1]

    assert (2, begin + 2 * MINUTE) == (one["moved"], one["now"])
    assert (1, 1) == (two["moved"], three["moved"])
    assert begin + 3 * MINUTE == three["now"]
    assert (600, False) == (fast["speed"], runs["paused"])
    assert stands["paused"]
    assert stands["now"] == order("GET", "status")[1]["now"]
    assert "max" == order("POST", "speed", {"speed": "max"})[1]["speed"]


def test_the_account_obeys(served, order):
    """A deposit, a withdrawal, a wipe."""
    added = order("POST", "deposit", {"asset": "usdt", "amount": "12.5"})[1]
    taken = order("POST", "deposit", {"asset": "USDT", "amount": "-2.5"})[1]
    too_much = order("POST", "deposit", {"asset": "BNB", "amount": -1})
    order("POST", "wipe")

    assert ("1000012.5", "1000010.0") == (added["free"], taken["free"])
    assert (400, "-2010 Account has insufficient balance for requested action.") == (
        too_much[0],
        too_much[1]["error"],
    )
    assert "1000000" == order("GET", "status")[1]["balances"]["USDT"]["free"]


def test_faults_come_and_go(served, order, caplog):
    """Added, listed with what they did, taken away; the log says so as one would write it."""
    caplog.set_level("INFO", "bt_run.practice")
    _, added = order("POST", "faults", [{"kind": "unknown_outcome", "count": 2}, {"kind": "silence"}])
    served.signed("POST", "/api/v3/order", **MARKET)
    _, listed = order("GET", "faults")
    removed = order("DELETE", f"faults/{added['added'][1]['id']}")
    again = order("DELETE", f"faults/{added['added'][1]['id']}")
    cleared = order("DELETE", "faults")

    assert [1, 2] == [found["id"] for found in added["added"]]
    assert ["unknown_outcome", "silence"] == [found["kind"] for found in listed["active"]]
    assert (1, 1, 2) == tuple(listed["active"][0][name] for name in ("seen", "fired", "count"))
    assert {"unknown_outcome": 1} == listed["fired"]
    assert ["rest order.place"] == [fired["what"] for fired in listed["log"]]
    assert (200, 404) == (removed[0], again[0])
    assert 1 == cleared[1]["removed"]
    assert [] == order("GET", "faults")[1]["active"]
    lines = [line for line in caplog.messages if "fault" in line]
    assert f'{NAME}: fault 1 on: {{"kind": "unknown_outcome", "count": 2}}' == lines[0]
    assert [f"{NAME}: fault 2 off", f"{NAME}: fault 1 off"] == lines[-2:]


def test_maintenance_shutdown_and_restart_have_names_of_their_own(served, order):
    """They are faults that happen at once."""
    gap = order("POST", "maintenance", {"bars": 2})[1]
    goes = order("POST", "shutdown", {"then_s": None})[1]
    away = order("POST", "restart", {"down_s": 0.05})[1]
    until = time.monotonic() + 20
    while True:
        try:
            fired = order("GET", "faults")[1]["fired"]
            break
        except OSError:
            assert time.monotonic() < until

    assert gap["what"].startswith("4 bars lost from 2026-01-01T13:01:00Z")
    assert ("0 connections told", "down for 0.05 s") == (goes["what"], away["what"])
    assert {"maintenance": 1, "restart": 1, "server_shutdown": 1} == fired


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("step", {"bars": 0}, "a whole number above 0"),
        ("step", {"bars": 1, "events": 1}, "Step by"),
        ("step", {"days": 1}, "Step by"),
        ("step", [1], "must be a JSON object"),
        ("speed", {"speed": 0}, "above zero"),
        ("speed", {"speed": True}, "Set the speed by"),
        ("speed", {}, "Set the speed by"),
        ("deposit", {"asset": "USDT", "amount": "much"}, "Deposit by"),
        ("deposit", {"asset": "USDT", "amount": 1.5}, "Deposit by"),
        ("deposit", {"amount": "1"}, "Deposit by"),
        ("faults", {"kind": "no"}, "There is no fault 'no'"),
        ("maintenance", {"bar": 1}, "Did you mean 'bars'"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(order, path, body, words):
    """And nothing is done."""
    status, told = order("POST", path, body)

    assert 400 == status
    assert words in told["error"]


def test_a_body_that_is_not_json_is_refused(served):
    """Also one of a hundred thousand brackets, and one that is no text."""
    for body in ("{", "[" * 100_000, b"\xff\xfe\xfd"):
        answer = served.session.post(f"{served.server.url}/practice/pause", data=body, timeout=20)
        assert (400, True) == (answer.status_code, "not JSON" in answer.json()["error"])


def test_without_clock_and_board_it_says_so(bare):
    """A server may have neither."""
    url = f"{bare.server.url}/practice"
    pause = bare.session.post(f"{url}/pause", timeout=20)
    faults = bare.session.get(f"{url}/faults", timeout=20)

    assert "Nobody moves the clock" in pause.json()["error"]
    assert "without a board" in faults.json()["error"]
    assert {"active": [], "fired": {}} == bare.session.get(f"{url}/status", timeout=20).json()["faults"]


def test_web_pages_have_no_say(served, order):
    """A browser sends its origin."""
    assert (403, "Control is not for web pages.") == (
        order("POST", "wipe", headers={"Origin": "http://evil.example"})[0],
        order("POST", "wipe", headers={"Origin": "http://evil.example"})[1]["error"],
    )


@pytest.mark.parametrize(
    ("remote", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.168.0.7", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("", False),
        (None, False),
    ],
)
def test_control_is_for_this_machine_alone(remote, is_local):
    """Whoever may trade from elsewhere may not control."""
    assert is_local == _is_local(remote)


# The barrier.


@pytest.fixture
def play(practice_exchange):
    """Give what runs a scenario at a speed."""

    def run(scenario, speed="max"):
        async def main():
            pacer = Pacer(practice_exchange, speed)
            server = PracticeServer(
                practice_exchange,
                Keys([]),
                pacer=pacer,
                faults=FaultBoard(),
                extra_routes=[routes, control.routes],
            )
            async with server:
                await scenario(server)

        asyncio.run(asyncio.wait_for(main(), 20))

    return run


def barrier(server, **asked):
    """Connect to the barrier."""
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return connect(f"{server.ws_url}/practice/barrier?{query}", proxy=None, ping_interval=None)


async def read(client):
    return json.loads(await asyncio.wait_for(client.recv(), 5))


def test_a_barrier_holds_the_clock_at_each_bar_until_it_is_released(play):
    """At full speed, all bars in order, to the end of the data."""

    async def scenario(server):
        begin = server.exchange.now
        async with barrier(server, name="sar", symbol=SYMBOL, interval="1m") as client:
            hello = await read(client)
            held = []
            while "held" in (told := await read(client)):
                assert server.exchange.now == told["now"] == told["held"] + MINUTE
                assert ("sar",) == server.pacer.holders
                held.append(told["held"])
                await client.send(json.dumps({"release": told["held"]}))

        assert {"barrier": "sar", "symbol": SYMBOL, "interval": "1m", "exchange": NAME, "now": begin} == hello
        assert held == list(range(begin, begin + 120 * MINUTE, MINUTE))
        end = {"ended": True, "now": begin + 120 * MINUTE, "last": begin + 119 * MINUTE}
        assert {**end, "symbol": SYMBOL, "interval": "1m"} == told

    play(scenario)


def test_a_barrier_tells_the_last_execution(play):
    """Who has seen that has seen all that happened before the bar closed."""
    from bt_run.practice.orders import Ticket

    async def scenario(server):
        async with barrier(server, symbol=SYMBOL, interval="5m") as client:
            await read(client)
            first = await read(client)
            server.exchange.trading.place(Ticket(SYMBOL, "BUY", "MARKET", "a", quantity=Decimal(1)))
            await client.send(json.dumps({"release": first["held"]}))
            second = await read(client)

        assert (0, 2) == (first["execution_id"], second["execution_id"])
        assert (first["held"] + 5 * MINUTE, "5m") == (second["held"], second["interval"])

    play(scenario)


def test_a_bot_that_dies_leaves_no_barrier(play):
    """However its connection ends; the clock of another speed goes on."""

    async def scenario(server):
        client = await barrier(server, symbol=SYMBOL, interval="1m")
        await read(client)
        held = await read(client)
        client.transport.abort()
        until = time.monotonic() + 20
        while server.pacer.holders or server.exchange.now <= held["now"]:
            assert time.monotonic() < until
            await asyncio.sleep(0.002)

    play(scenario, speed=3600.0)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"symbol": SYMBOL}, "needs interval"),
        ({"symbol": "NONE", "interval": "1m"}, "-1121 Invalid symbol."),
        ({"symbol": SYMBOL, "interval": "1s"}, "cannot be held at each bar of 1s"),
        ({"symbol": SYMBOL, "interval": "7x"}, "-1120 Invalid interval."),
    ],
)
def test_a_barrier_that_cannot_be_is_refused(play, asked, words):
    """Before it is opened."""

    async def scenario(server):
        with pytest.raises(InvalidStatus) as refused:
            await barrier(server, **asked)
        assert words in json.loads(refused.value.response.body)["error"]
        assert () == server.pacer.holders

    play(scenario)


@pytest.mark.parametrize("said", ["go", "[]", '{"release": "1"}', '{"release": true}', "{}", b"x"])
def test_a_word_that_is_no_release_ends_the_connection(play, said):
    """With the reason; the clock is not held any more."""

    async def scenario(server):
        async with barrier(server, symbol=SYMBOL, interval="1m") as client:
            await read(client)
            await client.send(said)
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await read(client)
        assert (1007, 'send {"release": open_time}') == (closed.value.rcvd.code, closed.value.rcvd.reason)
        assert () == server.pacer.holders

    play(scenario)


def test_a_bot_hears_that_the_exchange_has_failed(play, monkeypatch):
    """The words, then the end of the connection."""

    async def scenario(server):
        async with barrier(server, symbol=SYMBOL, interval="1m") as client:
            await read(client)
            first = await read(client)
            monkeypatch.setattr(server.exchange, "step", lambda: 1 / 0)
            await client.send(json.dumps({"release": first["held"]}))
            told = await read(client)
            with pytest.raises(ConnectionClosed) as closed:
                await read(client)
        assert {"failure": "division by zero"} == told
        assert 1011 == closed.value.rcvd.code

    play(scenario)


def test_the_server_ends_with_barriers_open(play):
    """Within its two seconds."""
    clients = []

    async def scenario(server):
        clients.append(await barrier(server, symbol=SYMBOL, interval="1m"))
        await read(clients[0])
        clients.append(time.monotonic())

    play(scenario)

    assert time.monotonic() < clients[1] + 2
