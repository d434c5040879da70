"""Cut REST requests short: a thread that waits for an answer can be ended by nothing but its socket."""

from __future__ import annotations

import socket
import threading
import weakref
from contextlib import suppress
from queue import Empty, LifoQueue
from select import POLLIN, poll
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import requests

__all__ = ["Cutter"]


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
    """A transport adapter whose pools make connections that the cutter knows."""

    def __init__(self, cutter: Cutter) -> None:
        self._cutter = cutter
        super().__init__()

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, **named)
        self.poolmanager.pool_classes_by_scheme = _pools_of(self._cutter)


class _Stack(LifoQueue[Any]):
    """A pool's queue without a lock, where nobody waits: a list gives and takes in one step of Python."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if block:
            return super().get(block, timeout)
        try:
            return self.queue.pop()
        except IndexError:
            raise Empty from None


def _pools_of(cutter: Cutter) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            self._heard = poll()
            self._heard.register(self.sock, POLLIN)
            cutter.note(self)

        @property
        def is_connected(self) -> bool:
            """Tell, by one call of the system, whether it is open and nothing, no end either, has come."""
            return self.sock is not None and not self._heard.poll(0)

    class Secure(Plain, HTTPSConnection):
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain
        QueueCls = _Stack

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure
        QueueCls = _Stack

    return {"http": PlainPool, "https": SecurePool}


def _shut(connection: HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        # Closing would leave the other thread asleep on it; a shutdown wakes it.
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
