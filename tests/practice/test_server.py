"""The server's life: its port, its clock, its end."""

from __future__ import annotations

import asyncio
import socket
import time

import aiohttp
import pytest

from bt_run.core.errors import ConfigError
from bt_run.practice.fault_points import NoFaults
from bt_run.practice.identity import HEADER, NAME
from bt_run.practice.pacer import Pacer
from bt_run.practice.server import PracticeServer, _cannot_listen
from bt_run.practice.signing import Keys
from bt_run.practice.sockets import routes


class Stuck(NoFaults):
    """Holds every answer back for an hour."""

    def __init__(self):
        self.waiting = asyncio.Event()

    async def after(self, request, response):
        self.waiting.set()
        await asyncio.sleep(3600)
        return response


def test_it_listens_on_this_machine_alone(served):
    """The default is loopback, and any free port."""
    assert "127.0.0.1" == served.server.host
    assert served.server.url == f"http://127.0.0.1:{served.server.port}"
    assert served.server.ws_url == f"ws://127.0.0.1:{served.server.port}"
    assert served.server.port > 0


def test_a_port_that_is_taken_is_told_in_a_sentence(practice_exchange):
    """The user can choose another."""

    async def run():
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            async with PracticeServer(practice_exchange, Keys([]), port=other.getsockname()[1]):
                pass

    words = r"cannot listen on 127\.0\.0\.1 port \d+: Address already in use\. Choose another port, or 0"
    with pytest.raises(ConfigError, match=words):
        asyncio.run(run())


def test_a_host_that_is_not_here_is_told_as_such(practice_exchange):
    """No other port would help."""

    async def run():
        async with PracticeServer(practice_exchange, Keys([]), host="192.0.2.1"):
            pass

    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1 .+ Give a --host of this machine"):
        asyncio.run(run())
    unknown = _cannot_listen(socket.gaierror(-2, "Name or service not known"), "no.host", 0)
    assert unknown.endswith("Name or service not known. Give a --host of this machine.")


def test_a_request_with_a_long_query_is_read(served):
    """Such as 1024 streams; aiohttp alone would refuse it, without our name."""
    answer = served.session.get(f"{served.server.url}/api/v3/ping?a={'x' * 30_000}", timeout=20)

    assert (400, -1101) == (answer.status_code, answer.json()["code"])
    assert NAME == answer.headers[HEADER]


def test_it_runs_the_clock_it_is_given(practice_exchange):
    """A request sees the time of this moment."""
    begin = practice_exchange.now

    async def run():
        pacer = Pacer(practice_exchange, 1000.0)
        async with (
            PracticeServer(practice_exchange, Keys([]), pacer=pacer) as server,
            aiohttp.ClientSession() as client,
        ):
            told = [begin]
            while told[-1] < begin + 60_000:
                async with client.get(f"{server.url}/api/v3/time") as answer:
                    told.append((await answer.json())["serverTime"])
            return told

    told = asyncio.run(asyncio.wait_for(run(), 5))

    assert told == sorted(told)
    assert len(set(told)) > 2


def test_it_ends_within_two_seconds_whatever_clients_do(practice_exchange):
    """One waits for an answer, one never answers our close, one has only connected."""

    async def run():
        faults = Stuck()
        server = PracticeServer(practice_exchange, Keys([]), faults=faults, extra_routes=[routes])
        async with server:
            address = ("127.0.0.1", server.port)
            _, asking = await asyncio.open_connection(*address)
            asking.write(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
            await faults.waiting.wait()
            reading, deaf = await asyncio.open_connection(*address)
            deaf.write(
                b"GET /ws/btcusdt@trade HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            assert b"101" in await reading.readline()
            _, idle = await asyncio.open_connection(*address)
            begin = time.monotonic()
        took = time.monotonic() - begin
        for writer in (asking, deaf, idle):
            writer.close()
        return took

    assert asyncio.run(run()) < 2


def test_a_port_can_be_used_again_at_once(practice_exchange):
    """As a restart of the whole server does."""

    async def run():
        port = 0
        for _ in range(3):
            async with (
                PracticeServer(practice_exchange, Keys([]), port=port) as server,
                aiohttp.ClientSession() as client,
            ):
                assert port in (0, server.port)
                port = server.port
                async with client.get(f"{server.url}/api/v3/ping") as answer:
                    assert 200 == answer.status

    asyncio.run(run())
