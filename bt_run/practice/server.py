"""One port for all that the practice exchange serves: REST, and the sockets where they are given."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from typing import TYPE_CHECKING, Self

from aiohttp import web

from bt_run.core.errors import ConfigError
from bt_run.practice.api.gateway import Gateway
from bt_run.practice.fault_points import NoFaults
from bt_run.practice.front_page import front_page
from bt_run.practice.identity import NAME
from bt_run.practice.limits import Limits
from bt_run.practice.rest import RestDoor, mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from bt_run.practice.exchange import Exchange
    from bt_run.practice.fault_points import Faults
    from bt_run.practice.pacer import Pacer
    from bt_run.practice.signing import Keys

    Routes = Callable[["PracticeServer"], Iterable[web.AbstractRouteDef]]

__all__ = ["PracticeServer"]

_GOODBYE_S = 1.5
_REQUESTS_S = 0.3
_MAX_LINE = 65_536
"""Bytes of a request's first line; what is longer is refused before anybody could put our name on it."""

_log = logging.getLogger(__name__)


class PracticeServer:
    """
    Serves an exchange on one port, from entering ``async with`` until leaving it.

    It also starts and ends the pacer. Leaving takes 2 s at most, whatever clients do.

    Args:
        exchange: What is served.
        keys: Who may trade.
        pacer: Moves the exchange's clock; None: nobody does, or the caller.
        limits: How much one may ask; the default are Binance's.
        faults: What goes wrong; `faults` may be set while it runs.
        extra_routes: Give more routes, such as ``bt_run.practice.sockets.routes``; called with the server when
            it is made. They may add to ``server.app.on_shutdown``.
        host: Whom it listens to; the default is this machine alone.
        port: 0: any free one.
        seed: Of the client ids that are made up.
        notes: What is to be said of a symbol's prices wherever they are shown, by symbol.
    """

    def __init__(
        self,
        exchange: Exchange,
        keys: Keys,
        *,
        pacer: Pacer | None = None,
        limits: Limits | None = None,
        faults: Faults | None = None,
        extra_routes: Iterable[Routes] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        notes: Mapping[str, str] | None = None,
    ) -> None:
        self.exchange = exchange
        self.notes = dict(notes or {})
        self.keys = keys
        self.pacer = pacer
        self.limits = limits or Limits()
        self.faults: Faults = faults or NoFaults()
        self.host = host
        self.port = port
        sync = None if pacer is None else pacer.sync
        self.gateway = Gateway(exchange, keys, limits=self.limits, seed=seed, sync=sync)
        self.app = web.Application()
        self.app.on_response_prepare.append(mark)
        self.app.add_routes([web.get("/", self._front_page)])
        self.app.add_routes(RestDoor(self.gateway, lambda: self.faults).routes())
        for routes in extra_routes:
            self.app.add_routes(routes(self))
        self._runner: web.AppRunner | None = None
        self._listening = False

    @property
    def url(self) -> str:
        """Give the origin of REST, such as ``http://127.0.0.1:40001``."""
        return f"http://{self._authority}"

    @property
    def ws_url(self) -> str:
        """Give the origin of the streams and of the WebSocket API."""
        return f"ws://{self._authority}"

    async def __aenter__(self) -> Self:
        """Begin to listen; raises ConfigError where the port cannot be had."""
        runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=_REQUESTS_S, max_line_size=_MAX_LINE)
        await runner.setup()
        self._runner = runner
        try:
            await self.listen()
        except OSError as error:
            self._runner = None
            await runner.cleanup()
            raise ConfigError(_cannot_listen(error, self.host, self.port)) from error
        if self.pacer is not None:
            self.pacer.start()
        _log.info("%s: listening on %s", NAME, self.url)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the clock, then listening; open connections are ended."""
        if self.pacer is not None:
            await self.pacer.aclose()
        runner, self._runner = self._runner, None
        self._listening = False
        if runner is not None:
            await self._end(runner)
        _log.info("%s: stopped", NAME)

    @property
    def listening(self) -> bool:
        """Tell whether it takes new connections."""
        return self._listening

    async def listen(self) -> None:
        """Take connections, on the port that it had before; raises OSError where it is taken."""
        if self._runner is not None and not self._runner.sites:
            await web.TCPSite(self._runner, self.host, self.port).start()
            self.port = self._runner.addresses[0][1]
            self._listening = True

    async def stop_listening(self) -> None:
        """Take no new connection until `listen`; those that are open stay."""
        self._listening = False
        for site in tuple(() if self._runner is None else self._runner.sites):
            await site.stop()

    def cut_connections(self) -> None:
        """Cut all connections without a word, those that wait for an answer too."""
        if self._runner is not None and self._runner.server is not None:
            for connection in self._runner.server.connections:
                if connection.transport is not None:
                    connection.transport.abort()

    async def _end(self, runner: web.AppRunner) -> None:
        """End the runner, and cut off those who do not let go."""
        try:
            await asyncio.wait_for(runner.cleanup(), _GOODBYE_S)
        except TimeoutError:
            _log.info("%s: cutting off connections that do not end", NAME)
            if runner.server is not None:
                await runner.server.shutdown(0)

    @property
    def _authority(self) -> str:
        host = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    async def _front_page(self, request: web.Request) -> web.Response:
        page = front_page(
            symbols=self.exchange.markets,
            now=self.exchange.now,
            rest_url=f"{self.url}/api/v3",
            stream_url=f"{self.ws_url}/ws",
            ws_api_url=f"{self.ws_url}/ws-api/v3",
        )
        return web.Response(text=page, content_type="text/html")


def _cannot_listen(error: OSError, host: str, port: int) -> str:
    is_name = isinstance(error, socket.gaierror)
    is_nowhere = error.errno is None  # Python 3.13: no address of the host could be bound
    why = str(error) if is_nowhere else error.strerror if is_name else os.strerror(error.errno or 0)
    is_host = is_name or is_nowhere or error.errno == errno.EADDRNOTAVAIL
    advice = "Give a --host of this machine" if is_host else "Choose another port, or 0 for any free one"
    return f"The practice exchange cannot listen on {host} port {port}: {why}. {advice}."
