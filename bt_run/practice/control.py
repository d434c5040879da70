"""
The control endpoint under ``/practice/``: the clock, the account, faults, and the truth for tests.

It is no part of Binance's protocol, and answers to this machine only. docs/design/practice-exchange.md has
every route with its bodies.
"""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bt_run.core.errors import BtRunError, ConfigError
from bt_run.practice.control_barrier import BarrierConnection
from bt_run.practice.faults import FaultBoard, Maintenance, Restart, ServerShutdown, Wipe, fault_of, written
from bt_run.practice.identity import NAME
from bt_run.practice.refusal import Refusal
from bt_run.practice.sockets import SOCKETS
from bt_run.practice.truth import clock_of, faults_of, state_of, status_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bt_run.practice.faults import Active
    from bt_run.practice.pacer import Pacer
    from bt_run.practice.server import PracticeServer
    from bt_run.practice.sockets import Sockets

    Act = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

__all__ = ["Control", "routes"]

_SHOWN = 1000


class Control:
    """
    Answers under ``/practice/``.

    Args:
        server: What is controlled; its `faults` are looked at with each request.
    """

    def __init__(self, server: PracticeServer) -> None:
        self._server = server
        self._started = server.exchange.now
        self._barriers: set[BarrierConnection] = set()

    def routes(self) -> list[web.RouteDef]:
        """Give what to add to an application."""
        acts: dict[str, Act] = {
            "pause": self._pause,
            "resume": self._resume,
            "step": self._step,
            "speed": self._speed,
            "wipe": self._wipe,
            "deposit": self._deposit,
            "maintenance": self._maintenance,
            "shutdown": self._shutdown,
            "restart": self._restart,
        }
        return [
            web.get("/practice/status", self._guarded(self._status)),
            web.get("/practice/state", self._guarded(self._state)),
            web.get("/practice/faults", self._guarded(self._list_faults)),
            web.post("/practice/faults", self._guarded(self._add_faults)),
            web.delete("/practice/faults", self._guarded(self._clear_faults)),
            web.delete("/practice/faults/{number:[0-9]{1,9}}", self._guarded(self._remove_fault)),
            web.get("/practice/barrier", self._guarded(self._barrier)),
            *(web.post(f"/practice/{name}", self._guarded(self._acting(act))) for name, act in acts.items()),
        ]

    async def close(self) -> None:
        """End the barriers' connections: the server ends."""
        await asyncio.gather(*(connection.close() for connection in self._barriers), return_exceptions=True)

    # What is asked.

    async def _status(self, request: web.Request) -> web.StreamResponse:
        self._sync()
        server = self._server
        return _answer(
            status_of(
                server.exchange,
                server.pacer,
                self._board,
                self._sockets,
                started=self._started,
                notes=server.notes,
            )
        )

    async def _state(self, request: web.Request) -> web.StreamResponse:
        self._sync()
        return _answer(state_of(self._server.exchange, self._server.pacer))

    # Faults.

    async def _list_faults(self, request: web.Request) -> web.StreamResponse:
        board = self._need_board()
        log = [
            {"kind": one.kind, "id": one.fault_id, "time": one.time, "wall": one.wall, "what": one.what}
            for one in board.log[-_SHOWN:]
        ]
        return _answer({**faults_of(board), "log": log})

    async def _add_faults(self, request: web.Request) -> web.StreamResponse:
        told = await _json(request)
        faults = [fault_of(item) for item in (told if isinstance(told, list) else [told])]
        board = self._need_board()
        return _answer({"added": [_added(board.add(fault)) for fault in faults]})

    async def _clear_faults(self, request: web.Request) -> web.StreamResponse:
        return _answer({"removed": self._need_board().clear()})

    async def _remove_fault(self, request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["number"])
        if not self._need_board().remove(number):
            return _error(404, f"There is no active fault {number}.")
        return _answer({"removed": 1})

    # The clock.

    async def _pause(self, told: dict[str, Any]) -> dict[str, Any]:
        self._need_pacer().pause()
        return self._clock()

    async def _resume(self, told: dict[str, Any]) -> dict[str, Any]:
        self._need_pacer().resume()
        return self._clock()

    async def _step(self, told: dict[str, Any]) -> dict[str, Any]:
        pacer = self._need_pacer()
        unknown = set(told) - {"bars", "events"}
        if unknown or len(told) > 1 or any(type(count) is not int or count < 1 for count in told.values()):
            raise ConfigError('Step by {"bars": 1} or by {"events": 1}, and a whole number above 0.')
        if "events" in told:
            moved = await pacer.step_events(told["events"])
        else:
            moved = await pacer.step_bars(told.get("bars", 1))
        return {"moved": moved, **self._clock()}

    async def _speed(self, told: dict[str, Any]) -> dict[str, Any]:
        speed = told.get("speed")
        if speed != "max" and (isinstance(speed, bool) or not isinstance(speed, int | float)):
            raise ConfigError('Set the speed by {"speed": 60} or {"speed": "max"}.')
        self._need_pacer().speed = speed
        return self._clock()

    # The account, the market, the server.

    async def _wipe(self, told: dict[str, Any]) -> dict[str, Any]:
        return self._happen(Wipe())

    async def _deposit(self, told: dict[str, Any]) -> dict[str, Any]:
        asset, amount = told.get("asset"), told.get("amount")
        try:
            number = Decimal(amount) if isinstance(amount, str | int) else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if not isinstance(asset, str) or not asset.isalnum() or not number.is_finite():
            raise ConfigError('Deposit by {"asset": "USDT", "amount": "1000"}; a negative amount takes away.')
        self._sync()
        self._server.exchange.trading.deposit(asset.upper(), number)
        balance = self._server.exchange.trading.balances()[asset.upper()]
        return {"asset": asset.upper(), "free": f"{balance.free:f}", "locked": f"{balance.locked:f}"}

    async def _maintenance(self, told: dict[str, Any]) -> dict[str, Any]:
        return self._happen(fault_of({"kind": Maintenance.kind, **told}))

    async def _shutdown(self, told: dict[str, Any]) -> dict[str, Any]:
        return self._happen(fault_of({"kind": ServerShutdown.kind, **told}))

    async def _restart(self, told: dict[str, Any]) -> dict[str, Any]:
        return self._happen(fault_of({"kind": Restart.kind, **told}))

    # The barrier.

    async def _barrier(self, request: web.Request) -> web.StreamResponse:
        pacer = self._need_pacer()
        if not web.WebSocketResponse().can_prepare(request).ok:
            return _error(400, "The barrier is a WebSocket.")
        asked = request.query
        missing = [name for name in ("symbol", "interval") if not asked.get(name)]
        if missing:
            raise ConfigError(f"A barrier needs {' and '.join(missing)}: ?symbol=BTCUSDT&interval=1d.")
        barrier = pacer.add_barrier(asked.get("name", "bot"), asked["symbol"], asked["interval"])
        connection = BarrierConnection(pacer, barrier, self._sockets)
        self._barriers.add(connection)
        try:
            return await connection.run(request)
        finally:
            self._barriers.discard(connection)

    # Parts.

    @property
    def _board(self) -> FaultBoard | None:
        faults = self._server.faults
        return faults if isinstance(faults, FaultBoard) else None

    @property
    def _sockets(self) -> Sockets | None:
        return self._server.app.get(SOCKETS)

    def _need_board(self) -> FaultBoard:
        if self._board is None:
            raise ConfigError("This exchange was started without a board of faults.")
        return self._board

    def _need_pacer(self) -> Pacer:
        if self._server.pacer is None:
            raise ConfigError("Nobody moves the clock of this exchange.")
        return self._server.pacer

    def _clock(self) -> dict[str, Any]:
        return clock_of(self._server.exchange, self._server.pacer)

    def _sync(self) -> None:
        if self._server.pacer is not None:
            self._server.pacer.sync()

    def _happen(self, fault: Any) -> dict[str, Any]:
        self._sync()
        board = self._need_board()
        added = board.add(fault)
        what = next((one.what for one in reversed(board.log) if one.fault_id == added.id), "")
        return {**_added(added), "what": what, **self._clock()}

    def _acting(self, act: Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            told = await _json(request)
            if not isinstance(told, dict):
                raise ConfigError("The body must be a JSON object, or empty.")
            return _answer(await act(told))

        return serve

    def _guarded(
        self, serve: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if not _is_local(request.remote):
                return _error(403, "Control is for this machine only.")
            if "Origin" in request.headers:
                return _error(403, "Control is not for web pages.")
            try:
                return await serve(request)
            except (BtRunError, Refusal) as error:
                return _error(400, str(error))

        return guarded


def routes(server: PracticeServer) -> list[web.RouteDef]:
    """Give the routes for a server, after those of the sockets; its fault board is connected when it starts."""
    control = Control(server)

    async def start(app: web.Application) -> None:
        if isinstance(server.faults, FaultBoard):
            server.faults.connect(server)

    async def stop(app: web.Application) -> None:
        if isinstance(server.faults, FaultBoard):
            await server.faults.close()
        await control.close()

    server.app.on_startup.append(start)
    server.app.on_shutdown.append(stop)
    return control.routes()


def _added(active: Active) -> dict[str, Any]:
    return {"id": active.id, **written(active.fault)}


def _is_local(remote: str | None) -> bool:
    try:
        address = ip_address((remote or "").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


async def _json(request: web.Request) -> Any:
    body = await request.read()
    if not body.strip():
        return {}
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"The body is not JSON: {error}.") from error


def _answer(told: dict[str, Any]) -> web.Response:
    return web.json_response({"exchange": NAME, **told})


def _error(status: int, words: str) -> web.Response:
    return web.json_response({"exchange": NAME, "error": words}, status=status)
