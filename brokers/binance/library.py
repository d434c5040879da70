"""python-binance's client, made for any venue and any kind of key, and stripped of what costs time or money."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from binance.client import Client

from brokers.binance.quick_session import QuickSession

if TYPE_CHECKING:
    from brokers.binance.credentials import Credentials
    from bt_run.core.venue import Venue

__all__ = ["RECV_WINDOW_MS", "TIMEOUT_S", "make_client"]

TIMEOUT_S = 15.0
"""For an answer. The exchange itself gives up after 10 s and then says so (-1007), which we want to hear."""

RECV_WINDOW_MS = 5000
"""An order that arrives later than this is not executed (-1021)."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def make_client(venue: Venue, credentials: Credentials) -> Any:
    """
    Make a client for one thread; it asks nothing yet.

    `_request(verb, address, signed, data=...)` gives a requests.Response, whatever its status.
    """
    with ThreadPoolExecutor(max_workers=1) as aside:
        client = aside.submit(_make, credentials).result()
    # The library knows keys by the length of their text; ours are read already.
    client.PRIVATE_KEY = credentials.private_key
    client._is_rsa = credentials.kind == "RSA"
    client.API_URL = client.API_TESTNET_URL = client.API_DEMO_URL = f"{venue.rest_url}/api"
    client.REQUEST_RECVWINDOW = RECV_WINDOW_MS
    _settle_environment(client.session, venue.rest_url)
    return client


def _make(credentials: Credentials) -> Any:
    """
    Make the client in a thread where it can have an event loop of its own.

    Also the client without streams takes the thread's loop or makes one, and never closes it.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return _Client(
            credentials.api_key,
            credentials.secret or None,
            ping=False,
            # A redirect followed would be an order sent twice.
            requests_params={"timeout": TIMEOUT_S, "allow_redirects": False},
        )
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _Client(Client):  # type: ignore[misc]  # the library has no types
    """Leaves reading the answer to us: the library's errors lose headers, and break on some bodies."""

    def _init_session(self) -> QuickSession:
        session = QuickSession()
        session.headers.update(self._get_headers())
        return session

    @staticmethod
    def _handle_response(response: Any) -> Any:
        return response


def _settle_environment(session: Any, url: str) -> None:
    """
    Look up proxies and certificates in the environment once instead of before each request.

    This machine itself is reached without a proxy. ~/.netrc is left out: passwords have no place here.
    """
    if urlsplit(url).hostname not in _LOOPBACK:
        settings = session.merge_environment_settings(url, {}, None, None, None)
        session.proxies = settings["proxies"]
        session.verify = settings["verify"]
    session.trust_env = False
