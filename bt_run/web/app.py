"""The web desk as one ASGI application: interface, stream, page, and the guard before all of them."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager, suppress
from importlib import resources
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles

from bt_run import __version__
from bt_run.alerts.rules.parse_error import ParseError
from bt_run.core.errors import BtRunError, ExchangeError
from bt_run.web.api import (
    alerts,
    bot,
    indicators,
    market,
    results,
    settings,
    signal_hook,
    strategies,
    system,
    trading,
)
from bt_run.web.guard import Guard
from bt_run.web.held_tables import HeldTables
from bt_run.web.login import login, login_page, logout
from bt_run.web.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from bt_run.run.desk.market import MarketDesk
    from bt_run.web.state import Desk

__all__ = ["API", "make_app"]

API = "/api/v1"

_SYMBOLS_S = 3600.0
_MOST_TEXT = 8 * 1024


class SymbolList:
    """The names of a venue's symbols, asked for once an hour."""

    def __init__(self, market: MarketDesk) -> None:
        self._market = market
        self._names: tuple[str, ...] = ()
        self._since = float("-inf")

    def names(self) -> tuple[str, ...]:
        """Give them. Raises ExchangeError where they were never told."""
        if time.monotonic() - self._since > _SYMBOLS_S:
            try:
                self._names, self._since = self._market.fetch_symbols(), time.monotonic()
            except ExchangeError:
                if not self._names:
                    raise
        return self._names


def make_app(desk: Desk, *, hosts: Collection[str]) -> Guard:
    """
    Make the application of a desk.

    Args:
        desk: Its parts; its market is started and stopped by whoever made it.
        hosts: Values of the Host header that are ours, such as ``127.0.0.1:8765``.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        desk.loop = asyncio.get_running_loop()
        yield
        desk.loop = None
        app.state.alert_tables.close()

    app = FastAPI(
        title="bt-run",
        version=__version__,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.desk = desk
    app.state.symbols = SymbolList(desk.market)
    app.state.alert_tables = HeldTables()
    app.add_exception_handler(BtRunError, _explain)
    for part in (
        *(system, market, indicators, strategies, results, bot, alerts, settings),
        *(trading, signal_hook),
    ):
        app.include_router(part.router, prefix=API)
    app.add_api_websocket_route(f"{API}/stream", _stream)
    app.add_api_route("/chart.js", _chart_script, include_in_schema=False)
    app.mount("/static", StaticFiles(packages=[("bt_run.web", "static")]), name="static")
    app.add_api_route("/", _page, include_in_schema=False)
    app.add_api_route("/compare", _compare_page, include_in_schema=False)
    app.add_api_route("/login", login_page, include_in_schema=False)
    app.add_api_route("/login", login, methods=["POST"], include_in_schema=False)
    app.add_api_route("/logout", logout, methods=["POST"], include_in_schema=False)
    return Guard(app, access=desk.access, hosts=hosts)  # type: ignore[arg-type]  # Starlette's own scope types


async def _explain(request: Request, error: Exception) -> Response:
    """Say what went wrong: 502 where the exchange did not answer as it should, 422 where the wish was wrong."""
    status = 502 if isinstance(error, ExchangeError) else 422
    place = {"at": error.at} if isinstance(error, ParseError) else {}
    return JSONResponse({"detail": str(error), **place}, status_code=status)


def _page() -> FileResponse:
    return FileResponse(str(resources.files("bt_run.web") / "static" / "index.html"))


def _compare_page() -> FileResponse:
    return FileResponse(str(resources.files("bt_run.web") / "static" / "compare.html"))


def _chart_script() -> Response:
    """Give TradingView's Lightweight Charts out of the wheel that carries it, without importing its code."""
    from importlib.util import find_spec  # noqa: PLC0415

    spec = find_spec("lightweight_charts")
    if spec is None or not spec.submodule_search_locations:
        raise BtRunError("The package lightweight-charts is not installed.")
    path = f"{spec.submodule_search_locations[0]}/js/lightweight-charts.js"
    return FileResponse(path, media_type="text/javascript", headers={"cache-control": "max-age=86400"})


async def _stream(socket: WebSocket) -> None:
    """Serve one browser: what it asks for comes in, what happens goes out, and neither waits for the other."""
    desk: Any = socket.app.state.desk
    await socket.accept()
    visitor = Visitor(desk.market)
    desk.welcome(visitor)
    sending = asyncio.create_task(_send(socket, visitor))
    try:
        await _receive(socket, visitor)
    finally:
        desk.visitors.discard(visitor)
        sending.cancel()
        with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await sending
        await visitor.leave()


async def _receive(socket: WebSocket, visitor: Visitor) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            text = await socket.receive_text()
            message = _parse(text)
            if message is None:
                await socket.close(1003, "A message is a JSON object.")
                return
            await visitor.take(message)


def _parse(text: str) -> dict[str, Any] | None:
    if len(text) > _MOST_TEXT:
        return None
    with suppress(ValueError):
        found = json.loads(text)
        return found if isinstance(found, dict) else None
    return None


async def _send(socket: WebSocket, visitor: Visitor) -> None:
    while True:
        for message in await visitor.outgoing.take():
            await socket.send_text(json.dumps(message, separators=(",", ":")))
