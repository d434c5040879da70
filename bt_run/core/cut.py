"""Cut REST requests short: a thread that waits for an answer can be ended by nothing but its socket."""

from __future__ import annotations

import socket
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import requests

__all__ = ["Cutter"]


_MOST_LINES = 64


class Cutter:
    """
    Knows the open connections of some sessions and cuts them all.

    A request that is cut raises a requests.RequestException in its own thread, as after a reset. One that is
    still connecting is not cut; its connection is closed as soon as it stands.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()
        self.is_cut = False

    def watch(self, session: requests.Session) -> None:
        """Know the connections that this session opens from now on, but those through a proxy."""
        session.mount("https://", _Adapter(self))
        session.mount("http://", _Adapter(self))

    def cut(self) -> None:
        """Cut all connections, and those that are opened later at once."""
        with self._lock:
            self.is_cut = True
        self.interrupt()

    def interrupt(self) -> None:
        """Cut all connections that are open now; new ones can be opened."""
        with self._lock:
            found = list(self._open)
        for connection in found:
            _shut(connection)

    def note(self, connection: HTTPConnection) -> None:
        """Know a connection that has just been opened."""
        with self._lock:
            self._open.add(connection)
            is_cut = self.is_cut
        if is_cut:
            _shut(connection)


class _Adapter(HTTPAdapter):
    """
    A transport adapter whose pools make connections that the cutter knows.

    For requests with a body, whose addresses are few, it looks up pool and target once: parsing the address
    and the settings of TLS anew takes longer than writing the request.
    """

    def __init__(self, cutter: Cutter) -> None:
        self._cutter = cutter
        self._pools: dict[tuple[Any, ...], HTTPConnectionPool] = {}
        self._targets: dict[str | None, str] = {}
        super().__init__()

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        if proxies or request.body is None:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        key = (request.url, verify, cert)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = super().get_connection_with_tls_context(request, verify, proxies, cert)
        return pool

    def request_url(self, request: Any, proxies: Any) -> str:
        if proxies or request.body is None:
            return super().request_url(request, proxies)
        target = self._targets.get(request.url)
        if target is None:
            target = self._targets[request.url] = super().request_url(request, proxies)
        return target

    def close(self) -> None:
        self._pools.clear()
        super().close()

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, **named)
        self.poolmanager.pool_classes_by_scheme = _pools_of(self._cutter)


class _KnownHeaders(HTTPConnection):
    """A connection that checks and encodes a header once: from request to request they hardly change."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._lines: dict[tuple[str, ...], bytes] = {}

    def putheader(self, header: str, *values: str) -> None:  # type: ignore[override]  # as urllib3's
        line = self._lines.get((header, *values))
        if line is not None:
            self._output(line)  # type: ignore[attr-defined]  # of http.client: the next line of the request
            return
        super().putheader(header, *values)
        if len(self._lines) < _MOST_LINES:
            self._lines[header, *values] = self._buffer[-1]  # type: ignore[attr-defined]  # the line it made


def _pools_of(cutter: Cutter) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(_KnownHeaders, HTTPConnection):
        def connect(self) -> None:
            super().connect()
            cutter.note(self)

    class Secure(_KnownHeaders, HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            cutter.note(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _shut(connection: HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        # Closing would leave the other thread asleep on it; a shutdown wakes it.
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
