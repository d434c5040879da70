"""The practice exchange on a loopback port, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bt_run.practice.exchange import Exchange
from bt_run.practice.server import PracticeServer
from bt_run.practice.signing import Keys, made_key
from bt_run.practice.sockets import routes

KEY = made_key(5)


@contextmanager
def served_practice(exchange: Exchange) -> Iterator[str]:
    """Serve it from a thread of its own; gives its URL."""
    loop, ready, end, found = asyncio.new_event_loop(), threading.Event(), asyncio.Event(), []

    async def serve() -> None:
        async with PracticeServer(exchange, Keys([KEY]), extra_routes=[routes]) as server:
            found.append(server.url)
            ready.set()
            await end.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
        loop.close()
