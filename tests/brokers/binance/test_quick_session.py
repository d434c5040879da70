"""A quick session sends what requests would send."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
import requests
from binance.client import Client
from hypothesis import given
from hypothesis import strategies as st

from brokers.binance.credentials import Credentials
from brokers.binance.library import make_client
from brokers.binance.quick_session import QuickSession
from brokers.binance.server_clock import ServerClock
from bt_run.core.cut import Cutter
from bt_run.core.venue import VENUES

PATH = "/api/v3/order"
NOW_S = 1_767_225_600.125
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
        if kind is QuickSession:
            Cutter().watch(session)
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


def test_a_session_that_was_closed_opens_anew(script, open_session):
    """What it knew of its connections is gone with them."""
    script.will(f"POST {PATH}", *[{"body": {"number": number}} for number in range(3)])
    quick = open_session(QuickSession)
    numbers = []
    for _ in range(3):
        answer = quick.post(script.url + PATH, data=[("n", "1")], headers=FORM, allow_redirects=False)
        numbers.append(answer.json()["number"])
        quick.close()

    assert [0, 1, 2] == numbers


@pytest.fixture(scope="module")
def client():
    """Give a client of ours that asks nothing."""
    return make_client(VENUES["testnet"], Credentials("key", "secret"), ServerClock(clock=lambda: NOW_S))


@given(
    params=st.dictionaries(
        st.sampled_from(["symbol", "side", "quantity", "newClientOrderId", "price", "trailingDelta"]),
        st.none() | st.integers(0, 10**6) | st.from_regex(r"[A-Z0-9._-]{1,12}", fullmatch=True) | st.text(),
    )
)
def test_a_form_is_signed_as_the_library_signs_it(client, params):
    """To the byte; where a value wants encoding, the library does it itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: NOW_S)
        ours = client._signed_form({"data": dict(params)})
        theirs = Client._get_request_kwargs(client, "post", True, data=dict(params)) if params else None

    texts = [str(value) for value in params.values() if value is not None]
    is_plain = all(text.isascii() and text.isalnum() for text in texts if text)
    assert ours is not None or not is_plain
    assert ours is None or theirs is None or urlencode(theirs["data"]) == ours


def test_cookies_go_with_later_requests(script, open_session):
    """Who sets one gets it back; requests then prepares each request."""
    script.will(f"POST {PATH}", {"headers": {"Set-Cookie": "a=b; Path=/"}}, {}, {})
    quick = open_session(QuickSession)
    for number in range(3):
        quick.post(script.url + PATH, data=[("n", str(number))], headers=FORM)

    assert [None, "a=b", "a=b"] == [headers.get("Cookie") for headers in script.headers]
    assert ["0", "1", "2"] == [params["n"] for _, params in script.asked]


@pytest.mark.parametrize("asked_first", ["GET /api/v3/time", f"POST {PATH}"])
def test_a_cookie_goes_with_orders_from_then_on(script, open_session, asked_first):
    """Also where it came with a question, after the head of orders had been composed."""
    cookie = {"headers": {"Set-Cookie": "a=b; Path=/"}}
    script.will(f"POST {PATH}", {})
    script.will(asked_first, cookie)
    script.will(f"POST {PATH}", {}, {})
    quick = open_session(QuickSession)
    form = {"data": "n=1", "headers": FORM, "timeout": 5.0, "allow_redirects": False}
    quick.post(script.url + PATH, **form)
    if asked_first.startswith("GET"):
        quick.get(f"{script.url}/api/v3/time")
    for _ in range(2):
        quick.post(script.url + PATH, **form)

    assert [None, "a=b"] == [headers.get("Cookie") for headers in (script.headers[1], script.headers[-1])]


def test_an_order_goes_through_the_proxy_that_was_set(script, open_session):
    """By requests, which knows how to ask one."""
    target = "http://venue.invalid/api/v3/order"
    script.will(f"POST {target}", {"body": {"number": 0}}, {"body": {"number": 1}})
    quick = open_session(QuickSession)
    quick.proxies = {"http": script.url}
    form = {"data": "n=1", "headers": FORM, "timeout": 5.0, "allow_redirects": False}

    assert [0, 1] == [quick.post(target, **form).json()["number"] for _ in range(2)]


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
