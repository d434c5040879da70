"""A quick session sends what requests would send."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests

from brokers.binance.quick_session import QuickSession

PATH = "/api/v3/order"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BODIES = (
    [("symbol", "BTCUSDT"), ("quantity", "0.00100000")],
    [("symbol", "币安USDT"), ("signature", "a+/=&%")],
    "symbol=BTCUSDT&signature=a%2B",
    "symbol=币安",
)


@pytest.fixture
def open_session() -> Iterator[Callable[[type[requests.Session]], requests.Session]]:
    """Give what opens a session as the library has it; all are closed with the test."""
    opened: list[requests.Session] = []

    def make(kind: type[requests.Session]) -> requests.Session:
        session = kind()
        opened.append(session)
        session.trust_env = False
        session.headers.update({"X-MBX-APIKEY": "key", "User-Agent": "bot", "Accept": "application/json"})
        return session

    yield make
    for session in opened:
        session.close()


@pytest.mark.parametrize("verb", ["post", "delete"])
@pytest.mark.parametrize("data", BODIES)
def test_every_request_is_as_requests_would_send_it(script, open_session, verb, data):
    """The first one, which is prepared by requests, and those that fill in what it left."""
    script.will(f"{verb.upper()} {PATH}", *[{"body": {"number": number}} for number in range(5)])
    plain, quick = open_session(requests.Session), open_session(QuickSession)
    asked = {"headers": FORM, "timeout": 15.0, "allow_redirects": False}
    other = [("symbol", "ETHUSDT")]
    getattr(plain, verb)(script.url + PATH, data=other, **asked)
    answers = [
        getattr(session, verb)(script.url + PATH, data=body, **asked)
        for session, body in ((plain, data), (quick, other), (quick, data), (quick, other))
    ]

    assert [1, 2, 3, 4] == [answer.json()["number"] for answer in answers]
    assert script.asked[0] == script.asked[2] == script.asked[4]
    assert script.asked[1] == script.asked[3]
    assert script.headers[0] == script.headers[2] == script.headers[4]
    assert list(script.headers[1].items()) == list(script.headers[3].items())


def test_cookies_go_with_later_requests(script, open_session):
    """Who sets one gets it back; requests then prepares each request."""
    script.will(f"POST {PATH}", {"headers": {"Set-Cookie": "a=b; Path=/"}}, {}, {})
    quick = open_session(QuickSession)
    for number in range(3):
        quick.post(script.url + PATH, data=[("n", str(number))], headers=FORM)

    assert [None, "a=b", "a=b"] == [headers.get("Cookie") for headers in script.headers]
    assert ["0", "1", "2"] == [params["n"] for _, params in script.asked]


def test_a_redirect_is_not_followed_where_nobody_wants_it(script, open_session):
    """It would be an order sent twice."""
    elsewhere = {"status": 307, "headers": {"Location": "/elsewhere"}}
    script.will(f"POST {PATH}", elsewhere, elsewhere)
    quick = open_session(QuickSession)
    answers = [
        quick.post(script.url + PATH, data=[("n", "1")], headers=FORM, allow_redirects=False) for _ in range(2)
    ]

    assert [307, 307] == [answer.status_code for answer in answers]
    assert 0 == script.count("POST /elsewhere")


def test_each_order_is_signed_by_itself(script, scripted, make_order):
    """Nothing of the one before is left in the next, which has its own length."""
    script.will(f"POST {PATH}", *[{"status": 400, "body": {"code": -2010, "msg": "no"}} for _ in range(3)])
    orders = [make_order("MARKET"), make_order("LIMIT"), make_order("MARKET")]
    for order in orders:
        scripted.place(order)
    sent = [params for what, params in script.asked if what == f"POST {PATH}"]

    assert [order.client_id for order in orders] == [params["newClientOrderId"] for params in sent]
    assert 3 == len({params["signature"] for params in sent})
    assert ["MARKET", "LIMIT", "MARKET"] == [params["type"] for params in sent]
    assert ["price" in params for params in sent] == [False, True, False]
