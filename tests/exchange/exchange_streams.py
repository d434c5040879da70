"""
Market streams on 127.0.0.1, as Binance sends them, and the ways in which they break.

The test says what is sent: `send` reaches whoever listens to that stream at that moment, and nobody else,
because streams replay nothing. Faults are context managers, as those of the REST exchange.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from websockets.asyncio.server import Server, ServerConnection
    from websockets.http11 import Request, Response

_PATHS = {"/stream": "spot", "/market/stream": "futures"}


@dataclass(eq=False)
class Listener:
    """One connection: what it listens to, and how many frames it got."""

    socket: ServerConnection
    streams: tuple[str, ...]
    frames: int = 0
    drop_at: int | None = None
    silent: bool = False


@dataclass(eq=False)
class _Faults:
    """What happens to connections that are opened now."""

    drop_after: int | None = None
    silent: bool = False
    drop_at_once: bool = False
    refusal: tuple[int, dict[str, str], str] | None = None
    lives_s: float | None = None
    twice: bool = False
    held: list[tuple[str, str]] | None = field(default=None)


class StreamServer:
    """The server; `start` and `stop` it, or use it as a context manager."""

    def __init__(self) -> None:
        self.url = ""
        self.attempts: list[float] = []
        self.paths: list[str] = []
        self.listeners: list[Listener] = []
        self._now = _Faults()
        self._loop: asyncio.AbstractEventLoop | None = None

    # What the test says.

    def send(self, stream: str, payload: Any) -> int:
        """Send a message to those who listen to this stream; gives how many got it."""
        text = json.dumps({"stream": stream, "data": payload}, separators=(",", ":"))
        return self._call(self._send, stream, text)

    def send_text(self, stream: str, text: str) -> int:
        """Send these very characters, whatever they are."""
        return self._call(self._send, stream, text)

    def announce_shutdown(self, *, event_ms: int = 1_770_123_456_789) -> None:
        """Say to all that the server will go; it goes when `cut` is called."""
        event = {"e": "serverShutdown", "E": event_ms}
        text = json.dumps({"stream": "!serverShutdown", "data": event}, separators=(",", ":"))
        self._call(self._broadcast, text)

    def cut(self) -> None:
        """Cut all connections without a word."""
        self._call(self._cut)

    def close_all(self, code: int = 1001, reason: str = "") -> None:
        """Close all connections with a goodbye."""
        self._call(self._close_all, code, reason)

    def wait_for_listeners(self, count: int, *, attempts: int = 0, limit_s: float = 20.0) -> None:
        """Wait until so many are connected, after at least so many attempts; raises when it takes too long."""
        self.wait(lambda: len(self.listeners) == count and len(self.attempts) >= attempts, limit_s=limit_s)

    @staticmethod
    def wait(condition: Callable[[], bool], *, limit_s: float = 20.0) -> None:
        """Poll until something holds; raises TimeoutError when it takes too long."""
        until = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.002)

    # Faults.

    def drop_after(self, frames: int) -> Any:
        """Cut connections opened now when they have got so many frames."""
        return self._fault(drop_after=frames)

    def silent(self) -> Any:
        """Let connections opened now stay open without a frame."""
        return self._fault(silent=True)

    def accept_and_drop(self) -> Any:
        """Accept connections and cut them at once."""
        return self._fault(drop_at_once=True)

    def refuse(self, status: int, *, retry_after: float | None = None, body: str = "") -> Any:
        """Answer the handshake with an HTTP error."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return self._fault(refusal=(status, headers, body))

    def live_for(self, seconds: float) -> Any:
        """Close connections opened now at this age, as Binance does after 24 hours."""
        return self._fault(lives_s=seconds)

    def duplicate(self) -> Any:
        """Send each frame twice."""
        return self._fault(twice=True)

    @contextmanager
    def late(self) -> Iterator[None]:
        """Hold the frames of the block back, and send them at its end, the newest first."""
        held: list[tuple[str, str]] = []
        with self._fault(held=held):
            yield
        for stream, text in reversed(held):
            self.send_text(stream, text)

    @contextmanager
    def _fault(self, **changes: Any) -> Iterator[None]:
        before = {name: getattr(self._now, name) for name in changes}
        for name, value in changes.items():
            setattr(self._now, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self._now, name, value)

    # Life cycle.

    def start(self) -> StreamServer:
        """Serve in a thread of its own, on any free port."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="streams", daemon=True
        )
        self._thread.start()
        ready.wait(10)
        return self

    def stop(self) -> None:
        """Stop serving and wait for the thread; a second time it does nothing."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(10)
            self._loop = None

    def __enter__(self) -> StreamServer:
        return self.start()

    def __exit__(self, *failure: object) -> None:
        self.stop()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await serve(
            self._listen, "127.0.0.1", 0, process_request=self._answer, ping_interval=None, close_timeout=0.1
        )
        self.url = f"ws://127.0.0.1:{_port(server)}"
        ready.set()
        await self._stopped.wait()
        self._cut()
        server.close()
        await server.wait_closed()

    # Inside the server's loop.

    def _answer(self, socket: ServerConnection, request: Request) -> Response | None:
        self.attempts.append(time.monotonic())
        self.paths.append(request.path)
        if self._now.refusal is None:
            return None
        status, headers, body = self._now.refusal
        response = socket.respond(HTTPStatus(status), body)
        response.headers.update(headers)
        return response

    async def _listen(self, socket: ServerConnection) -> None:
        if self._now.drop_at_once:
            socket.transport.abort()
            return
        address = urlsplit(socket.request.path if socket.request else "")
        names = parse_qs(address.query).get("streams", [""])[0]
        # As Binance: a path that does not exist opens, and stays silent.
        streams = tuple(unquote(names).split("/")) if address.path in _PATHS else ()
        listener = Listener(socket, streams, drop_at=self._now.drop_after, silent=self._now.silent)
        self.listeners.append(listener)
        try:
            with suppress(ConnectionClosed, TimeoutError):
                await asyncio.wait_for(socket.wait_closed(), self._now.lives_s)
            await socket.close(1001)
        finally:
            self.listeners.remove(listener)

    def _send(self, stream: str, text: str) -> int:
        if self._now.held is not None:
            self._now.held.append((stream, text))
            return 0
        wanted = [one for one in self.listeners if stream in one.streams and not one.silent]
        for listener in wanted:
            for _ in range(2 if self._now.twice else 1):
                self._give(listener, text)
        return len(wanted)

    def _broadcast(self, text: str) -> None:
        for listener in list(self.listeners):
            self._give(listener, text)

    def _give(self, listener: Listener, text: str) -> None:
        # The library's own broadcast writes at once; a task a frame could be overtaken by a cut.
        if listener.drop_at is not None and listener.frames >= listener.drop_at:
            return
        with suppress(ConnectionClosed, InvalidState):
            listener.socket.protocol.send_text(text.encode())
            listener.socket.send_data()
        listener.frames += 1
        if listener.frames == listener.drop_at:
            # Written bytes go out first, then the connection ends without a goodbye.
            listener.socket.transport.close()

    def _cut(self) -> None:
        for listener in list(self.listeners):
            listener.socket.transport.abort()

    def _close_all(self, code: int, reason: str) -> None:
        for listener in list(self.listeners):
            self._farewell = asyncio.ensure_future(listener.socket.close(code, reason))

    def _call(self, do: Callable[..., Any], *given: Any) -> Any:
        async def inside() -> Any:
            return do(*given)

        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(10)


def _port(server: Server) -> int:
    return int(next(iter(server.sockets)).getsockname()[1])
