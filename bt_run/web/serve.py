"""Serve the desk until somebody ends it."""

from __future__ import annotations

import asyncio
import socket
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["bind", "hosts_of", "serve"]

_STOP_S = 3.0


def bind(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """
    Take the address; port 0 takes one that is free.

    Raises:
        ConfigError: it cannot be had; `option` is where another port is chosen.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        why = error.strerror or str(error)
        raise ConfigError(f"Cannot listen on {host}:{port}: {why}. Choose another with {option}.") from error
    return taken


def hosts_of(host: str, port: int, *, more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Give the values of the Host header that mean this server: loopback, the address, and `more`."""
    names = ("127.0.0.1", "localhost", "[::1]", f"[{host}]" if ":" in host else host, *more)
    return tuple(dict.fromkeys(f"{name}:{port}" for name in names))


def serve(app: Any, listening: socket.socket, *, url: str, opens: bool, ready: Callable[[], object]) -> None:
    """
    Serve until SIGINT or SIGTERM, which end it within some seconds.

    Args:
        app: From `make_app`.
        listening: From `bind`.
        url: Opened in a browser where `opens`.
        opens: Whether to.
        ready: Called when it listens.
    """
    import uvicorn  # noqa: PLC0415  # few commands need it

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws_max_size=16 * 1024,
        timeout_graceful_shutdown=int(_STOP_S),
        ws="websockets-sansio",
    )
    server = uvicorn.Server(config)

    async def run() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            ready()
            if opens:
                with suppress(webbrowser.Error):
                    await asyncio.to_thread(webbrowser.open, url)
        await serving

    asyncio.run(run())
