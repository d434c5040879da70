"""One connection of the practice exchange."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct

from aiohttp import web

from bt_run.practice.sockets.connection import Connection
from bt_run.practice.sockets.policy import SocketPolicy

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
RESET = struct.pack("ii", 1, 0)


def test_a_client_that_goes_away_before_the_answer_is_no_error(caplog):
    """As when a bot is killed while it connects: nothing is said, and nothing runs on."""
    caplog.set_level(logging.INFO)

    opened = asyncio.run(go_away())

    assert [] == opened
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


async def go_away():
    """Ask for a connection and reset it before the exchange answers; give how often it was opened."""
    done, opened = asyncio.Event(), []

    async def note(*given):
        opened.append(given)

    async def serve(request):
        while request.transport is not None and not request.transport.is_closing():
            await asyncio.sleep(0)
        try:
            return await Connection(request, SocketPolicy()).run(note, note)
        finally:
            done.set()

    runner = web.ServerRunner(web.Server(serve, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with socket.create_connection(("127.0.0.1", runner.addresses[0][1])) as client:
        client.sendall(HANDSHAKE)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    async with asyncio.timeout(20):
        await done.wait()
    await runner.cleanup()
    return opened
