"""What leaves with an order, to the byte, and what is told where the connection fails before, while, after."""

from __future__ import annotations

import json
import select
import socket
import ssl
import threading
from dataclasses import replace
from gzip import compress

import pytest
import requests
from exchange_answers import accepted
from exchange_wire import Wire, answer, write_certificate

from brokers.binance.credentials import Credentials
from brokers.binance.quick_session import QuickSession
from brokers.binance.rest_gateway import BinanceGateway
from brokers.order_events import Accepted, Canceled, CancelRefused, Rejected, TimedOut
from bt_run.core.cut import Cutter
from bt_run.core.venue import VENUES

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Give the path of a certificate for 127.0.0.1 with its key."""
    return write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["http", "https"])
def wire(request, certificate):
    """Give a server, without and with TLS."""
    context = None
    if request.param == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = Wire(context)
    yield server
    server.over.set()
    server.stop_listening()
    server.close_idle()


@pytest.fixture
def gateway(wire, certificate):
    """Give a gateway whose connection to the server stands."""
    venue = replace(VENUES["testnet"], rest_url=wire.url)
    made = BinanceGateway(venue, Credentials("k" * 64, "s" * 64), sleep=lambda seconds: None)
    made._client._library.session.verify = str(certificate)
    made.connect()
    yield made
    made.close()
    made._client._library.session.close()


@pytest.fixture
def sends(monkeypatch):
    """Give the sizes of what is handed to sockets for sending, by this side or the other."""
    sizes = []
    for kind in (socket.socket, ssl.SSLSocket):

        def noting(sock, data, *flags, _send=kind.sendall):
            sizes.append(len(data))
            return _send(sock, data, *flags)

        monkeypatch.setattr(kind, "sendall", noting)
    return sizes


def taken(order):
    """Write the answer that takes an order."""
    return answer(json.dumps(accepted(order)["body"]).encode())


def has_heard(gateway):
    """Tell whether anything, such as its end, has come over the gateway's connection and was not read."""
    (connection,) = gateway._client._cutter._open
    return bool(select.select([connection.sock], [], [], 0)[0])


def open_session(kind, certificate):
    """Open a session with the headers of python-binance."""
    session = kind()
    Cutter().watch(session)
    session.trust_env, session.verify = False, str(certificate)
    session.headers.update({"X-MBX-APIKEY": "key", "User-Agent": "bot", "Accept": "application/json"})
    return session


@pytest.mark.parametrize("verb", ["post", "delete"])
@pytest.mark.parametrize("form", ["symbol=BTCUSDT&signature=a%2B", "s=" + "5" * 5000, "symbol=币安"])
def test_the_bytes_are_those_of_requests(wire, certificate, verb, form):
    """All of them, in their order; over the connection that a question has opened."""
    asked = {"data": form, "headers": FORM, "timeout": 15.0, "allow_redirects": False}
    wire.plans += [answer() for _ in range(4)]
    for kind in (requests.Session, QuickSession):
        with open_session(kind, certificate) as session:
            session.get(f"{wire.url}/api/v3/time")
            for _ in range(2):
                assert 200 == getattr(session, verb)(f"{wire.url}/api/v3/order", **asked).status_code

    theirs, ours = wire.got
    assert form.encode() == ours[1].partition(b"\r\n\r\n")[2]
    assert theirs[1:] == ours[1:]


def test_an_order_is_one_piece(wire, gateway, make_order, sends):
    """Head and form together: one packet, and one record of TLS."""
    order = make_order()
    wire.plans.append(taken(order))
    sends.clear()

    assert (Accepted(7, 5),) == gateway.place(order)
    assert len(wire.orders[0]) == sends[0]
    assert 1 == len(wire.got)


def test_orders_and_questions_take_turns_on_one_connection(wire, gateway, make_order):
    """So what keeps it warm keeps it warm for orders."""
    orders = [make_order() for _ in range(3)]
    wire.plans += [taken(order) for order in orders]
    for order in orders:
        assert (Accepted(7, 5),) == gateway.place(order)
        gateway.keep_warm(idle_s=0)

    assert 1 == len(wire.got)
    assert [b"POST", b"GET "] * 3 == [request[:4] for request in wire.got[0][-6:]]


@pytest.mark.parametrize("act", ["place", "cancel"])
def test_the_first_order_finds_its_head_composed(wire, gateway, make_order, monkeypatch, act):
    """Connecting has done it."""
    monkeypatch.setattr(QuickSession, "prepare_form", lambda *_: pytest.fail("composed when it should leave"))
    wire.plans.append(answer(b'{"code":-2010,"msg":"no"}', status="400 Bad Request"))

    getattr(gateway, act)(make_order())

    assert 1 == len(wire.orders) == len(wire.got)


# Before.


def test_a_connection_that_was_closed_while_idle_is_opened_anew(wire, gateway, make_order, eventually):
    """The order goes over the new one, once."""
    first, second = make_order(), make_order()
    wire.plans += [taken(first), taken(second)]
    gateway.place(first)
    wire.close_idle()
    eventually(lambda: has_heard(gateway))

    assert (Accepted(7, 5),) == gateway.place(second)
    assert 2 == len(wire.orders)
    assert 2 == len(wire.got)


def test_where_it_cannot_be_opened_anew_nothing_was_sent(wire, gateway, make_order, eventually):
    """The one case in which an order is refused by us: it cannot have arrived."""
    wire.stop_listening()
    wire.close_idle()
    eventually(lambda: has_heard(gateway))

    (placed,), (canceled,) = gateway.place(make_order()), gateway.cancel(make_order())

    assert isinstance(placed, Rejected)
    assert placed.reason.startswith("not sent: ")
    assert "refused the connection" in placed.reason
    assert isinstance(canceled, CancelRefused)
    assert not wire.orders


# While.


@pytest.mark.parametrize(
    "plan",
    [
        "reset",
        "close",
        (b"HTTP/1.1 200", "close"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "close"),
        (answer(b'{"orderId":7', length=80), "close"),
        (CHUNKED + b"5\r\n{'a':", "close"),
        b"SSH-2.0-OpenSSH_9.9\r\n",
        (answer(b"no gzip", "Content-Encoding: gzip"), "close"),
        answer(b"", status="204 No Content"),
    ],
    ids=repr,
)
def test_a_connection_that_fails_once_it_was_used_leaves_the_order_unknown(wire, gateway, make_order, plan):
    """Wherever it fails; nothing is sent again, and the next order has a connection of its own."""
    unlucky, lucky = make_order(), make_order()
    wire.plans += [plan, taken(lucky)]

    (event,) = gateway.place(unlucky)

    assert isinstance(event, TimedOut)
    assert (Accepted(7, 5),) == gateway.place(lucky)
    assert 2 == len(wire.orders)
    assert lucky.client_id.encode() in wire.orders[1]


@pytest.mark.parametrize("error", [TimeoutError("timed out"), OSError(113, "?"), BrokenPipeError()])
def test_a_send_that_fails_half_way_leaves_the_order_unknown(wire, gateway, make_order, eventually, error):
    """The half may be followed by nothing: the server must not read the next order as its end."""
    kind = ssl.SSLSocket if wire.context else socket.socket
    whole = kind.sendall
    unlucky, lucky = make_order(), make_order()
    wire.plans += [taken(lucky)]

    def half(sock, data, *flags):
        whole(sock, data[: len(data) // 2])
        if isinstance(error, BrokenPipeError):
            sock.shutdown(socket.SHUT_RDWR)
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "sendall", half)
        (event,) = gateway.place(unlucky)

    assert isinstance(event, TimedOut)
    assert (Accepted(7, 5),) == gateway.place(lucky)
    eventually(lambda: len(wire.orders) == 2)
    assert [lucky.client_id.encode() in order for order in wire.orders] == [False, True]


def test_an_interrupt_ends_the_wait_for_an_answer(wire, gateway, make_order):
    """The order's fate is unknown then; the next one goes over a new connection."""
    unlucky, lucky = make_order(), make_order()
    wire.plans += ["hold", taken(lucky)]
    events = []
    placing = threading.Thread(target=lambda: events.extend(gateway.place(unlucky)))
    placing.start()
    assert wire.arrived.wait(10)

    gateway.interrupt()
    placing.join(10)

    assert [TimedOut] == [type(event) for event in events]
    assert (Accepted(7, 5),) == gateway.place(lucky)
    assert 2 == len(wire.orders)


def test_an_interrupt_between_two_orders_costs_none(wire, gateway, make_order):
    """What was shut is seen before anything is sent."""
    first, second = make_order(), make_order()
    wire.plans += [taken(first), taken(second)]
    gateway.place(first)
    gateway.interrupt()

    assert (Accepted(7, 5),) == gateway.place(second)
    assert 2 == len(wire.orders)


# After.


@pytest.mark.parametrize("line", ["Connection: close", "X-Nothing: said"])
def test_a_server_that_closes_after_its_answer_has_answered(wire, gateway, make_order, line, eventually):
    """Whether it says so or not; the next order goes over a new connection."""
    first, second = make_order(), make_order()
    body = json.dumps(accepted(first)["body"]).encode()
    wire.plans += [(answer(body, line), "close"), taken(second)]

    assert (Accepted(7, 5),) == gateway.place(first)
    if "close" not in line:
        eventually(lambda: has_heard(gateway))
    assert (Accepted(7, 5),) == gateway.place(second)
    assert 2 == len(wire.got) == len(wire.orders)


@pytest.mark.parametrize(
    "written",
    [
        lambda body: answer(compress(body), "Content-Encoding: gzip"),
        lambda body: b"HTTP/1.1 100 Continue\r\n\r\n" + answer(body),
        lambda body: (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        ),
        lambda body: (b"HTTP/1.0 200 OK\r\n\r\n" + body, "close"),
    ],
    ids=["gzip", "100", "chunked", "1.0"],
)
def test_an_answer_is_read_in_every_form_that_it_can_have(wire, gateway, make_order, written):
    """As requests and urllib3 read it; a cancel as well as an order."""
    order, canceled = make_order(), {"status": "CANCELED", "executedQty": "0", "transactTime": 6}
    wire.plans.append(written(json.dumps(accepted(order)["body"]).encode()))
    canceled["origClientOrderId"] = order.client_id
    wire.plans.append(written(json.dumps(canceled).encode()))

    assert (Accepted(7, 5),) == gateway.place(order)
    assert [Canceled] == [type(event) for event in gateway.cancel(order)]
    assert 2 == len(wire.orders)


def test_an_answer_counts_though_the_send_failed(wire, gateway, make_order, monkeypatch):
    """A server that refuses and closes has told us why, though our own send failed."""
    kind = ssl.SSLSocket if wire.context else socket.socket
    whole = kind.sendall
    wire.plans.append(answer(b'{"code":-2010,"msg":"no"}', status="400 Bad Request"))

    def broken(sock, data, *flags):
        whole(sock, data, *flags)
        if data.startswith(b"POST"):
            raise BrokenPipeError

    monkeypatch.setattr(kind, "sendall", broken)

    (event,) = gateway.place(make_order())

    assert isinstance(event, Rejected)
    assert -2010 == event.code
