"""One practice exchange for all tests of a run, each with a fresh account, and clients that others wrote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.client import Client
from binance.ws.reconnecting_websocket import ReconnectingWebsocket

from bt_run.practice.limits import Limits
from bt_run.practice.signing import Ed25519Key
from bt_run.practice.sockets import SOCKETS, routes

BTC = "BTCUSDT"


@dataclass
class Site:
    """The server, and what tests need of it."""

    served: Any

    @property
    def url(self) -> str:
        """Give where REST is."""
        return self.served.server.url

    @property
    def ws_url(self) -> str:
        """Give where the sockets are."""
        return self.served.server.ws_url

    @property
    def sockets(self) -> Any:
        """Give the server's sockets."""
        return self.served.server.app[SOCKETS]

    @property
    def hmac(self) -> Any:
        """Give the key with a secret."""
        return next(key for key in self.served.server.keys if not isinstance(key, Ed25519Key))

    @property
    def ed25519(self) -> Any:
        """Give the key that the client signs for."""
        return next(key for key in self.served.server.keys if isinstance(key, Ed25519Key))

    def price(self, times: str) -> str:
        """Give a price as a multiple of the last one."""
        return f"{self.served.price * Decimal(times):.2f}"

    def priced(self, fields: dict[str, str]) -> dict[str, str]:
        """Give an order's fields with its prices, multiples of the last one, written out."""
        return {
            name: self.price(value) if name.lower().endswith("price") else value
            for name, value in fields.items()
        }

    async def advance(self, ms: int) -> None:
        """Let time pass on the exchange, from a test's own event loop."""
        await asyncio.to_thread(self.served.advance, ms)

    async def wait(self, condition: Callable[[], Any]) -> None:
        """Poll the server until something holds; raises TimeoutError after 5 s."""
        async with asyncio.timeout(5):
            while not await asyncio.to_thread(self.served.within, condition):
                await asyncio.sleep(0.005)


@pytest.fixture(scope="session")
def server_of_all(run_server):
    """Give the one server."""
    with run_server(extra_routes=[routes]) as served:
        yield served


@pytest.fixture
def site(server_of_all) -> Site:
    """Give the server with an account as at the start, and nothing counted yet."""

    def refresh() -> None:
        server_of_all.exchange.trading.wipe()
        server_of_all.server.gateway.limits = Limits()

    server_of_all.within(refresh)
    return Site(server_of_all)


@pytest.fixture
def pem(private_key) -> str:
    """Give the private Ed25519 key as users keep it."""
    return private_key.export_key(format="PEM")


@pytest.fixture
def make_client(site) -> Iterator[Callable[..., Client]]:
    """Give what makes python-binance's `Client`; with `pem` one that signs with Ed25519."""

    class Practice(Client):
        API_URL = API_TESTNET_URL = API_DEMO_URL = site.url + "/api"
        FUTURES_URL = FUTURES_TESTNET_URL = FUTURES_DEMO_URL = site.url + "/fapi"

    made: list[Client] = []

    def make(api_key: str | None = None, secret: str | None = None, **options: Any) -> Client:
        if "private_key" not in options:
            secret = secret or site.hmac.secret
        client = Practice(api_key or site.hmac.api_key, secret, ping=False, **options)
        client.session.trust_env = False
        made.append(client)
        return client

    yield make
    for client in made:
        client.close_connection()
        client.loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def client(make_client) -> Client:
    """Give a client with the HMAC key."""
    return make_client()


@pytest.fixture
def binance(site, monkeypatch) -> Callable[..., Any]:
    """Give what opens python-binance's `AsyncClient` and its `BinanceSocketManager` in an ``async with``."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # its WebSocket API takes no argument for that
    monkeypatch.setattr(ReconnectingWebsocket, "TIMEOUT", 0.2)  # it waits so long for an idle stream's end

    class Practice(AsyncClient):
        API_URL = API_TESTNET_URL = API_DEMO_URL = site.url + "/api"
        FUTURES_URL = FUTURES_TESTNET_URL = FUTURES_DEMO_URL = site.url + "/fapi"
        WS_API_URL = WS_API_TESTNET_URL = WS_API_DEMO_URL = site.ws_url + "/ws-api/v3"

    class Sockets(BinanceSocketManager):
        STREAM_URL = STREAM_TESTNET_URL = STREAM_DEMO_URL = site.ws_url + "/"
        FSTREAM_URL = FSTREAM_TESTNET_URL = FSTREAM_DEMO_URL = site.ws_url + "/"

    @asynccontextmanager
    async def opened(api_key: str | None = None, **options: Any) -> AsyncIterator[Any]:
        if "private_key" not in options:
            options["api_secret"] = site.hmac.secret
        client = await Practice.create(api_key or site.hmac.api_key, **options)
        manager = Sockets(client, max_queue_size=1_000_000)
        manager.ws_kwargs = {"proxy": None}
        try:
            yield client, manager
        finally:
            await client.close_connection()

    return opened


@pytest.fixture
def play(binance) -> Callable[..., None]:
    """Give what runs ``scenario(client, manager)``."""

    def run(scenario: Callable[..., Awaitable[None]], *args: Any, **options: Any) -> None:
        async def main() -> None:
            async with asyncio.timeout(20), binance(*args, **options) as (client, manager):
                await scenario(client, manager)

        asyncio.run(main())

    return run
