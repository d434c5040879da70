"""Questions that fail or are cut short, and a gateway that is closed or idle."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from exchange_answers import ACCOUNT, NO_BALANCES, PAGE, TIME

from brokers.binance.credentials import Credentials
from brokers.binance.rest_gateway import BinanceGateway
from bt_run.core.errors import Disconnected, ExchangeError
from bt_run.core.errors import Rejected as Refused


def test_a_question_is_asked_again_where_that_can_help(script, scripted):
    """Three times at most; a refusal once."""
    script.will(ACCOUNT, {"drop": True}, {"status": 503}, {"body": {"balances": []}})
    assert {} == scripted.balances()

    script.will(ACCOUNT, *({"status": 502, "body": PAGE} for _ in range(9)))
    with pytest.raises(Disconnected, match="504 Gateway Time-out"):
        scripted.balances()
    assert 6 == script.count(ACCOUNT)

    script.answers.clear()
    script.refuse(ACCOUNT, 401, -2015, "Invalid API-key, IP, or permissions for action.")
    with pytest.raises(Refused, match="belongs to this venue"):
        scripted.balances()
    assert 7 == script.count(ACCOUNT)


def test_a_question_s_wrong_clock_is_set(script, scripted):
    """As an order's."""
    script.refuse(ACCOUNT, 400, -1021)
    script.will(ACCOUNT, NO_BALANCES)

    assert {} == scripted.balances()
    assert 5 == script.count(TIME)


@pytest.mark.parametrize(
    "body",
    [{}, [], {"balances": [{"asset": "BTC"}]}, {"balances": [{"asset": "B", "free": "x", "locked": "0"}]}],
)
def test_an_answer_without_sense_is_an_error(script, scripted, body):
    """Never a number that was not told."""
    script.will(ACCOUNT, {"body": body})

    with pytest.raises(Disconnected, match="is not what it should be"):
        scripted.balances()


@pytest.mark.parametrize(
    "body", [[], {}, {"symbols": []}, {"symbols": [], "rateLimits": [5]}, {"symbols": [{}]}]
)
def test_rules_without_sense_are_an_error(script, scripted, body):
    """Here too it is said what was asked, instead of a traceback."""
    script.will("GET /api/v3/exchangeInfo", *[{"body": body}] * 9)
    with pytest.raises(Disconnected, match="The rules of BTCUSDT"):
        scripted.filters("BTCUSDT")


def test_closing_ends_what_is_under_way(script, scripted, eventually):
    """From another thread, at once; nothing can be asked after that."""
    script.will(ACCOUNT, {"hold_s": 10.0})
    caught = []

    def ask():
        try:
            scripted.balances()
        except ExchangeError as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    eventually(lambda: script.count(ACCOUNT))
    scripted.close()
    thread.join(10)

    assert not thread.is_alive()
    assert "closed by us" in str(caught[0])


def test_after_closing_no_order_leaves(scripted, script, make_order):
    """It is refused, and certainly not sent."""
    scripted.close()

    (event,) = scripted.place(make_order())

    assert "not sent: the connection was closed by us" == event.reason
    assert not script.asked


def test_an_idle_connection_is_kept_warm(script, scripted):
    """Only where nothing was asked for some time; a failure is no error."""
    scripted.keep_warm(idle_s=100)
    assert not script.asked
    scripted.keep_warm(idle_s=0)
    script.will(TIME, {"status": 503})
    scripted.keep_warm(idle_s=0)

    assert 2 == script.count(TIME)


@pytest.mark.parametrize(
    "answer", [{"hold_s": 10.0}, {"status": 429, "headers": {"Retry-After": "50"}}], ids=str
)
def test_ctrl_c_ends_a_question_at_once(script, eventually, answer):
    """While it waits for an answer, and while it waits out a pause."""
    gateway = BinanceGateway(script.venue, Credentials("k", "s"))
    gateway.connect()
    script.will(ACCOUNT, answer)

    def interrupt():
        eventually(lambda: gateway.limits.hold() if "status" in answer else script.count(ACCOUNT))
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    began = time.monotonic()
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        gateway.balances()
    thread.join()

    assert time.monotonic() - began < 8
    script.will(TIME, {"body": {"serverTime": 5}})
    gateway.connect()
