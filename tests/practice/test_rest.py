"""REST as Binance speaks it: signatures over the bytes sent, its errors, headers and forms."""

from __future__ import annotations

import time
from itertools import pairwise
from urllib.parse import quote, urlencode

import pytest
import requests

from bt_run.practice.fault_points import NoFaults, Response
from bt_run.practice.identity import HEADER, NAME
from bt_run.practice.limits import LimitRules, Limits

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.5"}


def resting(served, **more):
    """Give the parameters of an order far below the market."""
    price = f"{served.price / 2:.2f}"
    return ORDER | {"type": "LIMIT", "timeInForce": "GTC", "price": price, **more}


def error(answer):
    """Give the code of a refusal."""
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/api/v3/ping", 200),
        ("GET", "/api/v3/klines", 400),
        ("GET", "/api/v3/account", 401),
        ("GET", "/api/v3/nothing", 404),
        ("POST", "/api/v3/ping", 405),
        ("POST", "/api/v3/userDataStream", 410),
        ("PUT", "/api/v3/userDataStream", 410),
        ("DELETE", "/api/v3/userDataStream", 410),
        ("GET", "/elsewhere", 404),
        ("GET", "/fapi/v1/ping", 200),
    ],
)
def test_every_answer_says_who_answers(served, verb, path, status):
    """Our name stands in the headers, of errors too."""
    answer = served.ask(verb, path)

    assert status == answer.status_code
    assert (NAME, NAME) == (answer.headers[HEADER], answer.headers["Server"])


def test_the_front_page_cannot_be_mistaken(served):
    """A browser shows what it is, and where."""
    page = served.ask("GET", "/").text

    assert NAME in page
    assert "not Binance" in page
    assert served.server.url in page
    assert "BTCUSDT" in page


@pytest.mark.parametrize("in_body", [False, True])
@pytest.mark.parametrize("kind", ["HMAC", "Ed25519"])
def test_a_signed_order_is_placed(served, public, kind, in_body):
    """By either key, in the query or in the body."""
    more = {"key": public} if kind == "Ed25519" else {}
    answer = served.signed("POST", "/api/v3/order", in_body=in_body, **ORDER, **more)

    assert (200, "FILLED") == (answer.status_code, answer.json().get("status")), answer.text


def test_query_and_body_are_signed_as_one_and_the_query_counts(served):
    """Nothing stands between them; where both have a name, the query's value is taken."""
    query = urlencode({"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.6"})
    body = urlencode({"type": "MARKET", "quantity": "5", "timestamp": time.time_ns() // 1_000_000})
    body += f"&signature={served.sign(query + body)}"
    answer = served.send("POST", "/api/v3/order", query=query, body=body)

    assert "0.60000000" == answer.json()["origQty"]


def test_the_bytes_that_were_sent_are_what_counts(served):
    """A value that must be encoded is signed encoded (since 2026-01-15); signed raw it is refused."""
    raw = f"symbol=测试&timestamp={time.time_ns() // 1_000_000}"
    encoded = quote(raw, safe="=&")

    assert (400, -1121) == error(
        served.send("GET", "/api/v3/openOrders", query=f"{encoded}&signature={served.sign(encoded)}")
    )
    assert (400, -1022) == error(
        served.send("GET", "/api/v3/openOrders", query=f"{encoded}&signature={served.sign(raw)}")
    )


def test_the_parts_of_a_signature_are_asked_for_by_name(served):
    """Key, time and signature, in this order."""
    now = str(time.time_ns() // 1_000_000)
    late = f"timestamp={int(now) - 6000}"
    ahead = f"timestamp={int(now) + 2000}"

    assert (401, -2014) == error(served.send("GET", "/api/v3/account", key=None))
    assert (401, -2015) == error(served.send("GET", "/api/v3/account", key="a" * 64))
    no_time = served.send("GET", "/api/v3/account", query="signature=00")
    assert (
        "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed." == no_time.json()["msg"]
    )
    no_signature = served.send("GET", "/api/v3/account", query=f"timestamp={now}")
    assert (
        "Mandatory parameter 'signature' was not sent, was empty/null, or malformed."
        == no_signature.json()["msg"]
    )
    for query, code in (
        (f"timestamp={now}&signature=00", -1022),
        (f"timestamp=soon&signature={served.sign('timestamp=soon')}", -1100),
        (f"{late}&signature={served.sign(late)}", -1021),
        (f"{ahead}&signature={served.sign(ahead)}", -1021),
    ):
        assert (400, code) == error(served.send("GET", "/api/v3/account", query=query))


@pytest.mark.parametrize(
    ("window", "code"),
    [("5000", None), ("4999.125", None), ("60000", None), ("60001", -1131), ("1.2345", -1100), ("", -1105)],
)
def test_the_window_is_checked(served, window, code):
    """Up to a minute, with three decimals."""
    answer = served.signed("GET", "/api/v3/account", recvWindow=window)

    assert code == answer.json().get("code")


def test_a_timestamp_may_be_in_microseconds(served):
    """By its size."""
    answer = served.signed("GET", "/api/v3/account", timestamp=time.time_ns() // 1000)

    assert 200 == answer.status_code


def test_a_client_whose_clock_is_the_exchanges_is_let_in_however_fast_that_runs(served):
    """It took the time a moment ago; meanwhile the exchange went on by an hour."""
    told = served.ask("GET", "/api/v3/time").json()["serverTime"]
    served.advance(3_600_000)

    assert served.exchange.now == told + 3_600_000
    assert 200 == served.signed("GET", "/api/v3/account", timestamp=told).status_code
    assert 200 == served.signed("GET", "/api/v3/account", timestamp=served.exchange.now).status_code
    assert (400, -1021) == error(served.signed("GET", "/api/v3/account", timestamp=told + 1_800_000))


MISSING = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."
ILLEGAL = "Illegal characters found in parameter '{}'; legal range is '{}'."
INVALID = "Data sent for parameter '{}' is not valid."
OTHER_STATUS = "The symbol's status does not match the requested symbolStatus."
COMBINATION = "Combination of optional parameters invalid."
BARS = "klines?symbol=BTCUSDT&interval=1m"


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ("ping?x=1", -1101, "Too many parameters; expected '0' and received '1'."),
        ("klines?fromId=1", -1102, MISSING.format("symbol")),
        ("klines?symbol=BTCUSDT", -1102, MISSING.format("interval")),
        (f"{BARS}&x=1", -1104, "Not all sent parameters were read; read '2' parameter(s) but was sent '3'."),
        (f"{BARS}&symbol=BTCUSDT", -1101, "Duplicate values for a parameter detected."),
        (f"{BARS}&limit=-1", -1100, ILLEGAL.format("limit", "^[0-9]{1,20}$")),
        (f"{BARS}&limit=0", -1130, INVALID.format("limit")),
        (f"{BARS}&timeZone=15", -1130, INVALID.format("timeZone")),
        ("klines?symbol=btc&interval=1m", -1100, ILLEGAL.format("symbol", r"^[\w\-._&&[^a-z]]{1,50}$")),
        ("klines?symbol=XYZ&interval=1m", -1121, "Invalid symbol."),
        ("klines?symbol=BTCUSDT&interval=7m", -1120, "Invalid interval."),
        ("aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", -1128, COMBINATION),
        ("ticker/24hr?type=HUGE", -1139, "Invalid ticker type."),
        ("ticker/price?symbols=%5B%22A%22,%22A%22%5D", -1151, "Symbol is present multiple times in the list."),
        ("ticker/price?symbols=BTCUSDT", -1100, None),
        ("exchangeInfo?symbolStatus=OPEN", -1122, "Invalid symbolStatus."),
        ("exchangeInfo?symbol=BTCUSDT&symbolStatus=TRADING", -1128, COMBINATION),
        ("depth?symbol=BTCUSDT&symbolStatus=HALT", -1220, OTHER_STATUS),
        ("ticker/price?symbol=BTCUSDT&symbolStatus=HALT", -1220, OTHER_STATUS),
        ("exchangeInfo?symbol=XYZUSDT", -1121, "Invalid symbol."),
    ],
)
def test_parameters_are_refused_in_binances_words(served, asked, code, words):
    """Published answers of the real exchange, with the names of today."""
    answer = served.ask("GET", f"/api/v3/{asked}")

    assert (400, code) == error(answer)
    assert words in (None, answer.json()["msg"])


@pytest.mark.parametrize(
    "path", ["ticker/price", "ticker/bookTicker", "ticker/24hr", 'ticker/price?symbols=["BTCUSDT"]']
)
def test_symbols_of_another_status_are_left_out(served, path):
    """All of ours trade."""
    joint = "&" if "?" in path else "?"

    assert [] == served.ask("GET", f"/api/v3/{path}{joint}symbolStatus=HALT").json()
    assert [] != served.ask("GET", f"/api/v3/{path}{joint}symbolStatus=TRADING").json()


def test_futures_have_no_bars_of_a_second(served):
    """Spot has."""
    asked = {"symbol": "BTCUSDT", "interval": "1s", "limit": 1}

    assert 200 == served.ask("GET", "/api/v3/klines", **asked).status_code
    assert {"code": -1120, "msg": "Invalid interval."} == served.ask("GET", "/fapi/v1/klines", **asked).json()


def test_times_come_in_microseconds_to_who_asks_for_them(served):
    """All of an answer's times, the last of a bar too."""
    served.session.headers["X-MBX-TIME-UNIT"] = "MICROSECOND"
    now = served.ask("GET", "/api/v3/time").json()["serverTime"]
    (row,) = served.ask("GET", "/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=1, endTime=now).json()
    order = served.signed("POST", "/api/v3/order", **resting(served)).json()
    served.session.headers["X-MBX-TIME-UNIT"] = "HOUR"

    assert (served.exchange.now * 1000, 59_999_999) == (now, row[6] - row[0])
    assert (now, now) == (order["transactTime"], order["workingTime"])
    assert (400, -1194) == error(served.ask("GET", "/api/v3/time"))


def test_the_time_zone_moves_the_days(served):
    """Bounds stay UTC."""
    asked = {"symbol": "BTCUSDT", "interval": "1d"}
    found = {
        zone: served.ask("GET", "/api/v3/klines", **asked, timeZone=zone).json()[-1][0] // 60_000
        for zone in ("0", "8", "+08:00", "-1:30")
    }

    assert {"8": -480, "+08:00": -480, "-1:30": 90} == {
        zone: (start - found["0"] + 720) % 1440 - 720 for zone, start in found.items() if zone != "0"
    }


def test_an_order_that_succeeds_weighs_nothing_and_one_that_fails_does(served):
    """Since 2026-04-02; the order count rises, and falls with the first fill."""
    used = []
    for order in (resting(served), ORDER, ORDER | {"quantity": "0.0000001"}):
        answer = served.signed("POST", "/api/v3/order", **order)
        used.append((answer.headers["X-MBX-USED-WEIGHT-1M"], answer.headers.get("X-MBX-ORDER-COUNT-1D")))

    assert [("0", "1"), ("0", "1"), ("1", None)] == used
    rows = served.signed("GET", "/api/v3/rateLimit/order").json()
    assert [("SECOND", 10, 100), ("DAY", 1, 200_000)] == [
        (row["interval"], row["intervalNum"], row["limit"]) for row in rows
    ]
    assert 1 == rows[1]["count"]


def test_the_weights_are_those_of_the_documentation(served):
    """Each answer tells what the minute has used."""
    asked = {"symbol": "BTCUSDT"}
    used = [0]
    for path, params in (
        ("ping", {}),
        ("klines", asked | {"interval": "1m"}),
        ("exchangeInfo", {}),
        ("depth", asked | {"limit": 5000}),
        ("depth", asked | {"limit": 100}),
        ("ticker/24hr", {}),
        ("ticker/24hr", asked),
        ("ticker/price", {}),
        ("aggTrades", asked),
        ("trades", asked),
    ):
        used.append(int(served.ask("GET", f"/api/v3/{path}", **params).headers["X-MBX-USED-WEIGHT-1M"]))
    for path, params in (
        ("account", {}),
        ("openOrders", {}),
        ("openOrders", asked),
        ("myTrades", asked),
        ("myTrades", asked | {"orderId": 1}),
    ):
        answer = served.signed("GET", f"/api/v3/{path}", **params)
        used.append(int(answer.headers["X-MBX-USED-WEIGHT-1M"]))

    weights = [1, 2, 20, 250, 5, 80, 2, 4, 4, 25, 20, 80, 6, 20, 5]
    assert weights == [after - before for before, after in pairwise(used)]


def test_who_asks_too_much_is_told_to_wait_and_then_banned(serve):
    """429 with Retry-After, then 418."""
    served = serve(limits=Limits(LimitRules(weight_1m=2, forgiven=1), now=lambda: 1_780_000_020.0))
    answers = [served.ask("GET", "/api/v3/ping") for _ in range(5)]

    assert [200, 200, 429, 418, 418] == [answer.status_code for answer in answers]
    assert [None, None, "60", "120", "120"] == [answer.headers.get("Retry-After") for answer in answers]
    assert [-1003] * 3 == [answer.json()["code"] for answer in answers[2:]]
    assert "3" == answers[2].headers["X-MBX-USED-WEIGHT-1M"]


def test_too_many_orders_are_refused_and_cancelling_goes_on(serve):
    """-1015 with HTTP 429 and Retry-After; a replacement may then still cancel."""
    limits = Limits(LimitRules(orders_10s=1), now=lambda: 1_780_000_021.0)
    served = serve(limits=limits)
    first = served.signed("POST", "/api/v3/order", **resting(served)).json()
    second = served.signed("POST", "/api/v3/order", **resting(served))
    more = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": first["orderId"]}
    third = served.signed("POST", "/api/v3/order/cancelReplace", **resting(served, **more))
    more["orderRateLimitExceededMode"] = "CANCEL_ONLY"
    last = served.signed("POST", "/api/v3/order/cancelReplace", **resting(served, **more))

    assert [(429, -1015), (429, -1015), (429, -2021)] == [error(answer) for answer in (second, third, last)]
    assert "9" == second.headers["Retry-After"]
    told = last.json()["data"]
    assert ("SUCCESS", "NOT_ATTEMPTED") == (told["cancelResult"], told["newOrderResult"])
    assert [] == served.signed("GET", "/api/v3/openOrders").json()


class Board(NoFaults):
    """Faults that the test writes down."""

    def __init__(self, before=None, after=None):
        self.seen = []
        self._before = before
        self._after = after

    async def before(self, request):
        self.seen.append(request)
        return self._before

    async def after(self, request, response):
        self.seen.append((request, response))
        return self._after or response


def test_a_fault_may_answer_before_the_exchange_does(serve):
    """Nothing is then executed."""
    board = Board(before=Response(503, "<html>busy</html>", content_type="text/html"))
    served = serve(faults=board)
    answer = served.signed("POST", "/api/v3/order", **ORDER)

    assert (503, "<html>busy</html>", NAME) == (answer.status_code, answer.text, answer.headers[HEADER])
    (seen,) = board.seen
    assert ("rest", "order.place", "POST", "/api/v3/order") == (seen.channel, seen.method, seen.verb, seen.path)
    assert "signature" not in seen.params
    assert [] == served.exchange.trading.all_orders("BTCUSDT")


def test_a_fault_may_change_the_answer_after_the_exchange_has_acted(serve):
    """The order is there, whatever the client is told."""
    board = Board(after=Response(504, {"code": -1007, "msg": "Timeout"}))
    served = serve(faults=board)

    assert (504, -1007) == error(served.signed("POST", "/api/v3/order", **ORDER))
    assert "FILLED" == board.seen[1][1].body["status"]
    assert 1 == len(served.exchange.trading.all_orders("BTCUSDT"))


def test_a_fault_may_drop_the_connection(serve):
    """The client gets no answer; the server goes on."""
    board = Board(after=Response(200, {}, drop=True))
    served = serve(faults=board)

    with pytest.raises(requests.ConnectionError):
        served.signed("POST", "/api/v3/order", **ORDER)
    served.within(lambda: setattr(served.server, "faults", NoFaults()))
    assert 1 == len(served.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT").json())
