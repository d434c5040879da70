"""The WebSocket through which a bot holds the clock at each bar until it has decided."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from bt_run.practice.identity import HEADER, NAME

if TYPE_CHECKING:
    from bt_run.practice.barrier import Barrier, Hold
    from bt_run.practice.pacer import Pacer
    from bt_run.practice.sockets import Sockets

__all__ = ["BarrierConnection"]

_MAX_MESSAGE = 4096
_WRITTEN_S = 1.0


class BarrierConnection:
    """
    One barrier's connection.

    Args:
        pacer: Whose clock.
        barrier: Registered already; it is removed when the connection ends, however it ends.
        sockets: Their frames are written before the client is told that the clock is held.
    """

    def __init__(self, pacer: Pacer, barrier: Barrier, sockets: Sockets | None) -> None:
        self._pacer = pacer
        self._barrier = barrier
        self._sockets = sockets
        self._socket = web.WebSocketResponse(compress=False, max_msg_size=_MAX_MESSAGE)
        self._socket.headers[HEADER] = NAME
        self._moved = asyncio.Event()
        self._registered = pacer.exchange.now

    async def run(self, request: web.Request) -> web.WebSocketResponse:
        """Serve it until the client or the exchange ends."""
        teller: asyncio.Task[None] | None = None
        try:
            await self._socket.prepare(request)
            teller = asyncio.create_task(self._tell())
            async for message in self._socket:
                if message.type is not WSMsgType.TEXT or not self._take(message.data):
                    words = b'send {"release": open_time}'
                    await self._socket.close(code=1007, message=words)
        finally:
            self._barrier.remove()
            if teller is not None:
                teller.cancel()
                with suppress(asyncio.CancelledError, ConnectionError):
                    await teller
        return self._socket

    async def close(self) -> None:
        """End it, because the server ends."""
        await self._socket.close(code=1001, message=NAME.encode())

    def _take(self, text: str) -> bool:
        """Take a release; False where it is none."""
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            return False
        if not isinstance(told, dict) or type(told.get("release")) is not int:
            return False
        self._barrier.release(told["release"])
        self._moved.set()
        return True

    async def _tell(self) -> None:
        barrier = self._barrier
        about = {"symbol": barrier.symbol, "interval": barrier.interval}
        await self._send(barrier=barrier.name, exchange=NAME, now=self._registered, **about)
        try:
            while (hold := await self._next_hold()) is not None:
                if self._sockets is not None:
                    await self._sockets.drained(_WRITTEN_S)
                await self._send(held=hold.open_time, now=hold.now, execution_id=hold.execution_id, **about)
                while barrier.hold is hold:
                    self._moved.clear()
                    await self._moved.wait()
        except ConnectionError:
            return
        except Exception as failure:  # noqa: BLE001 - the clock's, which the client must hear of
            await self._send(failure=str(failure) or type(failure).__name__)
            await self._socket.close(code=1011, message=b"the exchange has failed")
            return
        if self._pacer.ended.is_set():
            await self._send(ended=True, now=self._pacer.exchange.now, last=self._last_bar(), **about)

    def _last_bar(self) -> int | None:
        """Give when the last bar opened that has closed; None where none has."""
        exchange, barrier = self._pacer.exchange, self._barrier
        market = exchange.market(barrier.symbol)
        rows = market.klines(barrier.interval, limit=2, now=exchange.now)  # the last may be cut off by the end
        closed = [
            row.open_time
            for row in rows
            if market.closed_kline(barrier.interval, row.open_time, now=exchange.now) is not None
        ]
        return max(closed, default=None)

    async def _next_hold(self) -> Hold | None:
        """Wait for the next bar; None where there will be none."""
        held = asyncio.ensure_future(self._barrier.held())
        ended = asyncio.ensure_future(self._pacer.ended.wait())
        try:
            await asyncio.wait({held, ended}, return_when=asyncio.FIRST_COMPLETED)
            return held.result() if held.done() else None
        finally:
            for wait in (held, ended):
                wait.cancel()

    async def _send(self, **told: Any) -> None:
        await self._socket.send_str(json.dumps(told))
