"""One open WebSocket: what waits to be sent, its pings, its limits, its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from bt_run.practice.identity import HEADER, NAME
from bt_run.practice.sockets.policy import SocketPolicy, Window

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Connection"]

_log = logging.getLogger(__name__)

_COUNTED = (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG)
_MAX_MESSAGE = 1024 * 1024
_LINGER_S = 10.0  # a slow reader shall still find our close behind what it has not read


class Connection:
    """
    One client's connection.

    `send` never waits: frames wait in a queue, and a reader too slow for it is dropped, as everyone else's
    time does not depend on one reader.

    Args:
        request: The handshake.
        policy: Its rules.
        clock: Real seconds that never go back.
        on_notice: Called `policy.notice_s` before the connection is cut for its age.
    """

    def __init__(
        self,
        request: web.Request,
        policy: SocketPolicy,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_notice: Callable[[Connection], None] | None = None,
    ) -> None:
        self.path = request.path_qs
        self.address = request.remote or ""
        self.policy = policy
        self.close_code: int | None = None
        self.sent = 0
        self._request = request
        self._clock = clock
        self._on_notice = on_notice
        self._socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=_MAX_MESSAGE)
        self._socket.headers[HEADER] = NAME
        self._queue: deque[str | bytes] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._pings: dict[bytes, float] = {}
        self._ending: asyncio.Task[None] | None = None
        self._cut = False
        self._opened_at = clock()

    @property
    def ended(self) -> bool:
        """Tell whether nothing can be sent any more."""
        return self._cut or self._ending is not None or self._socket.closed

    @property
    def waiting(self) -> int:
        """Give how many frames are not written yet."""
        return len(self._queue)

    # What the exchange does.

    def send(self, text: str) -> None:
        """Send a text frame after those that wait."""
        self._put(text)

    def end(self, code: int, reason: str = "", *, flush: bool = False, goodbye_s: float | None = None) -> None:
        """Close with a code and a reason; with `flush` after what waits is written."""
        if self._ending is None:
            self.close_code = code
            wait_s = self.policy.goodbye_s if goodbye_s is None else goodbye_s
            closing = self._close(code, reason, wait_s, flush=flush)
            self._ending = asyncio.get_running_loop().create_task(closing)

    def cut(self) -> None:
        """End the connection without a word; the client sees 1006."""
        self.close_code, self._cut = 1006, True
        self._queue.clear()
        self._idle.set()
        if self._request.transport is not None:
            self._request.transport.abort()

    async def drained(self) -> None:
        """Wait until all that was sent is written, or the connection has ended."""
        if not self.ended:
            await self._idle.wait()

    async def run(
        self,
        opened: Callable[[], Awaitable[None]],
        received: Callable[[str], Awaitable[None]],
    ) -> web.StreamResponse:
        """
        Answer the handshake and serve the connection until it ends.

        Args:
            opened: Called when the handshake is answered.
            received: Called with each text of the client, one at a time.
        """
        try:
            await self._socket.prepare(self._request)
        except ConnectionResetError:  # who asked has gone meanwhile, as when a bot is killed
            return web.Response()  # for nobody
        _log.info("%s: %s opened %s", NAME, self.address, self._request.path)
        tasks = [asyncio.create_task(part()) for part in (self._write, self._watch)]
        try:
            await opened()
            await self._read(received)
        finally:
            for task in tasks:
                task.cancel()
            if self._ending is not None:
                tasks.append(self._ending)
            for problem in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(problem, Exception):
                    _log.error("%s: %s", NAME, self.path, exc_info=problem)
            self._idle.set()
            self._queue.clear()
            _log.info("%s: %s closed %s", NAME, self.address, self._request.path)
        return self._socket

    # The parts that run beside each other.

    async def _read(self, received: Callable[[str], Awaitable[None]]) -> None:
        window = Window(self.policy.messages, 1.0)
        async for message in self._socket:
            if message.type in _COUNTED and not window.admit(self._clock()):
                self.end(1008, "disconnected")
                await self._swallow()
                return
            if message.type is WSMsgType.TEXT:
                await received(message.data)
            elif message.type is WSMsgType.BINARY:
                await received(bytes(message.data).decode("utf-8", errors="replace"))
            elif message.type is WSMsgType.PING:
                with suppress(ConnectionError):
                    await self._socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self._take_pong(bytes(message.data))

    async def _swallow(self) -> None:
        async for _ in self._socket:
            pass

    async def _write(self) -> None:
        with suppress(ConnectionError):  # the reader sees the end of the connection, too
            while True:
                while self._queue:
                    item = self._queue.popleft()
                    if isinstance(item, str):
                        await self._socket.send_str(item)
                        self.sent += 1
                    else:
                        await self._socket.ping(item)
                self._idle.set()
                self._wake.clear()
                await self._wake.wait()
        self._idle.set()

    async def _watch(self) -> None:
        """Ping, miss pongs, and end what is too old."""
        policy = self.policy
        next_ping = self._opened_at + policy.ping_s
        ends_at = self._opened_at + policy.lifetime_s
        notice_at = ends_at - policy.notice_s if policy.notice_s and self._on_notice else None
        while not self.ended:
            now = self._clock()
            late_at = min(self._pings.values(), default=now) + policy.pong_s
            if now >= late_at:
                return self.end(1008, "Pong timeout")
            if now >= ends_at:
                return self.end(1001, "", flush=True)
            if notice_at is not None and now >= notice_at and self._on_notice is not None:
                notice_at = None
                self._on_notice(self)
            if now >= next_ping:
                next_ping += policy.ping_s
                payload = str(time.time_ns() // 1_000_000).encode()
                self._pings.setdefault(payload, now)
                self._put(payload)
            due = [next_ping, late_at, ends_at, *(() if notice_at is None else (notice_at,))]
            await asyncio.sleep(max(0.0, min(due) - self._clock()) + 0.0005)
        return None

    def _take_pong(self, payload: bytes) -> None:
        """Take a pong; one that copies no ping of ours says nothing."""
        sent_at = self._pings.get(payload)
        if sent_at is not None:
            self._pings = {other: at for other, at in self._pings.items() if at > sent_at}

    def _put(self, item: str | bytes) -> None:
        if self.ended:
            return
        if len(self._queue) >= self.policy.queue:
            self._queue.clear()
            self.end(1008, "disconnected: too slow")
            return
        self._queue.append(item)
        self._idle.clear()
        self._wake.set()

    async def _close(self, code: int, reason: str, wait_s: float, *, flush: bool) -> None:
        """Say goodbye; who does not answer soon is left behind, and cut when it has not read for long."""
        if flush:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), wait_s)
        self._queue.clear()
        self._idle.set()
        transport = self._request.transport
        if not self._socket.prepared:  # the handshake is not answered: there is nobody to say goodbye to
            self.cut()
            return
        with suppress(TimeoutError, ConnectionError):
            await asyncio.wait_for(self._socket.close(code=code, message=reason.encode(), drain=False), wait_s)
        if transport is not None:
            transport.close()
            asyncio.get_running_loop().call_later(_LINGER_S, transport.abort)
