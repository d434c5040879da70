"""What the gateway does while the exchange wants to be left alone, and where there is no room to ask."""

from __future__ import annotations

import time

import pytest
from exchange_answers import ACCOUNT, CANCEL, NO_BALANCES, PLACE, accepted, ended

from brokers.binance.credentials import Credentials
from brokers.binance.errors import FIREWALL_PAUSE_S
from brokers.binance.limits import RequestLimits
from brokers.binance.rest_gateway import BinanceGateway
from brokers.order_events import Accepted, Canceled, CancelRefused, Rejected
from bt_run.core.errors import Banned, RateLimited


@pytest.fixture
def waits():
    """Give the list of pauses that `still` has made, seconds."""
    return []


@pytest.fixture
def still(script, waits):
    """Give a gateway for which time stands: all of a pause is left, and no minute turns, on any machine."""
    limits = RequestLimits(clock=lambda: 30.0, steady=lambda: 1000.0)
    gateway = BinanceGateway(script.venue, Credentials("k", "s"), limits=limits, sleep=waits.append)
    gateway.connect()
    script.asked.clear()
    yield gateway
    gateway.close()


def test_after_429_nothing_leaves_until_the_exchange_allows_it(script, still, make_order):
    """Orders are refused at once, cancels after a long wait only, questions raise where it takes too long."""
    script.refuse(PLACE, 429, -1003, "Too much request weight used", **{"Retry-After": "100"})
    (event,) = still.place(make_order())
    assert -1003 == event.code
    script.asked.clear()

    (later,) = still.place(make_order())
    (canceled,) = still.cancel(make_order())
    with pytest.raises(RateLimited):
        still.balances()
    still.keep_warm(idle_s=0)

    assert isinstance(later, Rejected)
    assert later.reason.startswith(
        "not sent: for 100 more seconds the exchange takes no order from here: Too much"
    )
    assert isinstance(canceled, CancelRefused)
    assert "takes nothing from here" in canceled.reason
    assert not script.asked


def test_a_cancel_waits_out_a_short_pause(script, still, waits, make_order):
    """It protects; five seconds are worth it."""
    order = make_order()
    script.refuse(PLACE, 429, -1003, **{"Retry-After": "4"})
    script.will(CANCEL, ended(order))
    still.place(order)

    (event,) = still.cancel(order)

    assert isinstance(event, Canceled)
    assert [4.0] == waits


def test_a_question_waits_out_a_pause(script):
    """It is asked when the exchange allows it again."""
    now, waits = [1000.0], []

    def sleep(seconds):
        waits.append(seconds)
        now[0] += seconds

    limits = RequestLimits(clock=lambda: 30.0, steady=lambda: now[0])
    gateway = BinanceGateway(script.venue, Credentials("k", "s"), limits=limits, sleep=sleep)
    gateway.connect()
    script.refuse(ACCOUNT, 429, -1003, **{"Retry-After": "30"})
    script.will(ACCOUNT, NO_BALANCES)

    assert {} == gateway.balances()
    assert [30.0] == waits
    gateway.close()


def test_too_many_orders_stop_orders_alone(script, still, make_order):
    """Cancels and questions are still allowed after -1015."""
    order = make_order()
    script.refuse(
        PLACE,
        429,
        -1015,
        "Too many new orders; current limit is 100 orders per 10 SECOND.",
        **{"Retry-After": "8"},
    )
    script.will(CANCEL, ended(order))
    script.will(ACCOUNT, NO_BALANCES)

    (first,), (second,) = still.place(make_order()), still.place(make_order())

    assert -1015 == first.code
    assert "for 8 more seconds" in second.reason
    assert 1 == script.count(PLACE)
    assert isinstance(still.cancel(order)[0], Canceled)
    assert {} == still.balances()


def test_a_ban_says_until_when(script, scripted, make_order):
    """And nothing is asked before."""
    until = time.time_ns() // 1_000_000 + 90_000
    words = f"Way too much request weight used; IP banned until {until}. Please use WebSocket Streams."
    script.refuse(ACCOUNT, 418, -1003, words)

    for _ in range(2):
        with pytest.raises(Banned) as caught:
            scripted.balances()
        assert abs(caught.value.until_ms - until) < 20_000
    assert isinstance(scripted.place(make_order())[0], Rejected)
    assert 1 == len(script.asked)


def test_a_firewall_makes_a_pause(script, still, make_order):
    """HTTP 403 with a page: no order and no question for a minute."""
    script.will(PLACE, {"status": 403, "body": "<html><title>403 Forbidden</title></html>"})

    (first,), (second,) = still.place(make_order()), still.place(make_order())

    assert "403 Forbidden" in first.reason
    assert f"for {FIREWALL_PAUSE_S:.0f} more seconds" in second.reason
    assert 1 == script.count(PLACE)


def test_questions_wait_for_room_and_orders_do_not(script, make_order):
    """Nine tenths of the weight are for questions; the exchange's own count decides, for its minute."""
    now, waits = [30.0], []

    def sleep(seconds):
        waits.append(seconds)
        now[0] += seconds

    limits = RequestLimits(clock=lambda: now[0], steady=lambda: 1000.0)
    gateway = BinanceGateway(script.venue, Credentials("k", "s"), limits=limits, sleep=sleep)
    gateway.connect()
    order = make_order()
    script.will(ACCOUNT, {**NO_BALANCES, "headers": {"X-MBX-USED-WEIGHT-1M": "5390"}}, NO_BALANCES)
    script.will(PLACE, accepted(order))

    gateway.balances()
    assert isinstance(gateway.place(order)[0], Accepted)
    assert not waits
    gateway.balances()

    assert [30.5] == waits
    gateway.close()
