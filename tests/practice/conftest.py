"""The practice exchange on a loopback port, in a thread of its own, for clients that block."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from exchange_market import make_bars

from bt_run.core.interval import Interval
from bt_run.practice.exchange import Exchange
from bt_run.practice.market import Market
from bt_run.practice.rules import SymbolRules
from bt_run.practice.server import PracticeServer
from bt_run.practice.signing import Keys, ed25519_key, made_key
from bt_run.practice.trading import Trading

START = 1_767_268_800_000  # 2026-01-01T12:00:00Z
SECRET = made_key(7)
PRIVATE = ECC.generate(curve="Ed25519")
PUBLIC = ed25519_key(PRIVATE.public_key().export_key(format="PEM"))


def wall_ms() -> int:
    """Give real time as clients stamp their requests."""
    return time.time_ns() // 1_000_000


@dataclass
class Served:
    """A server that runs, and how to ask it."""

    server: PracticeServer
    loop: asyncio.AbstractEventLoop
    session: requests.Session

    @property
    def exchange(self) -> Exchange:
        """Give what is served."""
        return self.server.exchange

    @property
    def price(self) -> Decimal:
        """Give the last price."""
        return self.exchange.market("BTCUSDT").last_price

    def within(self, act: Callable[[], Any]) -> Any:
        """Do something in the server's thread."""

        async def run() -> Any:
            return act()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(20)

    def advance(self, ms: int) -> None:
        """Let time pass on the exchange."""
        self.within(lambda: self.exchange.advance(self.exchange.now + ms))

    def ask(self, verb: str, path: str, /, **params: Any) -> requests.Response:
        """Ask without a signature; parameters go into the query."""
        return self.session.request(verb, self.server.url + path, params=params, timeout=20)

    def signed(
        self, verb: str, path: str, /, *, in_body: bool = False, key: Any = SECRET, **params: Any
    ) -> requests.Response:
        """Ask with a signature over the encoded parameters."""
        payload = urlencode({"timestamp": wall_ms(), **params})
        sent = f"{payload}&{urlencode({'signature': self.sign(payload, key)})}"
        return self.send(verb, path, **{"body" if in_body else "query": sent}, key=key.api_key)

    @staticmethod
    def sign(payload: str, key: Any = SECRET) -> str:
        """Sign as a client does."""
        if key is SECRET:
            return hmac.new(SECRET.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        return base64.b64encode(eddsa.new(PRIVATE, "rfc8032").sign(payload.encode())).decode()

    def send(
        self, verb: str, path: str, *, query: str = "", body: str = "", key: str | None = SECRET.api_key
    ) -> requests.Response:
        """Send bytes as they are."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if key is not None:
            headers["X-MBX-APIKEY"] = key
        url = self.server.url + path + ("?" + query if query else "")
        return self.session.request(verb, url, data=body, headers=headers, timeout=20)


def make_exchange(*, at: int = 60, interval: str = "1m") -> Exchange:
    """Give three hours of one-minute bars and an account; the clock stands after the first hour."""
    bars = make_bars(Interval.parse(interval), START, 180)
    rules = (SymbolRules(), SymbolRules(symbol="ETHUSDT", base="ETH"))
    markets = {
        item.symbol: Market.from_bars(bars, Interval.parse(interval), item, at=at, seed=number)
        for number, item in enumerate(rules)
    }
    balances = {"BTC": Decimal(10), "USDT": Decimal(1_000_000), "BNB": Decimal(0)}
    return Exchange(markets, Trading(balances))


@pytest.fixture
def practice_exchange() -> Exchange:
    """Give an exchange that nobody serves yet."""
    return make_exchange()


@pytest.fixture
def private_key() -> Any:
    """Give the Ed25519 key that only the client has."""
    return PRIVATE


@pytest.fixture
def public() -> Any:
    """Give the exchange's half of the Ed25519 key."""
    return PUBLIC


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Give what starts a server; all end with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(running(**options))


@pytest.fixture(scope="session")
def run_server() -> Callable[..., running]:
    """Give what runs a server for more than one test."""
    return running


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """Give a server of its own to a test."""
    return serve()


class running:  # noqa: N801 - reads as what it is in a with statement
    """A server in a thread, from ``with`` to its end."""

    def __init__(self, *, exchange: Exchange | None = None, **options: Any) -> None:
        self._exchange = exchange
        self._options = options
        self._ready = threading.Event()
        self._served: Served | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="practice server")

    def __enter__(self) -> Served:
        self._thread.start()
        self._ready.wait(10)
        if self._served is None:
            raise self._failure or TimeoutError
        return self._served

    def __exit__(self, *_: object) -> None:
        assert self._served is not None
        self._served.session.close()
        self._served.loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self._failure = error
            self._ready.set()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        exchange = self._exchange or make_exchange()
        async with PracticeServer(exchange, Keys([SECRET, PUBLIC]), **self._options) as server:
            session = requests.Session()
            session.trust_env = False
            self._served = Served(server, asyncio.get_running_loop(), session)
            self._ready.set()
            await self._end.wait()
