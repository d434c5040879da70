"""A request that waits for its answer can be ended from another thread."""

from __future__ import annotations

import threading
import time
from queue import Empty

import pytest
import requests
from exchange_market import make_bars

from bt_run.core.cut import Cutter
from bt_run.core.errors import ExchangeError
from bt_run.core.interval import Interval
from feeds.binance_rest import BinanceRest

MINUTE = Interval.parse("1m")
START = 1_767_225_600_000


def test_a_request_that_hangs_ends_when_it_is_cut(exchange):
    """Its thread gets the error of a broken connection at once."""
    raised = []

    def ask():
        with requests.Session() as session, pytest.raises(requests.RequestException) as caught:
            cutter.watch(session)
            session.get(f"{exchange.url}/api/v3/time", timeout=30)
        raised.append(caught.value)

    cutter = Cutter()
    asking = threading.Thread(target=ask, daemon=True)
    with exchange.hold(path="time") as waiting:
        asking.start()
        assert waiting.wait(5)
        cutter.cut()
        asking.join(2)

    assert 1 == len(raised)


def test_what_is_opened_after_the_cut_is_closed_at_once(exchange):
    """One that was still connecting then cannot go on."""
    cutter = Cutter()
    cutter.cut()
    with requests.Session() as session, pytest.raises(requests.RequestException):
        cutter.watch(session)
        session.get(f"{exchange.url}/api/v3/time", timeout=5)


def test_a_connection_is_given_to_one_thread_at_a_time(exchange):
    """Two requests at once have two connections; those that follow find them, the last one first."""
    with requests.Session() as session:
        Cutter().watch(session)
        pool = session.get_adapter(exchange.url).poolmanager.connection_from_url(exchange.url)
        first, second = pool._get_conn(), pool._get_conn()
        pool._put_conn(first)
        pool._put_conn(second)

        assert first is not second
        assert [second, first] == [pool._get_conn(), pool._get_conn()]


def test_a_pool_that_waits_gets_what_comes_back(exchange):
    """As urllib3's own; the sessions of requests never wait."""
    with requests.Session() as session:
        Cutter().watch(session)
        shelf = session.get_adapter(exchange.url).poolmanager.connection_from_url(exchange.url).QueueCls(1)
        with pytest.raises(Empty):
            shelf.get(block=False)
        with pytest.raises(Empty):
            shelf.get(timeout=0.01)
        threading.Timer(0.05, shelf.put, ["back"]).start()

        assert "back" == shelf.get(timeout=5)


def test_a_closed_rest_ends_its_requests_and_asks_no_more(exchange):
    """Also the attempts that would follow end."""
    exchange.list_bars("BTCUSDT", MINUTE, make_bars(MINUTE, START, 3))
    rest = BinanceRest(exchange.venue, clock=exchange.clock, sleep=exchange.sleep)
    rest.server_time()
    raised = []

    def ask():
        with pytest.raises(ExchangeError) as caught:
            list(rest.fetch_klines("BTCUSDT", MINUTE, start=START, end=START + 120_000))
        raised.append(caught.value)

    asking = threading.Thread(target=ask, daemon=True)
    begun = time.monotonic()
    with exchange.hold(path="klines") as waiting:
        asking.start()
        assert waiting.wait(5)
        rest.close()
        asking.join(5)
    asked = len(exchange.requests)

    assert 1 == len(raised)
    assert time.monotonic() - begun < 3.0
    with pytest.raises(ExchangeError, match="closed by us"):
        rest.server_time()
    assert asked == len(exchange.requests)
