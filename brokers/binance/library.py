"""python-binance's client, made for any venue and any kind of key, and stripped of what costs time or money."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from binance.client import Client

from brokers.binance.quick_session import QuickSession

if TYPE_CHECKING:
    from brokers.binance.credentials import Credentials
    from brokers.binance.server_clock import ServerClock
    from bt_run.core.venue import Venue

__all__ = ["RECV_WINDOW_MS", "TIMEOUT_S", "make_client"]

TIMEOUT_S = 15.0
"""For an answer. The exchange itself gives up after 10 s and then says so (-1007), which we want to hear."""

RECV_WINDOW_MS = 5000
"""An order that arrives later than this is not executed (-1021)."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_WITH_FORM = frozenset({"post", "delete"})
# A redirect followed would be an order sent twice.
_SETTINGS: dict[str, Any] = {"timeout": TIMEOUT_S, "allow_redirects": False}
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")  # what no encoding of an address or a form changes


def make_client(venue: Venue, credentials: Credentials, clock: ServerClock) -> Any:
    """
    Make a client for one thread, which signs with the time of `clock`; it asks nothing yet.

    `_request(verb, address, signed, data=...)` gives a requests.Response, whatever its status.
    """
    with ThreadPoolExecutor(max_workers=1) as aside:
        client = aside.submit(_make, credentials).result()
    if credentials.secret:
        client.prepared_key = hmac.new(credentials.secret.encode(), digestmod=hashlib.sha256)
    client.clock = clock
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
            requests_params=dict(_SETTINGS),
        )
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _Client(Client):  # type: ignore[misc]  # the library has no types
    """Leaves reading the answer to us: the library's errors lose headers, and break on some bodies."""

    clock: ServerClock
    prepared_key: Any = None
    """The HMAC of nothing yet; None for another kind of key."""

    def _init_session(self) -> QuickSession:
        session = QuickSession()
        session.headers.update(self._get_headers())
        return session

    @staticmethod
    def _handle_response(response: Any) -> Any:
        return response

    def _request(
        self, method: str, uri: str, signed: bool, force_params: bool = False, **kwargs: Any
    ) -> Any:  # the library's signature
        """
        Send a request; orders and cancels by a shorter way to the same bytes.

        The library sorts, encodes and checks the parameters three times, and prepares the key for each.
        """
        form = self._signed_form(kwargs) if signed and method in _WITH_FORM and not force_params else None
        if form is None:
            self.timestamp_offset = self.clock.wall_offset_ms()
            return super()._request(method, uri, signed, force_params, **kwargs)
        return self.session.send_form(method, uri, form, timeout_s=self._requests_params["timeout"])

    def _signed_form(self, given: dict[str, Any]) -> str | None:
        """Give the form with its signature; None where it is not plain text signed by HMAC."""
        if self.prepared_key is None or given.keys() != {"data"}:
            return None
        data = {**given["data"], "timestamp": self.clock.now_ms(), "recvWindow": self.REQUEST_RECVWINDOW}
        pairs = [(name, str(value)) for name, value in sorted(data.items()) if value is not None]
        if not _PLAIN.fullmatch("".join([text for _, text in pairs])):
            return None
        form = "&".join([f"{name}={text}" for name, text in pairs])
        signing = self.prepared_key.copy()
        signing.update(form.encode())
        return f"{form}&signature={signing.hexdigest()}"


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
