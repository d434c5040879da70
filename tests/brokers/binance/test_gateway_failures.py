"""What the exchange, the network and the clock do wrong, met with a real client on a real socket."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from brokers.binance.credentials import Credentials
from brokers.binance.errors import FIREWALL_PAUSE_S
from brokers.binance.rest_gateway import BinanceGateway
from brokers.order_events import Accepted, Canceled, CancelRefused, Rejected, TimedOut
from bt_run.core.errors import Banned, Disconnected, ExchangeError, RateLimited
from bt_run.core.errors import Rejected as Refused

PLACE, CANCEL, ACCOUNT = "POST /api/v3/order", "DELETE /api/v3/order", "GET /api/v3/account"
TIME = "GET /api/v3/time"
NO_BALANCES = {"body": {"balances": []}}
D = Decimal
PAGE = "<html><head><title>504 Gateway Time-out</title></head></html>"


def accepted(order, **more):
    body = {"symbol": "BTCUSDT", "orderId": 7, "clientOrderId": order.client_id, "transactTime": 5, **more}
    return {"body": {"status": "NEW", "executedQty": "0", "fills": [], **body}}


def ended(order, status="CANCELED"):
    body = {"origClientOrderId": order.client_id, "status": status, "executedQty": "0.5", "transactTime": 6}
    return {"body": body}


def known(make_order):
    return replace(make_order(), exchange_id=7)


def patience(gateway, seconds):
    """Let the client give up sooner than users' do."""
    gateway._client._library._requests_params["timeout"] = seconds


@pytest.mark.parametrize(
    "answer",
    [
        {"drop": True},
        {"status": 504, "body": PAGE},
        {"status": 502, "body": PAGE},
        {"status": 503, "body": ""},
        {"status": 500, "body": '"oops"'},
        {"status": 503, "body": []},
        *(
            {"status": status, "body": {"code": code, "msg": "?"}}
            for code in (-1000, -1001, -1006, -1007, -1008)
            for status in (400, 408, 504)
        ),
        {"status": 200, "body": '{"symbol":"BTCUSDT","orderId":7,"clie'},
        {"status": 200, "body": ""},
        {"status": 200, "body": "null"},
        {"status": 200, "body": [1]},
        {"status": 200, "body": {}},
        {"status": 200, "body": {"orderId": 7, "clientOrderId": "another", "transactTime": 5}},
        {"status": 200, "body": {"orderId": "seven", "clientOrderId": "btr-0b-00000001", "transactTime": 5}},
        {"status": 307, "body": "", "headers": {"Location": "/api/v3/order"}},
        {"status": 302, "body": "", "headers": {"Location": "/api/v3/time"}},
        {"status": 400, "body": {"code": -2010, "msg": "Duplicate order sent."}},
    ],
    ids=str,
)
def test_an_order_without_a_clear_answer_is_unknown_and_never_sent_again(script, scripted, make_order, answer):
    """Sockets that drop, pages of gateways, codes of time-outs, answers cut short, redirects."""
    script.will(PLACE, answer, answer)

    events = scripted.place(make_order())

    assert [TimedOut] == [type(event) for event in events]
    assert 1 == script.count(PLACE)
    assert 1 == len(script.asked)


def test_an_answer_that_comes_after_the_time_out_is_unknown(script, scripted, make_order):
    """The exchange may well have taken the order."""
    patience(scripted, 0.05)
    script.will(PLACE, {"hold_s": 5.0})

    (event,) = scripted.place(make_order())

    assert isinstance(event, TimedOut)
    assert "did not answer in time" in event.reason
    assert 1 == script.count(PLACE)


def test_the_next_request_does_not_read_the_late_answer(script, scripted, make_order):
    """A connection that was given up is not used again."""
    first, second = make_order(), make_order()
    patience(scripted, 0.05)
    script.will(PLACE, {"hold_s": 0.1, **accepted(first)}, accepted(second, orderId=8))
    scripted.place(first)
    patience(scripted, 5)

    assert (Accepted(8, 5),) == scripted.place(second)


def test_a_list_without_a_clear_answer_is_unknown_as_a_whole(script, scripted, make_order):
    """All its orders are, and it is sent once."""
    legs = [
        make_order("LIMIT_MAKER", "SELL", price=D(120), list_client_id="x"),
        make_order("STOP_LOSS", "SELL", stop_price=D(80), list_client_id="x"),
    ]
    script.will("POST /api/v3/orderList/oco", {"drop": True}, {"body": {"orders": []}})

    first, second = scripted.place_list("OCO", legs), scripted.place_list("OCO", legs)

    for told in (first, second):
        assert [leg.client_id for leg in legs] == list(told)
        assert all(isinstance(event, TimedOut) for (event,) in told.values())
    assert 2 == len(script.asked)


@pytest.mark.parametrize(
    "refusal",
    [
        (400, -1013, "Filter failure: LOT_SIZE"),
        (400, -1100, "Illegal characters found in parameter 'price'"),
        (400, -1111, "Parameter 'quantity' has too much precision."),
        (400, -1121, "Invalid symbol."),
        (400, -1016, "This service is no longer available."),
        (400, -1020, "This operation is not supported."),
        (400, -1022, "Signature for this request is not valid."),
        (400, -2010, "Account has insufficient balance for requested action."),
        (401, -2014, "API-key format invalid."),
        (401, -2015, "Invalid API-key, IP, or permissions for action."),
        (400, -2038, "Amend rejected"),
        (451, 0, "Service unavailable from a restricted location"),
    ],
)
def test_a_refusal_is_told_with_code_and_reason(script, scripted, make_order, refusal):
    """Nothing was executed, and nothing is sent again."""
    status, code, reason = refusal
    script.refuse(PLACE, status, code, reason)

    (event,) = scripted.place(make_order())

    assert isinstance(event, Rejected)
    assert code == event.code
    assert reason.rstrip(".") in event.reason
    assert 1 == len(script.asked)


def test_where_the_connection_cannot_be_opened_nothing_was_sent(make_order, script):
    """So the order is refused, not unknown: it cannot have arrived."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        script.url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        gateway = BinanceGateway(script.venue, Credentials("k", "s"), sleep=lambda seconds: None)

        (placed,), (canceled,) = gateway.place(make_order()), gateway.cancel(make_order())

        assert isinstance(placed, Rejected)
        assert placed.reason.startswith("not sent: ")
        assert "refused the connection" in placed.reason
        assert isinstance(canceled, CancelRefused)
        with pytest.raises(Disconnected, match="refused the connection"):
            gateway.balances()
        with pytest.raises(Disconnected, match="The time at"):
            gateway.connect()


def test_what_makes_no_request_is_refused(scripted, script, make_order):
    """A bug of the caller costs nothing."""
    unsized = make_order("LIMIT", "SELL", quantity=None, list_client_id="x")

    (event,) = scripted.place(unsized)
    (other,) = scripted.place_list("OCO", [unsized])[unsized.client_id]

    assert "not sent: " in event.reason
    assert "has 2 orders" in other.reason
    assert not script.asked


# The clock.


def test_a_wrong_clock_is_set_and_the_order_sent_once_more(script, scripted, make_order):
    """-1021 always means that nothing was executed; the id stays the same."""
    order = make_order()
    script.refuse(PLACE, 400, -1021, "Timestamp for this request is outside of the recvWindow.")
    script.will(PLACE, accepted(order))
    script.will(TIME, *({"body": {"serverTime": 1_000_000}} for _ in range(5)))

    assert (Accepted(7, 5),) == scripted.place(order)
    assert 2 == script.count(PLACE)
    assert abs(int(script.params(PLACE)["timestamp"]) - 1_000_000) < 1000
    assert order.client_id == script.params(PLACE)["newClientOrderId"]


def test_a_clock_that_stays_wrong_refuses_the_order(script, scripted, make_order):
    """One more attempt, and no third."""
    for _ in range(3):
        script.refuse(PLACE, 400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")

    (event,) = scripted.place(make_order())

    assert isinstance(event, Rejected)
    assert -1021 == event.code
    assert 2 == script.count(PLACE)


def test_a_second_answer_that_is_lost_is_unknown(script, scripted, make_order):
    """The retry after -1021 is an order like any other."""
    script.refuse(PLACE, 400, -1021)
    script.will(PLACE, {"drop": True})

    assert [TimedOut] == [type(event) for event in scripted.place(make_order())]
    assert 2 == script.count(PLACE)


def test_a_clock_that_cannot_be_set_refuses_the_order(script, scripted, make_order):
    """Without a better time there is nothing to try."""
    script.refuse(PLACE, 400, -1021)
    script.will(TIME, *({"status": 503} for _ in range(5)))

    (event,) = scripted.place(make_order())

    assert -1021 == event.code
    assert 1 == script.count(PLACE)


# Limits.


def test_after_429_nothing_leaves_until_the_exchange_allows_it(script, scripted, make_order):
    """Orders are refused at once, cancels after a long wait only, questions raise where it takes too long."""
    script.refuse(PLACE, 429, -1003, "Too much request weight used", **{"Retry-After": "100"})
    (event,) = scripted.place(make_order())
    assert -1003 == event.code
    script.asked.clear()

    (later,) = scripted.place(make_order())
    (canceled,) = scripted.cancel(make_order())
    with pytest.raises(RateLimited):
        scripted.balances()
    scripted.keep_warm(idle_s=0)

    assert isinstance(later, Rejected)
    assert later.reason.startswith(
        "not sent: for 100 more seconds the exchange takes no order from here: Too much"
    )
    assert isinstance(canceled, CancelRefused)
    assert "takes nothing from here" in canceled.reason
    assert not script.asked


def test_a_cancel_waits_out_a_short_pause(script, make_order):
    """It protects; five seconds are worth it."""
    waits = []
    gateway = BinanceGateway(script.venue, Credentials("k", "s"), sleep=waits.append)
    order = make_order()
    script.refuse(PLACE, 429, -1003, **{"Retry-After": "4"})
    script.will(CANCEL, ended(order))
    gateway.place(order)

    (event,) = gateway.cancel(order)

    assert isinstance(event, Canceled)
    assert 1 == len(waits)
    assert 3 < waits[0] <= 4


def test_a_question_waits_out_a_pause(script):
    """It is asked when the exchange allows it again."""
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        gateway.limits._all = (0.0, "", False)

    gateway = BinanceGateway(script.venue, Credentials("k", "s"), sleep=sleep)
    gateway.connect()
    script.refuse(ACCOUNT, 429, -1003, **{"Retry-After": "30"})
    script.will(ACCOUNT, NO_BALANCES)

    assert {} == gateway.balances()
    assert 1 == len(waits)
    assert 29 < waits[0] <= 30


def test_too_many_orders_stop_orders_alone(script, scripted, make_order):
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

    (first,), (second,) = scripted.place(make_order()), scripted.place(make_order())

    assert -1015 == first.code
    assert "for 8 more seconds" in second.reason
    assert 1 == script.count(PLACE)
    assert isinstance(scripted.cancel(order)[0], Canceled)
    assert {} == scripted.balances()


def test_a_ban_says_until_when(script, scripted, make_order):
    """And nothing is asked before."""
    until = time.time_ns() // 1_000_000 + 90_000
    words = f"Way too much request weight used; IP banned until {until}. Please use WebSocket Streams."
    script.refuse(ACCOUNT, 418, -1003, words)

    for _ in range(2):
        with pytest.raises(Banned) as caught:
            scripted.balances()
        assert abs(caught.value.until_ms - until) < 1500
    assert isinstance(scripted.place(make_order())[0], Rejected)
    assert 1 == len(script.asked)


def test_a_firewall_makes_a_pause(script, scripted, make_order):
    """HTTP 403 with a page: no order and no question for a minute."""
    script.will(PLACE, {"status": 403, "body": "<html><title>403 Forbidden</title></html>"})

    (first,), (second,) = scripted.place(make_order()), scripted.place(make_order())

    assert "403 Forbidden" in first.reason
    assert f"for {FIREWALL_PAUSE_S:.0f} more seconds" in second.reason
    assert 1 == script.count(PLACE)


# Cancels.


def test_a_cancel_by_number_is_asked_again_when_its_answer_is_lost(script, scripted, make_order):
    """That is harmless: an order has one number."""
    order = known(make_order)
    script.will(CANCEL, {"drop": True}, ended(order))

    (event,) = scripted.cancel(order)

    assert isinstance(event, Canceled)
    assert {"7"} == {params["orderId"] for what, params in script.asked if what == CANCEL}


def test_a_second_refusal_does_not_say_that_the_order_lives(script, scripted, make_order):
    """Perhaps the first cancel did it: unknown."""
    script.will(CANCEL, {"status": 504, "body": PAGE})
    script.refuse(CANCEL, 400, -2011, "Unknown order sent.")

    (event,) = scripted.cancel(known(make_order))

    assert isinstance(event, TimedOut)
    assert 2 == script.count(CANCEL)


def test_a_cancel_by_client_id_is_asked_once(script, scripted, make_order):
    """Another order may bear the id by then."""
    script.will(CANCEL, {"drop": True})

    assert isinstance(scripted.cancel(make_order())[0], TimedOut)
    assert 1 == script.count(CANCEL)


def test_a_slow_cancel_is_not_asked_again(script, scripted, make_order, monkeypatch):
    """The thread that trades has waited long enough."""
    monkeypatch.setattr("brokers.binance.rest_gateway._QUICK_S", 0.0)
    script.will(CANCEL, {"drop": True})

    assert isinstance(scripted.cancel(known(make_order))[0], TimedOut)
    assert 1 == script.count(CANCEL)


def test_an_order_that_cannot_be_cancelled_any_more_is_refused(script, scripted, make_order):
    """It is over already; whoever wants to know how asks."""
    script.refuse(CANCEL, 400, -2011, "Unknown order sent.")

    (event,) = scripted.cancel(known(make_order))

    assert CancelRefused("Unknown order sent (HTTP 400, code -2011)") == event


@pytest.mark.parametrize("body", [{}, [], {"orderReports": []}, {"origClientOrderId": "x"}, "null"], ids=str)
def test_a_cancel_s_answer_without_sense_is_unknown(script, scripted, make_order, body):
    """It may have been done."""
    script.will(CANCEL, {"body": body})

    assert isinstance(scripted.cancel(known(make_order))[0], TimedOut)


def test_a_cancel_s_answer_that_leaves_the_order_open_is_unknown(script, scripted, make_order):
    """The status is what counts."""
    order = known(make_order)
    script.will(CANCEL, ended(order, "PENDING_CANCEL"))

    assert "PENDING_CANCEL" in scripted.cancel(order)[0].reason


# Questions.


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


def test_questions_wait_for_room_and_orders_do_not(script, make_order):
    """Nine tenths of the weight are for questions; the exchange's own count decides."""
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        gateway.limits._used = 0

    gateway = BinanceGateway(script.venue, Credentials("k", "s"), sleep=sleep)
    gateway.connect()
    order = make_order()
    script.will(ACCOUNT, {**NO_BALANCES, "headers": {"X-MBX-USED-WEIGHT-1M": "5390"}}, NO_BALANCES)
    script.will(PLACE, accepted(order))

    gateway.balances()
    assert isinstance(gateway.place(order)[0], Accepted)
    assert not waits
    gateway.balances()

    assert 1 == len(waits)
    assert 0 < waits[0] <= 60.5


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
