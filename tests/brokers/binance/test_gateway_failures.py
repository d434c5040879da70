"""Orders whose answer is lost, refused or late, and clocks that are wrong: a real client on a real socket."""

from __future__ import annotations

import socket
from decimal import Decimal

import pytest
from exchange_answers import PAGE, PLACE, TIME, accepted

from brokers.binance.credentials import Credentials
from brokers.binance.rest_gateway import BinanceGateway
from brokers.order_events import Accepted, CancelRefused, Rejected, TimedOut
from bt_run.core.errors import Disconnected

D = Decimal


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
    assert abs(int(script.params(PLACE)["timestamp"]) - 1_000_000) < 60_000
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
