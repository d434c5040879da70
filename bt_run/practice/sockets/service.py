"""All sockets of the practice exchange: its routes, its open connections, its beat."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bt_run.practice.events import BarClosed, Printed
from bt_run.practice.fault_points import NoFaults, RequestInfo, Response
from bt_run.practice.identity import HEADER, NAME
from bt_run.practice.refusal import Refusal
from bt_run.practice.sockets.api_session import ApiSession
from bt_run.practice.sockets.commands import answer
from bt_run.practice.sockets.connection import Connection
from bt_run.practice.sockets.handshake import read_url
from bt_run.practice.sockets.hub import Hub, Listener
from bt_run.practice.sockets.kline_streams import KlineStreams
from bt_run.practice.sockets.market_streams import MarketStreams
from bt_run.practice.sockets.policy import Admission, SocketPolicies
from bt_run.practice.sockets.user_payloads import server_shutdown
from bt_run.practice.sockets.user_streams import UserStreams
from bt_run.practice.sockets.ws_api import WsApi

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.practice.api.gateway import Gateway
    from bt_run.practice.events import Event
    from bt_run.practice.fault_points import Faults
    from bt_run.practice.server import PracticeServer
    from bt_run.practice.sockets.handshake import Wish
    from bt_run.practice.sockets.stream_name import Family

__all__ = ["SOCKETS", "Sockets", "routes"]

_PREFIXES: tuple[tuple[str, Family, bool], ...] = (
    ("", "spot", False),
    ("/market", "futures", False),
    ("/public", "futures", True),
    ("/private", "futures", True),
)
"""Paths, whose streams they have, and whether they are open and silent for what we have."""

_log = logging.getLogger(__name__)

_BEAT_S = 0.05
_GOODBYE_S = 0.45
_WS_API_WEIGHT = 2


class Sockets:
    """
    The streams and the WebSocket API of one exchange. All of it runs in one event loop, with the exchange.

    `bt_run.practice.sockets.routes` joins it to a server; else give its `routes` to an aiohttp application, and
    call `close` before that stops. Every frame is queued
    before the call returns that caused it, so the last frame of a bar is on its way before the clock can be
    held at the bar's close; `drained` waits until all queues are written.

    `users` counts the account's events by subscription.

    Args:
        gateway: What the WebSocket API asks; also gives the exchange.
        faults: Gives what may drop, delay and repeat frames, refuse handshakes, and more.
        policies: The rules of connections.
        clock: Real seconds that never go back.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        faults: Callable[[], Faults] = NoFaults,
        policies: SocketPolicies | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._faults = faults
        self.policies = policies or SocketPolicies()
        self.gateway = gateway
        exchange = gateway.exchange
        self.users = UserStreams(exchange, faults)
        self.hub = Hub(faults)
        rate = self.policies.updates_per_s
        self._klines = KlineStreams(exchange, self.hub, updates_per_s=rate, clock=clock)
        self._others = MarketStreams(exchange, self.hub, updates_per_s=rate, clock=clock)
        self._exchange = exchange
        self._clock = clock
        self._admission = Admission(self.policies)
        self._clients: dict[Connection, Listener | ApiSession] = {}
        self._beat: asyncio.Task[None] | None = None
        self._closed = False
        self._unlisten = exchange.listen(self._on_event)

    def routes(self) -> list[web.RouteDef]:
        """Give the routes of all sockets: spot, USD-M futures, WebSocket API."""
        found = [web.get("/ws-api/v3", self._serve_api)]
        for prefix, family, deaf in _PREFIXES:
            for path, combined in (("/ws", False), ("/ws/{names:.*}", False), ("/stream", True)):
                found.append(web.get(prefix + path, self._market(family, combined=combined, deaf=deaf)))
        return found

    # What the server and faults do.

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Give all that are open, in the order of opening."""
        return tuple(self._clients)

    async def drained(self, limit_s: float = 1.0) -> bool:
        """Wait until all that was sent is written to its socket; False where a slow reader prevents it."""
        waits = [asyncio.ensure_future(connection.drained()) for connection in self.connections]
        if not waits:
            return True
        _, late = await asyncio.wait(waits, timeout=limit_s)
        for wait in late:
            wait.cancel()
        return not late

    def server_shutdown(self) -> int:
        """Announce to all clients that the server goes; gives to how many. The connections stay open."""
        for connection in self.connections:
            self._announce(connection)
        return len(self._clients)

    def drop(self, code: int = 1006, reason: str = "", *, path: str = "") -> int:
        """
        End all connections whose path and query contain `path`; gives how many.

        Code 1006 cuts them without a word, any other is sent as the close's code.
        """
        chosen = [one for one in self.connections if path in one.path and not one.ended]
        for connection in chosen:
            if code == 1006:
                connection.cut()
            else:
                connection.end(code, reason)
        return len(chosen)

    def terminate_user_streams(self) -> None:
        """End all subscriptions to the account's events with eventStreamTerminated."""
        for client in tuple(self._clients.values()):
            if isinstance(client, ApiSession):
                client.terminate()

    async def close(self, code: int = 1001) -> None:
        """End all connections within a second, and let no new ones in: before the server's end."""
        if self._closed:
            return
        self._closed = True
        self._unlisten()
        if self._beat is not None:
            self._beat.cancel()
            await asyncio.wait({self._beat})
        for connection in self.connections:
            connection.end(code, NAME, flush=True, goodbye_s=_GOODBYE_S)
        until = self._clock() + 2 * _GOODBYE_S
        while self._clients and self._clock() < until:
            await asyncio.sleep(0.005)
        for connection in self.connections:
            connection.cut()

    # The exchange's events.

    def tick(self) -> None:
        """Send what is due at this moment; called twenty times a second while somebody is connected."""
        self._klines.tick()
        self._others.tick()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Printed):
            self._klines.on_print(event.print.symbol)
            self._others.on_print(event.print)
        elif isinstance(event, BarClosed):
            self._klines.on_close(event.kline)
            self._others.on_book(event.kline.symbol)
        else:
            self.users.on_event(event)

    async def _keep_beat(self) -> None:
        while True:
            try:
                self.tick()
            except Exception:
                _log.critical("The streams of the %s have stopped.", NAME, exc_info=True)
                raise
            await asyncio.sleep(_BEAT_S)

    # Connections.

    def _market(self, family: Family, *, combined: bool, deaf: bool) -> Any:
        policy = self.policies.spot if family == "spot" else self.policies.futures

        async def serve(request: web.Request) -> web.StreamResponse:
            wish = read_url(request.rel_url)
            refused = await self._refused(request, wish)
            if refused is not None:
                return refused
            if len(wish.names) > policy.streams:
                return _refusal(Refusal(-1130, f"A connection has at most {policy.streams} streams."))
            connection = self._connection(request, policy)
            listener = Listener(
                self.hub, connection, family, combined=combined, microseconds=wish.microseconds, deaf=deaf
            )

            async def opened() -> None:
                listener.subscribe(wish.names)

            async def received(text: str) -> None:
                connection.send(answer(text, listener))

            try:
                self._open(connection, listener)
                return await connection.run(opened, received)
            finally:
                del self._clients[connection]
                listener.unsubscribe(listener.streams)

        return serve

    async def _serve_api(self, request: web.Request) -> web.StreamResponse:
        wish = read_url(request.rel_url)
        refused = await self._refused(request, wish)
        if refused is not None:
            return refused
        connection = self._connection(request, self.policies.api)
        try:
            self.gateway.admit(connection.address, _WS_API_WEIGHT)
        except Refusal as refusal:
            return _refusal(refusal)
        session = ApiSession(
            connection,
            self.gateway,
            self.users,
            microseconds=wish.microseconds,
            return_rate_limits=wish.options.get("returnRateLimits", "true") != "false",
        )
        api = WsApi(session, self.gateway, self._faults)

        async def opened() -> None:
            pass

        try:
            self._open(connection, session)
            return await connection.run(opened, api.received)
        finally:
            del self._clients[connection]
            await api.closed()

    def _connection(self, request: web.Request, policy: Any) -> Connection:
        return Connection(request, policy, clock=self._clock, on_notice=self._announce)

    def _open(self, connection: Connection, client: Listener | ApiSession) -> None:
        self._clients[connection] = client
        if self._beat is None:
            self._beat = asyncio.get_running_loop().create_task(self._keep_beat())

    async def _refused(self, request: web.Request, wish: Wish) -> web.StreamResponse | None:
        """Give what a handshake is answered with that is not let in."""
        address = request.remote or ""
        if self._closed:
            return _refusal(Refusal(-1016, "This service is no longer available.", status=503))
        if not self._admission.admit(address, self._clock()):
            most = self.policies.attempts
            words = f"Too many connection attempts from IP; current limit is {most}."
            return _refusal(Refusal(-1034, words, status=429, retry_after=round(self.policies.attempts_s)))
        info = RequestInfo("handshake", "", "GET", request.path, wish.options, address)
        instead = await self._faults().before(info)
        return None if instead is None else _written(request, instead)

    def _announce(self, connection: Connection) -> None:
        client = self._clients.get(connection)
        payload = server_shutdown(self._exchange.now)
        if isinstance(client, ApiSession):
            connection.send(_dump({"event": payload}))
        elif client is not None and client.combined:
            connection.send(_dump({"stream": "!serverShutdown", "data": payload}))
        else:
            connection.send(_dump(payload))


SOCKETS: web.AppKey[Sockets] = web.AppKey("sockets", Sockets)
"""Where an application keeps them."""


def routes(server: PracticeServer, *, policies: SocketPolicies | None = None) -> list[web.RouteDef]:
    """Give the routes for a server; ``server.app[SOCKETS]`` are then the `Sockets`, which end with it."""
    sockets = Sockets(server.gateway, faults=lambda: server.faults, policies=policies)

    async def close(app: web.Application) -> None:
        await app[SOCKETS].close()

    server.app[SOCKETS] = sockets
    server.app.on_shutdown.append(close)
    return sockets.routes()


def _written(request: web.Request, response: Response) -> web.StreamResponse:
    if response.drop and request.transport is not None:
        request.transport.abort()
    text = response.body if isinstance(response.body, str) else json.dumps(response.body)
    headers = {**response.headers, HEADER: NAME}
    return web.Response(status=response.status, text=text, content_type=response.content_type, headers=headers)


def _refusal(refusal: Refusal) -> web.Response:
    headers = {HEADER: NAME}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    return web.json_response(
        {"code": refusal.code, "msg": refusal.reason}, status=refusal.status, headers=headers
    )


def _dump(payload: dict[str, Any]) -> str:
    return json.dumps(payload, separators=(",", ":"))
