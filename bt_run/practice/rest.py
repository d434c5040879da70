"""REST: from a request of HTTP to a method of the table, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aiohttp import web

from bt_run.practice.api.gateway import Credentials
from bt_run.practice.api.method_table import BY_PATH
from bt_run.practice.api.microseconds import in_microseconds, wants_microseconds
from bt_run.practice.fault_points import RequestInfo, Response
from bt_run.practice.identity import HEADER, NAME
from bt_run.practice.refusal import Refusal
from bt_run.practice.signing import rest_payload

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.practice.api.gateway import Gateway
    from bt_run.practice.api.methods import Method
    from bt_run.practice.fault_points import Faults

__all__ = ["RestDoor", "mark"]

_JSON = "application/json"
_HTML = "text/html"
_REMOVED = frozenset(("/api/v3/userDataStream",))
"""Gone since 2026-02-20; clients reported HTTP 410."""

_PATHS = frozenset(path for _, path in BY_PATH)


def _page(title: str) -> str:
    return f"<html><head><title>{NAME}</title></head><body><h2>{title}</h2></body></html>"


async def mark(request: web.Request, response: web.StreamResponse) -> None:
    """Put our name on every answer; for `Application.on_response_prepare`."""
    response.headers[HEADER] = NAME
    response.headers["Server"] = NAME


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request of HTTP holds, read but not judged."""

    method: Method | None
    sent: dict[str, str]
    is_double: bool
    credentials: Credentials
    unit: str | None


class RestDoor:
    """
    Answers what comes under ``/api`` and ``/fapi``.

    Args:
        gateway: Does what is asked.
        faults: Gives those that may answer instead, change an answer, hold it back, or drop the connection.
    """

    def __init__(self, gateway: Gateway, faults: Callable[[], Faults]) -> None:
        self._gateway = gateway
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        """Give what to add to an application."""
        return [web.route("*", f"/{tree}/{{rest:.*}}", self.handle) for tree in ("api", "fapi")]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        query = request.raw_path.partition("?")[2].encode("utf-8", "surrogateescape")
        try:
            body = b"" if request.method == "GET" else await request.read()
        except ConnectionError:
            return web.Response(status=400)  # the client is gone, killed perhaps; nobody reads this
        method = BY_PATH.get((request.method, request.path))
        sent, is_double = _parameters(query, body)
        info = RequestInfo(
            channel="rest",
            method="" if method is None else method.name,
            verb=request.method,
            path=request.path,
            params={name: value for name, value in sent.items() if name != "signature"},
            address=request.remote or "",
        )
        faults = self._faults()
        response = await faults.before(info)
        if response is None:
            payload, signature = rest_payload(query, body)
            asked = _Asked(
                method=method,
                sent=sent,
                is_double=is_double,
                credentials=Credentials(request.headers.get("X-MBX-APIKEY"), payload, signature),
                unit=request.headers.get("X-MBX-TIME-UNIT"),
            )
            response = await faults.after(info, self._answer(info, asked))
        if response.drop:
            _drop(request)
        return _written(response)

    def _answer(self, info: RequestInfo, asked: _Asked) -> Response:
        limits = self._gateway.limits
        try:
            answer = self._result(info, asked)
        except Refusal as refusal:
            wait = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
            answer = Response(refusal.status, _told(refusal), wait)
        return replace(answer, headers=limits.headers(info.address) | dict(answer.headers))

    def _result(self, info: RequestInfo, asked: _Asked) -> Response:
        method = asked.method
        self._gateway.admit(info.address, 1 if method is None else method.weight(asked.sent))
        if method is None:
            return _not_found(info.path)
        in_micro = wants_microseconds(asked.unit)
        if asked.is_double:
            raise Refusal(-1101, "Duplicate values for a parameter detected.")
        result = self._gateway.answer_admitted(
            method, asked.sent, address=info.address, credentials=asked.credentials
        )
        headers = self._gateway.limits.order_headers() if method.security == "TRADE" else {}
        return Response(200, in_microseconds(result) if in_micro else result, headers)


def _parameters(query: bytes, body: bytes) -> tuple[dict[str, str], bool]:
    """Read both parts; the query's value counts where both have one. Tells whether a part has a name twice."""
    found: dict[str, str] = {}
    is_double = False
    for part in (body, query):
        pairs = parse_qsl(part.decode("utf-8", "replace"), keep_blank_values=True)
        values = dict(pairs)
        is_double = is_double or len(values) < len(pairs)
        found |= values
    return found, is_double


def _not_found(path: str) -> Response:
    if path in _REMOVED:
        return Response(410, _page("410 Gone"), content_type=_HTML)
    if path in _PATHS:
        return Response(405, _page("405 Method not allowed"), content_type=_HTML)
    return Response(404, _page("404 Not found"), content_type=_HTML)


def _told(refusal: Refusal) -> dict[str, Any]:
    told: dict[str, Any] = {"code": refusal.code, "msg": refusal.reason}
    return told if refusal.data is None else told | {"data": refusal.data}


def _written(response: Response) -> web.Response:
    text = response.body
    if response.content_type == _JSON or not isinstance(text, str):
        text = json.dumps(response.body, separators=(",", ":"), ensure_ascii=False)
    return web.Response(
        status=response.status,
        text=text,
        headers=response.headers,
        content_type=response.content_type,
        charset="utf-8",
    )


def _drop(request: web.Request) -> None:
    """Cut the connection; what is answered after that goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
