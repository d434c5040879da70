"""One connection of a market stream, read without rest until it ends."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from bt_run.core.errors import FrameError
from bt_run.core.stream_policy import close_reason, needs_proxy
from feeds.codec import stream_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.protocol import Event

    from bt_run.core.stream_policy import StreamPolicy

__all__ = ["SHUTDOWN_STREAM", "Link", "Socket", "Verdict", "name_of", "open_link"]

SHUTDOWN_STREAM = "!serverShutdown"

_MAX_FRAME = 2**24
_MAX_QUEUE = 1024
_HEAD = '{"stream":"'
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class Verdict(Enum):
    """What shall become of a connection."""

    CLOSED = "the other side, or the network, has ended it"
    STALE = "no frame came for too long"
    RETIRE = "it still works, but will soon be cut"


class Socket(ClientConnection):
    """
    A connection that gives each whole text to `on_text` the moment it has come.

    The library's way leads through a queue to the task that reads, which wakes in the event loop's next turn.
    All else goes that way (parts of a text, bytes, what is no UTF-8), and so does a text that comes while a
    message is `queued`: the order stays. What `on_text` raises is kept in `failure`, and its text is queued:
    that wakes the task, which raises it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_text: Callable[[str], None] | None = None
        self.queued = 0  # whole messages that the task has not read yet
        self.failure: Exception | None = None

    def process_event(self, event: Event) -> None:
        """Take a frame, or the answer to the handshake; called by the library."""
        if isinstance(event, Frame) and event.opcode in _DATA:
            if event.opcode is Opcode.TEXT and event.fin and not self.queued and self._is_taken(event.data):
                return
            self.queued += event.fin
        super().process_event(event)

    def _is_taken(self, data: bytes | bytearray | memoryview) -> bool:
        if self.on_text is None:
            return False
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError:  # the library ends the connection when it is read
            return False
        try:
            self.on_text(text)
        except Exception as error:  # noqa: BLE001  # the task that reads raises it
            self.failure = error
        return self.failure is None


class Link:
    """
    One open connection. Each frame is handed on the moment it comes; what that raises ends `reader`.

    `opened_at` and `heard_at` are times of the event loop, in seconds. `frames` counts what came.
    """

    def __init__(self, socket: Socket, take: Callable[[str, str], None]) -> None:
        self._socket = socket
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._shutdown = asyncio.Event()
        self.opened_at = self._loop.time()
        self.heard_at = self.opened_at
        self.frames = 0
        self.reason = ""
        self.reader = asyncio.create_task(self._read())

    @property
    def lived_s(self) -> float:
        """Give how long the connection has been open."""
        return self._loop.time() - self.opened_at

    async def watch(self, *, stale_s: float | None, max_age_s: float) -> Verdict:
        """Wait until the connection ends, is stale, or wants a successor."""
        shutdown = asyncio.create_task(self._shutdown.wait())
        try:
            while True:
                if self.reader.done():
                    self.reader.result()
                    return Verdict.CLOSED
                now = self._loop.time()
                if self._shutdown.is_set() or now >= self.opened_at + max_age_s:
                    return Verdict.RETIRE
                if stale_s is not None and now >= self.heard_at + stale_s:
                    self.reason = f"no frame for {stale_s:g} seconds"
                    return Verdict.STALE
                until = self.opened_at + max_age_s
                if stale_s is not None:
                    until = min(until, self.heard_at + stale_s)
                await asyncio.wait(
                    {self.reader, shutdown}, timeout=until - now, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            shutdown.cancel()

    async def close(self, *, deaf: bool = False) -> None:
        """Say goodbye and wait some time for the other side's. Frames still count meanwhile, unless `deaf`."""
        if deaf:
            self._socket.on_text = None
            self.reader.cancel()
        await self._socket.close()
        await asyncio.wait({self.reader})

    async def _read(self) -> None:
        self._socket.on_text = self._hear
        try:
            async for data in self._socket:
                self._socket.queued -= 1
                if self._socket.failure is not None:
                    raise self._socket.failure
                self._hear(data if isinstance(data, str) else data.decode("utf-8", errors="replace"))
            await self._socket.wait_closed()
            self.reason = self.reason or f"closed by the exchange ({self._socket.close_code})"
        except ConnectionClosed as error:
            self.reason = self.reason or close_reason(error)
        finally:
            self._socket.on_text = None

    def _hear(self, text: str) -> None:
        self.heard_at = self._loop.time()
        self.frames += 1
        name = name_of(text)
        self._take(name, text)
        if name == SHUTDOWN_STREAM:
            self._shutdown.set()


async def open_link(url: str, policy: StreamPolicy, take: Callable[[str, str], None]) -> Link:
    """
    Connect once. What it raises, `stream_policy.explain` understands.

    Args:
        url: The whole address, with the streams.
        policy: Its times.
        take: Gets each frame: the stream's name (empty where the frame names none) and the text.
    """
    socket = await connect(
        url,
        create_connection=Socket,
        open_timeout=policy.open_s,
        close_timeout=policy.close_s,
        max_size=_MAX_FRAME,
        max_queue=_MAX_QUEUE,
        proxy=True if needs_proxy(url) else None,
    )
    return Link(cast("Socket", socket), take)


def name_of(text: str) -> str:
    """Give the stream that a frame of a combined connection belongs to; empty where it names none."""
    name, quote, _ = text.removeprefix(_HEAD).partition('"') if text.startswith(_HEAD) else ("", "", "")
    if quote and "\\" not in name:
        return name
    try:
        name = stream_of(text)
    except FrameError:
        return ""
    return name or (SHUTDOWN_STREAM if '"serverShutdown"' in text[:80] else "")
