"""The WebSocket API: a request in, an answer out, with faults in between."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from bt_run.practice.api.method_table import by_name
from bt_run.practice.api.microseconds import in_microseconds
from bt_run.practice.fault_points import RequestInfo, Response
from bt_run.practice.refusal import Refusal
from bt_run.practice.signing import socket_text
from bt_run.practice.sockets.api_message import BadMessage, answer_text, error_body, read_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.practice.api.gateway import Gateway
    from bt_run.practice.fault_points import Faults
    from bt_run.practice.sockets.api_message import ApiRequest
    from bt_run.practice.sockets.api_session import ApiSession

__all__ = ["WsApi"]

_OURS = ("returnRateLimits",)


class WsApi:
    """
    Answers the requests of one connection; they wait for faults beside each other, and begin in order.

    Args:
        session: The connection's.
        gateway: Answers what REST answers, too.
        faults: May answer instead, change answers, hold them back, cut the connection.
    """

    def __init__(self, session: ApiSession, gateway: Gateway, faults: Callable[[], Faults]) -> None:
        self._session = session
        self._gateway = gateway
        self._faults = faults
        self._waiting: set[asyncio.Task[None]] = set()

    async def received(self, text: str) -> None:
        """Take a message of the client."""
        task = asyncio.create_task(self._answer(text))
        self._waiting.add(task)
        task.add_done_callback(self._done)
        await asyncio.sleep(0)

    async def closed(self) -> None:
        """End what still waits."""
        for task in self._waiting:
            task.cancel()
        if self._waiting:
            await asyncio.wait(self._waiting)
        self._session.closed()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "A request of the WebSocket API broke", "exception": error, "task": task}
            )
            self._session.connection.end(1011, "internal error")

    async def _answer(self, text: str) -> None:
        connection = self._session.connection
        try:
            request = read_request(text)
        except BadMessage as bad:
            connection.send(answer_text(bad.id, 400, _error(bad.refusal), None))
            return
        info = self._info(request)
        response = await self._faults().before(info) or self._perform(request)
        response = await self._faults().after(info, response)
        if response.drop:
            connection.cut()
            return
        connection.send(answer_text(request.id, response.status, _body(response), self._rate_limits(request)))
        revoked = self._session.check_key()
        if revoked is not None:
            connection.send(answer_text(None, revoked.status, _error(revoked), None))

    def _perform(self, request: ApiRequest) -> Response:
        try:
            return Response(200, self._result(request))
        except Refusal as refusal:
            return Response(refusal.status, _error(refusal))

    def _result(self, request: ApiRequest) -> Any:
        session, params = self._session, request.params
        if request.method in session.methods:
            result = session.call(request.method, params)
        else:
            method = by_name(request.method)
            if method is None:
                self._gateway.admit(session.connection.address, 1)
                raise Refusal(-5000, f"Method {request.method} is invalid")
            sent = {name: socket_text(value) for name, value in params.items() if name not in _OURS}
            result = self._gateway.answer(
                method,
                sent,
                address=session.connection.address,
                credentials=session.credentials(params),
            )
        return in_microseconds(result) if session.microseconds else result

    def _rate_limits(self, request: ApiRequest) -> list[dict[str, Any]] | None:
        wanted = request.params.get("returnRateLimits", self._session.return_rate_limits)
        if wanted in (False, "false"):
            return None
        limits = self._gateway.limits
        method = by_name(request.method)
        orders = limits.orders_payload() if method is not None and method.security == "TRADE" else []
        return [*orders, limits.weight_payload(self._session.connection.address)]

    def _info(self, request: ApiRequest) -> RequestInfo:
        params = {name: socket_text(value) for name, value in request.params.items() if name != "signature"}
        return RequestInfo("ws-api", request.method, "", "/ws-api/v3", params, self._session.connection.address)


def _error(refusal: Refusal) -> dict[str, Any]:
    return error_body(refusal, wall_ms=time.time_ns() // 1_000_000)


def _body(response: Response) -> Any:
    """Give a fault's answer a form that fits into JSON: its web pages have no place here."""
    body = response.body
    if response.status < 300 or isinstance(body, dict):
        return body
    try:
        parsed = json.loads(body)
    except (TypeError, ValueError):
        parsed = None
    if isinstance(parsed, dict):
        return parsed
    return {"code": -1000, "msg": "An unknown error occurred while processing the request."}
