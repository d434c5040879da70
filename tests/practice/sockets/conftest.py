"""A practice exchange on a loopback port, moved by the test, and clients of the `websockets` library."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from exchange_market import make_bars
from websockets.asyncio.client import ClientConnection, connect

from bt_run.core.interval import Interval
from bt_run.core.market import Bars
from bt_run.practice.exchange import Exchange
from bt_run.practice.market import Market
from bt_run.practice.rules import SymbolRules
from bt_run.practice.server import PracticeServer
from bt_run.practice.signing import Keys, ed25519_key, made_key, socket_payload
from bt_run.practice.sockets import FUTURES, SOCKETS, SPOT, WS_API, SocketPolicies, Sockets, routes
from bt_run.practice.trading import Trading

START = 1_767_268_800_000  # 2026-01-01T12:00:00Z
MINUTE = 60_000
HMAC = made_key(7)
PRIVATE = ECC.generate(curve="Ed25519")
ED25519 = ed25519_key(PRIVATE.public_key().export_key(format="PEM"))


@dataclass
class Rig:
    """The exchange, its sockets, and what it takes to talk to them."""

    exchange: Exchange
    server: PracticeServer
    sockets: Sockets
    clients: list[ClientConnection] = field(default_factory=list)

    async def open(self, path: str, **options: Any) -> ClientConnection:
        """Connect; the client answers pings and sends none."""
        options = {"proxy": None, "ping_interval": None, "max_queue": None, "close_timeout": 1, **options}
        client = await connect(self.server.ws_url + path, **options)
        self.clients.append(client)
        return client

    def advance(self, ms: int) -> None:
        """Let time pass on the exchange."""
        self.exchange.advance(self.exchange.now + ms)

    async def ask(self, client: ClientConnection, **message: Any) -> Any:
        """Send a message and give the next one that comes."""
        await client.send(json.dumps(message))
        return await self.read(client)

    async def call(self, client: ClientConnection, method: str, number: Any = 1, **params: Any) -> Any:
        """Ask the WebSocket API, and give its answer; events that come before it are dropped."""
        await client.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = await self.read(client)
            if "id" in message:
                return message

    async def read(self, client: ClientConnection) -> Any:
        """Give the next message; raises TimeoutError when none comes."""
        return json.loads(await asyncio.wait_for(client.recv(), 20))

    async def read_all(self, client: ClientConnection) -> list[Any]:
        """
        Give all that was sent so far: what comes until a ping of ours is answered, and nothing else.

        Nothing means three times: on a machine that is busy the time for one may be over before a turn of the
        loop.
        """
        await self.sockets.drained()
        messages: list[Any] = []
        pong, quiet = await client.ping(), 0
        while quiet < 3:
            try:
                messages.append(json.loads(await asyncio.wait_for(client.recv(), 0.007)))
                quiet = 0
            except TimeoutError:
                quiet += pong.done()
        return messages

    async def settled(self, condition: Callable[[], Any]) -> None:
        """Poll until something holds; raises TimeoutError when it takes too long."""
        until = time.monotonic() + 20
        while not condition():
            if time.monotonic() > until:
                raise TimeoutError
            await asyncio.sleep(0.002)

    @staticmethod
    def signed(key: Any = HMAC, **params: Any) -> dict[str, Any]:
        """Sign as a client of the WebSocket API does."""
        params = {"apiKey": key.api_key, "timestamp": time.time_ns() // 1_000_000, **params}
        return {**params, "signature": _signature(key, socket_payload(params))}


def _signature(key: Any, payload: bytes) -> str:
    if key is HMAC:
        import hashlib
        import hmac

        return hmac.new(HMAC.secret.encode(), payload, hashlib.sha256).hexdigest()
    return base64.b64encode(eddsa.new(PRIVATE, "rfc8032").sign(payload)).decode()


Scenario = Callable[[Rig], Awaitable[None]]


@pytest.fixture
def keys() -> Any:
    """Give the account's two keys: HMAC and Ed25519."""
    return HMAC, ED25519


@pytest.fixture
def minute_bars() -> Bars:
    """Give three hours of one-minute bars from noon."""
    return make_bars(Interval.parse("1m"), START, 180)


@pytest.fixture
def make_days() -> Callable[[int], Bars]:
    """Give what makes so many hourly bars from 2026-01-01T12:00Z."""
    return lambda count: make_bars(Interval.parse("1h"), START, count)


@pytest.fixture
def policies() -> Callable[..., SocketPolicies]:
    """Give what makes rules, the same changes for all families."""

    def make(*, attempts: int = 300, attempts_s: float = 300.0, **changes: Any) -> SocketPolicies:
        families = {
            name: replace(policy, **changes)
            for name, policy in (("spot", SPOT), ("futures", FUTURES), ("api", WS_API))
        }
        return SocketPolicies(**families, attempts=attempts, attempts_s=attempts_s)

    return make


@pytest.fixture
def play(minute_bars: Bars) -> Callable[..., None]:
    """Give what runs a scenario against an exchange that stands at the 60th bar, 13:00."""

    def run(
        scenario: Scenario, *, bars: Bars | None = None, interval: str = "1m", at: int = 60, **options: Any
    ) -> None:
        history = minute_bars if bars is None else bars
        market = Market.from_bars(history, Interval.parse(interval), SymbolRules(), at=at)
        balances = {"BTC": Decimal(10), "USDT": Decimal(1_000_000), "BNB": Decimal(5)}
        exchange = Exchange({"BTCUSDT": market}, Trading(balances))
        asyncio.run(_run(scenario, exchange, **options))

    return run


async def _run(
    scenario: Scenario, exchange: Exchange, *, policies: SocketPolicies | None = None, **options: Any
) -> None:
    join = partial(routes, policies=policies)
    server = PracticeServer(exchange, Keys([HMAC, ED25519]), extra_routes=[join], **options)
    async with server:
        rig = Rig(exchange, server, server.app[SOCKETS])
        try:
            await scenario(rig)
        finally:
            for client in rig.clients:
                await asyncio.wait_for(client.close(), 5)
