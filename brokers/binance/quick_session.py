"""A session of requests that writes a form in one piece to a connection that stands."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests
import urllib3
from requests.cookies import extract_cookies_to_jar
from requests.utils import select_proxy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3.connectionpool import HTTPConnectionPool

__all__ = ["QuickSession"]

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_FORM_ONLY = frozenset({"data", "headers", "timeout", "allow_redirects"})
_log = logging.getLogger(__name__)

_LENGTH, _LINE_END = b"Content-Length: ", b"\r\n"


class QuickSession(requests.Session):
    """
    Sends the same bytes as `requests.Session`, sooner.

    Orders and cancels differ by their form alone, but requests, urllib3 and http.client check, merge and encode
    everything anew each time, and send the form after its head. Here they compose the head once for each
    address, with the session's headers, proxies and hooks of that moment.

    Only a connection that stands is used so: once a form is on its way, no error says that nothing was sent.
    Everything else is left to requests: to open a connection, and to tell what hinders it; a request that is no
    plain form, or follows redirects; one through a proxy, with cookies or hooks.
    """

    def __init__(self) -> None:
        super().__init__()
        self._heads: dict[tuple[str, str], _Head | None] = {}

    def request(self, method: str, url: str, *args: Any, **named: Any) -> requests.Response:  # type: ignore[override]
        """Send a request; arguments as in requests."""
        if not args and _is_form(named):
            data = named["data"]
            form = data if isinstance(data, str) else urlencode(data)
            return self.send_form(method, url, form, timeout_s=named["timeout"])
        return super().request(method, url, *args, **named)

    def prepare_form(self, method: str, url: str) -> None:
        """Compose the head of the forms that will go there; asks nobody."""
        meddles = len(self.cookies) or self.trust_env or self.stream or self.hooks["response"]
        is_plain = not (meddles or select_proxy(url, self.proxies))
        self._heads[method, url] = self._head(method, url) if is_plain else None

    def send_form(self, method: str, url: str, form: str, *, timeout_s: float) -> requests.Response:
        """
        Send a form once, follow no redirect, and give the answer, whatever its status.

        Raises requests.RequestException: where it is a ConnectTimeout, or holds urllib3's NewConnectionError,
        nothing was sent; after any other it may have arrived.
        """
        if (method, url) not in self._heads:
            self.prepare_form(method, url)
        head = self._heads[method, url]
        if head is not None:
            connection: Any = head.pool._get_conn()  # one that the server has closed comes without a socket
            try:
                if connection.sock is not None:
                    return self._exchange(connection, head, form.encode(), timeout_s)
            except BaseException:
                connection.close()  # an answer that comes after all must not be read as the next one's
                raise
            finally:
                head.pool._put_conn(connection)
        return super().request(method, url, data=form, headers=_FORM, timeout=timeout_s, allow_redirects=False)

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:
        """Send a prepared request; arguments as in requests."""
        response = super().send(request, **settings)
        self._heed_cookies()
        return response

    def close(self) -> None:
        """Close all connections; they are opened anew where they are needed."""
        self._heads.clear()
        super().close()

    def _head(self, method: str, url: str) -> _Head | None:
        """Let requests, urllib3 and http.client write a request without a form into memory."""
        request = self.prepare_request(requests.Request(method.upper(), url, headers=_FORM))
        adapter: Any = self.get_adapter(url)
        pool = adapter.get_connection_with_tls_context(request, self.verify, cert=self.cert)
        adapter.cert_verify(pool, url, self.verify, self.cert)
        connection = pool.ConnectionCls(pool.host, pool.port)
        connection.sock = written = _Memory()
        connection.request(request.method, adapter.request_url(request, {}), headers=request.headers)
        before, found, after = bytes(written).partition(_LENGTH + b"0" + _LINE_END)
        return _Head(request, adapter, pool, before + _LENGTH, _LINE_END + after) if found else None

    def _exchange(self, connection: Any, head: _Head, form: bytes, timeout_s: float) -> requests.Response:
        sock, request = connection.sock, head.request
        if sock.gettimeout() != timeout_s:  # to set it is a call of the system
            sock.settimeout(timeout_s)
        try:
            try:
                sock.sendall(b"%b%d%b%b" % (head.before, len(form), head.after, form))
            except (BrokenPipeError, ConnectionResetError) as error:
                _log.debug("Closed while a form was sent; the server may have said why: %s", error)
            with HTTPResponse(sock, method=request.method) as answer:
                answer.begin()
                response = self._read(answer, head)
        except (OSError, HTTPException) as error:
            raise requests.ConnectionError(error, request=request) from error
        if answer.will_close:
            connection.close()
        return response

    def _read(self, answer: HTTPResponse, head: _Head) -> requests.Response:
        """Make requests' answer of http.client's, and read all of it, so that the next one has its place."""
        raw = urllib3.HTTPResponse(
            answer,
            headers=answer.getheaders(),  # type: ignore[arg-type]  # HTTPHeaderDict takes pairs too
            status=answer.status,
            version=answer.version,
            reason=answer.reason,
            preload_content=False,
            original_response=answer,
            request_method=head.request.method,
        )
        response: requests.Response = head.adapter.build_response(head.request, raw)
        extract_cookies_to_jar(self.cookies, head.request, raw)
        self._heed_cookies()
        _ = response.content
        return response

    def _heed_cookies(self) -> None:
        """Leave all to requests from the answer on that brings a cookie."""
        if len(self.cookies):
            self._heads.clear()


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands around a form's length, the connections to its address, and the request without a form."""

    request: requests.PreparedRequest
    adapter: Any
    pool: HTTPConnectionPool
    before: bytes
    after: bytes


class _Memory(bytearray):
    """In the place of a socket: what is sent to it."""

    sendall = bytearray.extend

    def settimeout(self, timeout_s: float | None) -> None:
        """Wait for nothing."""


def _is_form(named: Mapping[str, Any]) -> bool:
    """Tell whether these arguments ask for no more than a form to be sent."""
    given = {name for name, value in named.items() if value is not None}
    is_plain = given <= _FORM_ONLY and named.get("headers") == _FORM and not named.get("allow_redirects", True)
    data, timeout_s = named.get("data"), named.get("timeout")
    return is_plain and bool(data) and isinstance(data, list | str) and isinstance(timeout_s, int | float)
