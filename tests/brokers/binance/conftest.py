"""The practice exchange in a thread of its own, and a server that answers what a test has written down."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
from exchange_market import make_bars

from brokers.binance.credentials import Credentials
from brokers.binance.limits import RequestLimits
from brokers.binance.rest_gateway import BinanceGateway
from brokers.binance.server_clock import ServerClock
from brokers.client_ids import ClientId
from brokers.gateway import Inbox
from brokers.orders import Order
from bt_run.core.background import BackgroundLoop
from bt_run.core.interval import Interval
from bt_run.core.venue import VENUES, Venue
from bt_run.practice.exchange import Exchange
from bt_run.practice.faults import FaultBoard
from bt_run.practice.limits import LimitRules, Limits
from bt_run.practice.market import Market
from bt_run.practice.rules import SymbolRules
from bt_run.practice.server import PracticeServer
from bt_run.practice.signing import Keys, made_key
from bt_run.practice.sockets import SocketPolicies, routes
from bt_run.practice.trading import Trading

START = 1_767_268_800_000  # 2026-01-01T12:00:00Z
KEY = made_key(11)
D = Decimal


def eventually(condition: Callable[[], Any], *, within_s: float = 20.0) -> Any:
    """Poll until something holds and give it; raises TimeoutError when it takes too long."""
    until = time.monotonic() + within_s
    while not (found := condition()):
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.002)
    return found


@pytest.fixture(name="eventually")
def give_eventually() -> Callable[..., Any]:
    """Give what polls until something holds."""
    return eventually


@dataclass
class Practice:
    """A practice exchange that runs, its faults, and what talks to it."""

    server: PracticeServer
    faults: FaultBoard
    loop: asyncio.AbstractEventLoop
    inbox: Inbox = field(default_factory=Inbox)
    clock: ServerClock = field(default_factory=ServerClock)
    limits: RequestLimits = field(default_factory=RequestLimits)
    got: list[Any] = field(default_factory=list)

    @property
    def venue(self) -> Venue:
        """Give where it is."""
        urls = {"rest_url": self.server.url, "ws_api_url": self.server.ws_url, "stream_url": self.server.ws_url}
        return replace(VENUES["testnet"], name="practice", **urls)

    @property
    def credentials(self) -> Credentials:
        """Give the account's key."""
        return Credentials(KEY.api_key, KEY.secret)

    def gateway(self, **options: Any) -> BinanceGateway:
        """Make a gateway that shares clock and limits with the rest."""
        return BinanceGateway(self.venue, self.credentials, limits=self.limits, clock=self.clock, **options)

    def within(self, act: Callable[[], Any]) -> Any:
        """Do something in the server's thread."""

        async def run() -> Any:
            return act()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(20)

    def advance(self, minutes: int) -> None:
        """Let time pass on the exchange."""
        self.within(lambda: self.server.exchange.advance(self.server.exchange.now + minutes * 60_000))

    @property
    def price(self) -> Decimal:
        """Give the last price."""
        return self.server.exchange.market("BTCUSDT").last_price

    def received(self, kind: type[Any]) -> list[Any]:
        """Give all events of a kind that have come so far."""
        self.got += self.inbox.take()
        return [event for event in self.got if isinstance(event, kind)]

    def await_events(self, kind: type[Any], count: int = 1) -> list[Any]:
        """Wait for so many events of a kind."""
        eventually(lambda: len(self.received(kind)) >= count)
        return self.received(kind)


class practicing:  # noqa: N801 - reads as what it is in a with statement
    """A practice exchange in a thread, from ``with`` to its end."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._ready = threading.Event()
        self._made: Practice | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="practice exchange")

    def __enter__(self) -> Practice:
        self._thread.start()
        assert self._ready.wait(10)
        assert self._made is not None
        return self._made

    def __exit__(self, *_: object) -> None:
        assert self._made is not None
        self._made.loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        minute = Interval.parse("1m")
        market = Market.from_bars(make_bars(minute, START, 180), minute, SymbolRules(), at=60)
        balances = {"BTC": D(10), "USDT": D(1_000_000), "BNB": D(0)}
        exchange, faults = Exchange({"BTCUSDT": market}, Trading(balances)), FaultBoard()
        rules = self._options.pop("rules", LimitRules(enabled=False))
        policies = self._options.pop("policies", SocketPolicies())

        def join(server: PracticeServer) -> Any:
            return routes(server, policies=policies)

        server = PracticeServer(
            exchange, Keys([KEY]), limits=Limits(rules), faults=faults, extra_routes=[join], **self._options
        )
        async with server:
            faults.connect(server)
            self._made = Practice(server, faults, asyncio.get_running_loop())
            self._ready.set()
            await self._end.wait()
            await faults.close()


@pytest.fixture
def make_practice() -> Iterator[Callable[..., Practice]]:
    """Give what starts a practice exchange; all end with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(practicing(**options))


@pytest.fixture
def practice(make_practice: Callable[..., Practice]) -> Practice:
    """Give a practice exchange that stands at 2026-01-01T13:00Z."""
    return make_practice()


@pytest.fixture
def background() -> Iterator[BackgroundLoop]:
    """Give a background thread."""
    with BackgroundLoop("test background") as running:
        yield running


@dataclass
class Answer:
    """What the scripted server answers; `drop` cuts the connection, `hold_s` waits before."""

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    hold_s: float = 0.0


@dataclass
class Script:
    """A server that answers in turn what the test wrote down, by method and path; it notes what comes."""

    url: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def venue(self) -> Venue:
        """Give where it is."""
        return replace(VENUES["testnet"], rest_url=self.url)

    def will(self, what: str, *answers: dict[str, Any]) -> None:
        """Answer so, each once: fields of `Answer`. `what` is such as ``POST /api/v3/order``."""
        self.answers.setdefault(what, []).extend(Answer(**given) for given in answers)

    def refuse(self, what: str, status: int, code: int, reason: str = "why", **headers: str) -> None:
        """Answer so with one of Binance's refusals, once."""
        self.will(what, {"status": status, "body": {"code": code, "msg": reason}, "headers": headers})

    def count(self, what: str) -> int:
        """Tell how often something was asked."""
        return sum(name == what for name, _ in self.asked)

    def params(self, what: str) -> dict[str, str]:
        """Give the parameters of the last time something was asked."""
        return next(params for name, params in reversed(self.asked) if name == what)

    def next(self, what: str) -> Answer:
        """Give what to answer now."""
        if self.answers.get(what):
            return self.answers[what].pop(0)
        if what == "GET /api/v3/time":
            return Answer(body={"serverTime": time.time_ns() // 1_000_000})
        return Answer(404, "<html><title>Not scripted</title></html>")


@pytest.fixture
def script() -> Iterator[Script]:
    """Give a scripted server on a loopback port."""
    written = Script()
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            what = f"{self.command} {path}"
            written.asked.append((what, dict(parse_qsl(f"{query}&{body}"))))
            written.headers.append(dict(self.headers))
            given = written.next(what)
            if given.hold_s:
                released.wait(given.hold_s)
            if given.drop:
                self.close_connection = True
                return
            text = given.body if isinstance(given.body, str) else json.dumps(given.body)
            try:
                self.send_response(given.status)
                for name, value in given.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())
            except OSError:
                self.close_connection = True

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), name="scripted server")
    thread.start()
    written.url = f"http://127.0.0.1:{server.server_port}"
    yield written
    released.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def scripted(script: Script) -> Iterator[BinanceGateway]:
    """Give a gateway on the scripted server, with a clock that was set and without pauses between attempts."""
    gateway = BinanceGateway(script.venue, Credentials("k" * 64, "s" * 64), sleep=lambda seconds: None)
    gateway.connect()
    script.asked.clear()
    yield gateway
    gateway.close()


@pytest.fixture
def make_order() -> Callable[..., Order]:
    """Give what makes orders with ids that count up; by default a LIMIT buy of 1 far below the market."""
    numbers = iter(range(1, 1000))

    def make(type_: str = "LIMIT", side: str = "BUY", **given: Any) -> Order:
        client_id = given.pop("client_id", str(ClientId("0b", next(numbers))))
        if "quote_quantity" not in given:
            given.setdefault("quantity", D(1))
        if type_ in ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"):
            given.setdefault("price", D(50))
        return Order(client_id, "BTCUSDT", side, type_, **given)

    return make
